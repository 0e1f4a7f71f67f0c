"""What is kept of a run, and the pack that a role's folder gives."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from crypto.identity import Identity
from federation import files
from federation.coordinator.home import CoordinatorHome
from federation.errors import UsageError
from federation.home import Home
from federation.ids import AGGREGATOR, RunId
from federation.ledger import archive, keeping
from federation.ledger import pack as packs
from federation.ledger.collecting import collect, ledger_of
from federation.ledger.findings import State
from federation.ledger.verify import verify
from tests.federation.ledger import world
from tests.federation.ledger.world import fingerprints, joined

RUN = RunId(world.RUN)
NOW = world.START + dt.timedelta(hours=3)


def home_of(folder: Path, name: str) -> Home:
    """The role's folder as it stands after the run."""
    role, home = world.made().roles[name], CoordinatorHome(folder)
    files.write_secret(home.identity_file, role.identity.to_pem())
    ledger, run = folder / "ledger", home.round_folder(RUN)
    files.write_private(ledger / "log.jsonl", joined(role.lines))
    for size, text in role.notes.items():
        files.write_private(ledger / "checkpoints" / f"{size}.note", text.encode())
    for (other, size), text in role.witnessed.items():
        files.write_private(ledger / "witnessed" / f"{other}-{size}.note", text.encode())
    files.write_private(run / "journal.jsonl", joined(role.frames))
    files.write(run / "plan.json", world.PLAN)
    identities = {other: world.identity(other).public for other in world.ROLES}
    keeping.keep_members(run, identities, dict.fromkeys(world.ROLES, "CN"))
    keeping.keep_decided(run, world.policies.TEXT, role.entities, role.verdicts.values())
    return home


def test_the_aggregator_s_folder_gives_a_clean_pack(tmp_path: Path) -> None:
    sources = collect(home_of(tmp_path, AGGREGATOR), RUN, AGGREGATOR, world.FEDERATION, NOW, {})
    report = verify([packs.parse(packs.build(sources), "pack")], fingerprints())
    assert report.state is State.PASS, report.to_json()


def test_a_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    home = home_of(tmp_path, AGGREGATOR)
    log = tmp_path / "ledger" / "log.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"at":"2026-')
    sources = collect(home, RUN, AGGREGATOR, world.FEDERATION, NOW, {})
    assert sources.files["log.jsonl"] == whole


def test_what_was_seen_under_another_key_stays_at_home(tmp_path: Path) -> None:
    home = home_of(tmp_path, AGGREGATOR)
    run = home.round_folder(RUN)
    identities = {"bank": Identity.generate().public}
    keeping.keep_members(run, identities, {})
    found = collect(home, RUN, AGGREGATOR, world.FEDERATION, NOW, {}).files
    assert not any(name.startswith("witnessed/bank") for name in found)
    assert any(name.startswith("witnessed/platform") for name in found)


def test_the_attempts_of_a_run_are_kept_beside_each_other(tmp_path: Path) -> None:
    for attempt, verdict in ((1, b"one"), (2, b"two"), (10, b"one")):
        keeping.keep_decided(tmp_path, "policy", f"entities {attempt}".encode(), [verdict])
        keeping.keep_seed(tmp_path, attempt, bytes([attempt]) * 32)
    found = keeping.kept(tmp_path)
    assert found["entities.jsonl"] == b"entities 1\nentities 2\nentities 10\n"
    assert found["verdicts.jsonl"] == b"one\ntwo\n"
    assert list(archive.document(found["canaries.json"], "canaries.json")) == ["1", "10", "2"]


def test_nobody_else_on_the_machine_reads_what_is_kept(tmp_path: Path) -> None:
    home = home_of(tmp_path, AGGREGATOR)
    for name in (keeping.MEMBERS, keeping.POLICY, keeping.ENTITIES, keeping.VERDICTS):
        assert (home.round_folder(RUN) / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("run", ["20260101t000000-none", "../.."])
def test_a_run_that_is_not_here_is_a_mistake(tmp_path: Path, run: str) -> None:
    with pytest.raises(UsageError, match="there is no run") as error:
        collect(home_of(tmp_path, AGGREGATOR), RunId(run), AGGREGATOR, world.FEDERATION, NOW, {})
    assert world.RUN in error.value.advice


def test_a_run_of_which_nothing_was_kept_cannot_be_shown(tmp_path: Path) -> None:
    home = CoordinatorHome(tmp_path)
    home.round_folder(RUN).mkdir(parents=True)
    with pytest.raises(UsageError, match="not kept who took part"):
        collect(home, RUN, AGGREGATOR, world.FEDERATION, NOW, {})


def test_a_folder_s_own_ledger_is_shown_with_the_names_on_its_checkpoints(tmp_path: Path) -> None:
    entries, cosigners = ledger_of(home_of(tmp_path, AGGREGATOR))
    assert [entry.kind for entry in entries][:2] == ["start", "plan"]
    assert set(cosigners.values()) == {world.PARTIES}


def test_a_folder_without_a_ledger_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no ledger in this folder"):
        ledger_of(CoordinatorHome(tmp_path))
