"""`isthmus data check`: a party's own table, or any file, before anybody trains on it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from cli.main import isthmus
from federation.ids import PartyId
from parties.home import PartyHome

ROWS = 600
CHECK = ("data", "check")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    bad = rng.random(ROWS) < 0.3
    lived = (rng.normal(size=ROWS) - 3 * bad).round(4)
    frame = pd.DataFrame({"id": [f"F{i}" for i in range(ROWS)], "lived": lived, "bad": bad.astype(int)})
    frame.to_csv(tmp_path / "loans.csv", index=False)
    PartyHome.create(tmp_path / "party", PartyId("bank"))
    (tmp_path / "party" / "party.toml").write_text(
        'name = "bank"\n[datasets.data]\nfile = "../loans.csv"\nkey = "id"\nlabel = "bad"\n'
    )
    return tmp_path


def test_findings_are_one_json_object(folder: Path) -> None:
    said = CliRunner().invoke(isthmus, [*CHECK, "--home", str(folder / "party"), "--format", "json"])
    assert said.exit_code == 0, said.output
    facts = json.loads(said.output)
    assert [(each["kind"], each["column"]) for each in facts["findings"]] == [("separates", "lived")]
    assert facts["findings"][0]["figures"]["auc"] > 0.95


def test_a_file_needs_no_party_and_its_findings_are_sentences(folder: Path) -> None:
    file = str(folder / "loans.csv")
    said = CliRunner().invoke(isthmus, [*CHECK, file, "--label", "bad"])
    assert "1 to look at\n  `lived` alone separates outcomes" in said.output
    said = CliRunner().invoke(isthmus, [*CHECK, file, "--exclude", "bad"])
    assert "nothing stands out; without a label, outcomes were not looked at" in said.output


def test_a_dataset_that_is_not_there_is_named(folder: Path) -> None:
    said = CliRunner().invoke(isthmus, [*CHECK, "--home", str(folder / "party"), "--dataset", "cards"])
    assert said.exit_code != 0
    assert "'cards'" in str(said.exception)
