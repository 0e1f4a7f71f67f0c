"""`isthmus ledger`: what a supervisor types, and reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import main
from crypto.identity import Identity
from federation import files
from federation.ledger import archive
from federation.ledger.pack import Pack
from tests.federation.ledger import tampering, world
from tests.federation.ledger.test_keeping import home_of

TRUST = [part for name, text in world.fingerprints().items() for part in ("--trust", f"{name}={text}")]


def isthmus(*arguments: str | Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The command's exit code; what it printed is captured."""
    monkeypatch.setattr("sys.argv", ["isthmus", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "bank.zip"
    path.write_bytes(world.made().pack_file("bank"))
    return path


def test_a_clean_pack_is_told_in_plain_words_with_what_it_does_not_show(
    pack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert isthmus("ledger", "verify", pack, *TRUST, monkeypatch=monkeypatch) == 0
    told = capsys.readouterr().out
    assert "Everything that was checked in the pack of bank holds." in told
    assert "What this does not show:" in told
    assert all(line == line.rstrip() for line in told.splitlines())


def test_without_fingerprints_the_exit_code_says_that_not_everything_is_decided(
    pack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert isthmus("ledger", "verify", pack, monkeypatch=monkeypatch) == 3
    assert "--trust" in capsys.readouterr().err


def test_a_tampered_pack_is_one_json_object_that_names_the_first_entry(
    pack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = world.made().roles["bank"].lines
    honest = world.made().pack("bank")
    changed = {**world.contents(honest), "log.jsonl": world.joined(lines[:8] + lines[9:])}
    pack.write_bytes(files_of(tampering.carried(honest, changed)))
    code = isthmus("ledger", "verify", pack, *TRUST, "--format", "json", monkeypatch=monkeypatch)
    report = json.loads(capsys.readouterr().out)
    assert (code, report["state"]) == (3, "fail")
    assert (report["first"]["finding"]["entry"], report["first"]["finding"]["happened"]) == (8, "dropped")


def test_a_trust_that_is_none_is_a_mistake(
    pack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("bank", "bank=12", "bnak=" + world.fingerprints()["bank"]):
        assert isthmus("ledger", "verify", pack, "--trust", text, monkeypatch=monkeypatch) == 2
    assert capsys.readouterr().out == ""


def test_a_coordinator_packs_a_run_and_shows_its_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home, out = tmp_path / "federation", tmp_path / "evidence.zip"
    home_of(home, "aggregator")
    files.write_json(
        home / "federation.json",
        {"name": world.FEDERATION, "gate": "127.0.0.1:9", "exchange": "127.0.0.1:9"},
    )
    made = ("ledger", "pack", world.RUN, "--home", home, "--out", out)
    assert isthmus(*made, monkeypatch=monkeypatch) == 0
    assert isthmus(*made, monkeypatch=monkeypatch) == 2  # Nothing is written over.
    capsys.readouterr()
    assert isthmus("ledger", "verify", out, *TRUST, monkeypatch=monkeypatch) == 0
    assert isthmus("ledger", "show", "--home", home, "--format", "json", monkeypatch=monkeypatch) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert shown["entries"][1]["what"].startswith("the plan was accepted")


def test_a_timeline_says_in_words_what_happened_and_who_co_signed(
    pack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert isthmus("ledger", "show", pack, "--format", "json", monkeypatch=monkeypatch) == 0
    entries = json.loads(capsys.readouterr().out)["entries"]
    assert entries[2]["what"] == "the owner signed the grant bank-grant"
    assert entries[15]["what"] == ("the run finished (attempt 1); messages that left: 12, bytes: 12018")
    assert entries[15]["cosigned"] == ["aggregator", "platform", "public"]
    assert entries[18]["cosigned"] == []  # After the last co-signed checkpoint.
    assert isthmus("ledger", "show", pack, monkeypatch=monkeypatch) == 0
    assert "Shown as it stands." in capsys.readouterr().out


def test_a_regulator_co_signs_and_is_then_one_more_to_trust(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    regulator = Identity.generate()
    files.write_secret(tmp_path / "own" / "key.pem", regulator.to_pem())
    command = ("ledger", "cosign", pack, "--key", tmp_path / "own" / "key.pem", "--name", "regulator")
    assert isthmus(*command, monkeypatch=monkeypatch) == 2  # Whose ledger it is, nobody has said.
    command = (*command, "--trust", f"bank={world.fingerprints()['bank']}")
    assert isthmus(*command, monkeypatch=monkeypatch) == 0
    told = ("--trust", f"regulator={regulator.public.fingerprint}")
    signed = tmp_path / "bank.regulator.zip"
    assert isthmus("ledger", "verify", signed, *TRUST, *told, monkeypatch=monkeypatch) == 0
    assert "regulator co-signed this ledger" in " ".join(capsys.readouterr().out.split())


def files_of(pack: Pack) -> bytes:
    return archive.archived(pack.files)
