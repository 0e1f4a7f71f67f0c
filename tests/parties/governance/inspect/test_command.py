"""`isthmus data inspect` and `isthmus data check --manifest`, as an owner runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import isthmus
from crypto.errors import UsageError
from federation.governance.manifest import load
from federation.ids import PartyId
from parties.home import PartyHome
from tests.parties.governance.inspect.test_drafting import customers

OWNER = ("--jurisdiction", "CN", "--kind", "bank", "--legal-name", "Lakeside Commercial Bank")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    config = customers(tmp_path)
    PartyHome.create(tmp_path / "party", PartyId("bank"))
    (tmp_path / "party" / "party.toml").write_text(
        f'name = "bank"\n[datasets.loans]\nfile = "{config.file}"\nkey = "uscc"\nlabel = "bad"\n'
        'time = "decided"\nexclude = ["branch"]\n',
        encoding="utf-8",
    )
    return tmp_path / "party"


def run(*arguments: object) -> Result:
    said = CliRunner().invoke(isthmus, ["data", *map(str, arguments)])
    if said.exception is not None and not isinstance(said.exception, SystemExit):
        raise said.exception
    return said


def inspected(home: Path) -> Path:
    run("inspect", "--dataset", "loans", "--home", home, *OWNER)
    return home / "governance" / "loans.manifest.toml"


def test_a_dataset_of_the_party_is_drafted_into_its_folder(home: Path) -> None:
    made = load(inspected(home))
    assert (made.party.id, made.dataset.id, made.table.rows) == ("bank", "loans", 200)


def test_a_manifest_that_is_there_is_never_overwritten(home: Path) -> None:
    path = inspected(home)
    path.write_text(path.read_text() + "# decided\n")
    with pytest.raises(UsageError, match="not overwritten"):
        inspected(home)
    assert path.read_text().endswith("# decided\n")
    run("inspect", "--dataset", "loans", "--home", home, "--out", home / "new.toml", *OWNER)
    assert load(home / "new.toml") == load(path)


def test_a_draft_without_an_owner_is_refused_before_anything_is_written(home: Path) -> None:
    with pytest.raises(UsageError, match="--jurisdiction, --legal-name, --kind is missing"):
        run("inspect", "--dataset", "loans", "--home", home)
    assert not (home / "governance").exists()


def test_any_file_is_looked_at_and_nothing_is_written(home: Path) -> None:
    file = home.parent / "customers.csv"
    said = run("inspect", file, "--home", home)
    assert "100 % of the filled cells are national identity numbers" in said.output
    assert "Nothing was written" in said.output
    facts = json.loads(run("inspect", file, "--home", home, "--format", "json").output)
    assert facts["draft"] is None
    (mobile,) = (each for each in facts["columns"] if each["name"] == "mobile")
    assert mobile["low"] is None
    assert [found["kind"] for found in mobile["found"]] == ["phone"]
    for cell in file.read_text(encoding="utf-8").splitlines()[2].split(",")[:4]:
        assert cell not in said.output


def test_a_change_is_told_by_what_it_would_newly_allow(home: Path) -> None:
    old = inspected(home)
    text = old.read_text(encoding="utf-8")
    new = home / "new.toml"
    new.write_text(
        text.replace("jrt0197 = 4", "jrt0197 = 2").replace("min_cohort = 10", "min_cohort = 5"),
        encoding="utf-8",
    )
    shown = ("check", "--manifest", new, "--against", old, "--dataset", "loans", "--home", home)
    said = run(*shown).output
    loosened = said[said.index("would newly allow:") :]
    assert "fields.owner_id_no: its grade by JR/T 0197 falls from 4 to 2 (warning" in loosened
    assert "table.min_cohort: from 10 to 5" in loosened
    assert "it fits the table" in said
    facts = json.loads(run(*shown, "--format", "json").output)
    assert facts["misfits"] == []
    assert {"would newly allow"} == {each["effect"] for each in facts["changes"]}


def test_a_manifest_is_checked_without_a_table_too(home: Path) -> None:
    said = run("check", "--manifest", inspected(home), "--home", home.parent / "nobody").output
    assert "compared with no table" in said


def test_a_manifest_of_another_table_does_not_fit(home: Path) -> None:
    other = home.parent / "other.csv"
    other.write_text("id,x\na,1\nb,2\n")
    said = run("check", other, "--manifest", inspected(home)).output
    assert "does not fit the table:" in said
    assert "fields.uscc: the table has no such column" in said


def test_two_versions_need_the_new_one(home: Path) -> None:
    with pytest.raises(UsageError, match="no --manifest"):
        run("check", "--against", inspected(home))
