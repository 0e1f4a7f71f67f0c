"""`export` of a grant, a dataset and a pack: what an owner or an auditor types."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
import yaml

from cli.main import main
from parties.governance.shelf import Shelf
from parties.home import PartyHome
from tests.federation.ledger import world
from tests.parties.governance import world as parties

TRUST = [part for name, text in world.fingerprints().items() for part in ("--trust", f"{name}={text}")]
Run: TypeAlias = Callable[..., int]


@pytest.fixture
def isthmus(monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*arguments: str | Path) -> int:
        monkeypatch.setattr("sys.argv", ["isthmus", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return run


@pytest.fixture
def bank(tmp_path: Path) -> PartyHome:
    home = parties.bank(tmp_path / "bank")
    parties.put(home)
    return home


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "bank.zip"
    path.write_bytes(world.made().pack_file("bank"))
    return path


def test_a_grant_is_written_as_odrl_and_again_after_it_was_revoked(
    bank: PartyHome, isthmus: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (kept,) = Shelf(bank).grants()
    command = ("grant", "export", kept.grant.id, "--home", bank.folder, "--as", "odrl", "--out")
    assert isthmus(*command, tmp_path / "a.jsonld", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["sha256"] == kept.sha256
    before = json.loads((tmp_path / "a.jsonld").read_text())
    assert before["isthmus:grantSha256"] == kept.sha256
    assert "isthmus:revokedAt" not in before
    assert isthmus("grant", "revoke", kept.grant.id, "--home", bank.folder) == 0
    assert isthmus(*command, tmp_path / "b.jsonld") == 0
    after = json.loads((tmp_path / "b.jsonld").read_text())
    assert "isthmus:revokedAt" in after
    assert after["uid"] == before["uid"]


def test_a_manifest_is_written_as_a_data_contract_in_both_forms_alike(
    bank: PartyHome, isthmus: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("data", "export", "--dataset", "data", "--home", bank.folder, "--as", "odcs", "--out")
    assert isthmus(*command, tmp_path / "c.yaml", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["manifest"] == Shelf(bank).manifest("data").digest
    assert isthmus(*command, tmp_path / "c.json") == 0
    in_yaml = yaml.safe_load((tmp_path / "c.yaml").read_text())
    assert in_yaml == json.loads((tmp_path / "c.json").read_text())
    assert isthmus(*command, tmp_path / "c.txt") == 2
    assert ".yaml or .json" in capsys.readouterr().err


def test_a_pack_is_written_as_lineage_and_as_an_auditor_s_results(
    pack: Path, isthmus: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form, key in (("prov", "wasGeneratedBy"), ("oscal", "assessment-results")):
        out = tmp_path / f"{form}.json"
        code = isthmus("ledger", "export", pack, "--as", form, "--out", out, *TRUST, "--format", "json")
        assert code == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["as"], told["state"]) == (form, "pass")
        assert key in json.loads(out.read_text())


def test_an_altered_pack_gives_results_but_no_lineage(
    isthmus: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, prov, oscal = tmp_path / "bad.zip", tmp_path / "prov.json", tmp_path / "oscal.json"
    changed = {"plan.json": world.PLAN.replace(b"credit", b"debits")}
    path.write_bytes(world.made().pack_file("bank", changed))
    assert isthmus("ledger", "export", path, "--as", "prov", "--out", prov) == 3
    assert "no lineage" in capsys.readouterr().err
    assert not prov.exists()
    assert isthmus("ledger", "export", path, "--as", "oscal", "--out", oscal) == 0
    assert "verification: fail" in capsys.readouterr().out


def test_an_export_never_takes_the_place_of_a_file(
    pack: Path, bank: PartyHome, isthmus: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "there.json"
    there.write_text("mine")
    (kept,) = Shelf(bank).grants()
    for command in (
        ("ledger", "export", pack, "--as", "oscal", "--out", there),
        ("grant", "export", kept.grant.id, "--home", bank.folder, "--out", there),
        ("data", "export", "--home", bank.folder, "--out", there),
    ):
        assert isthmus(*command) == 2
        assert "there is a file already" in capsys.readouterr().err
    assert there.read_text() == "mine"
    assert isthmus("ledger", "export", pack, "--as", "prov", "--out", pack) == 2
    assert pack.read_bytes() == world.made().pack_file("bank")
