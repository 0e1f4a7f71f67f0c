"""A plan is judged by its papers before it runs: what is missing is named, and what is not known."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from pathlib import Path

import click.testing
import pytest

from benchmarks.border import firms
from benchmarks.border.papering import Places
from benchmarks.border.playing import founded
from benchmarks.border.preflight import preflight
from cli.main import isthmus
from federation.errors import UsageError
from parties.governance.shelf import Shelf
from parties.home import PartyHome

#: After the grants were made, which are in force from then on.
NOW = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A federation as `isthmus demo` lays one out, before it runs."""
    made: Path = tmp_path_factory.mktemp("plan") / "made"
    founded(firms.vertical(5, model={"max_iterations": 2}), made)
    return made


def test_papers_beside_the_plan_are_found_by_themselves(folder: Path) -> None:
    found = preflight(folder / "plan.toml", Places(), NOW)
    assert {*found.found.manifests} == {"bank", "platform"}
    assert [grant.owner for grant in found.found.grants] == ["bank", "platform"]
    assert found.case.stage == "plan"
    assert found.case.parties["aggregator"].seat == "aggregator"
    assert found.placements.asked.allowed


def test_every_open_signature_is_listed_with_office_and_source(folder: Path) -> None:
    found = preflight(folder / "plan.toml", Places(), NOW)
    waiting = {r.control for r in found.judgement.rulings["R1"] if r.verdict.value == "needs-attestation"}
    listed = {each.control: each for each in found.wanted()}
    assert waiting
    assert waiting <= {*listed}
    assert all(listed[control].office["en"] and listed[control].source for control in waiting)
    for language in ("en", "zh"):
        text = "\n".join(found.lines(language))
        assert all(control in text for control in waiting)


def test_what_only_the_run_can_show_is_asked_of_nobody(folder: Path) -> None:
    found = preflight(folder / "plan.toml", Places(), NOW)
    assert not [each.control for each in found.wanted() if each.control.startswith("T-EGRESS")]


def test_a_revoked_grant_is_left_out_and_told(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    home = PartyHome.open(tmp_path / "copy" / "parties" / "bank")
    Shelf(home).revoke("border", "", NOW)
    found = preflight(tmp_path / "copy" / "plan.toml", Places(), NOW)
    assert [grant.owner for grant in found.found.grants] == ["platform"]
    assert any("border of bank is revoked" in note for note in found.found.notes)


def test_once_every_grant_is_over_nothing_says_where_the_aggregator_is(folder: Path) -> None:
    with pytest.raises(UsageError, match="not known where aggregator is"):
        preflight(folder / "plan.toml", Places(), NOW + dt.timedelta(days=5_000))


def test_a_plan_without_papers_is_told_what_to_give(folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "plan.toml"
    alone.write_bytes((folder / "plan.toml").read_bytes())
    with pytest.raises(UsageError, match="not known where bank is") as refused:
        preflight(alone, Places(), NOW)
    assert "--home" in refused.value.advice
    assert refused.value.file == str(alone)


def test_manifests_and_grants_can_come_as_files(folder: Path, tmp_path: Path) -> None:
    alone, said, granted = tmp_path / "plan.toml", tmp_path / "said", tmp_path / "granted"
    alone.write_bytes((folder / "plan.toml").read_bytes())
    for place in (said, granted):
        place.mkdir()
    for party in ("bank", "platform"):
        governance = folder / "parties" / party / "governance"
        shutil.copy(governance / "data.manifest.toml", said / f"{party}.manifest.toml")
        shutil.copy(governance / "grants" / "border.dsse.json", granted / f"{party}.dsse.json")
    found = preflight(alone, Places(manifests=said, grants=(granted,)), NOW)
    beside = preflight(folder / "plan.toml", Places(), NOW)
    assert found.judgement.canonical() == beside.judgement.canonical()
    assert sum("unchecked" in note for note in found.found.notes) == 2
    with pytest.raises(UsageError, match=r"no \*\.manifest\.toml") as refused:
        preflight(alone, Places(manifests=granted), NOW)
    assert refused.value.field == "--manifests"


def test_the_command_judges_loads_nothing_heavy_and_says_that_it_is_no_legal_advice(folder: Path) -> None:
    code = (
        "import json, sys\nfrom cli.main import isthmus\n"
        "try:\n    isthmus(['bench', 'border', '--plan', sys.argv[1], '--format', 'json'])\n"
        "except SystemExit:\n    pass\n"
        "print(json.dumps([name for name in ('torch', 'flwr', 'pandas', 'grpc') if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder / "plan.toml")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    facts, loaded = map(json.loads, done.stdout.splitlines())
    assert facts["not_legal_advice"] is True
    assert {"borders", "wanted", "placements"} <= {*facts}
    assert loaded == []


def test_papers_without_a_plan_are_a_slip(folder: Path) -> None:
    home = str(folder / "parties" / "bank")
    ran = click.testing.CliRunner().invoke(isthmus, ["bench", "border", "--home", home])
    assert isinstance(ran.exception, UsageError)
    assert ran.exception.field == "--plan"
