"""Public tables of loans: what is known to leak is found, and strong columns that do not are left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from crypto.private import Private
from parties.dataset import DatasetConfig
from parties.leakage import check

DATA = Path(os.environ.get("ISTHMUS_DATA", Path(__file__).parents[4] / "shared" / "data"))


def table(*files: str, key: str) -> pd.DataFrame:
    paths = [DATA / file for file in files]
    if not all(path.exists() for path in paths):
        pytest.skip("the tables are not there: set ISTHMUS_DATA to the folder that holds them")
    frame = pd.read_csv(paths[0])
    for path in paths[1:]:
        frame = frame.merge(pd.read_csv(path), on=key, suffixes=("", "_host"))
    return frame


def test_sbas_term_is_flagged_before_training_and_nothing_else_of_the_bank() -> None:
    folder = "sba_flagship_fy0306"
    frame = table(f"{folder}/bank.csv.gz", f"{folder}/extras/leaky_extras_LGD_only.csv.gz", key="entity_id")
    frame = frame.drop(columns="loss_amount")
    config = DatasetConfig("loans", Path("bank.csv.gz"), "entity_id", label="default")
    found = check(Private(frame), config)
    assert [(finding.kind, finding.column) for finding in found] == [
        ("separates", "Term"),
        ("scattered", "Term"),
    ]
    assert all(finding.figures["low"] > 0.95 for finding in found)


def test_sbas_cohorts_differ_and_its_last_year_was_recorded_otherwise() -> None:
    frame = table("sba_flagship_fy0306/bank.csv.gz", key="entity_id")
    config = DatasetConfig("loans", Path("bank.csv.gz"), "entity_id", label="default", time="ApprovalFY")
    found = {finding.kind: finding for finding in check(Private(frame), config)}
    assert set(found) == {"cohort", "drift"}
    assert "14.1% in 2003, 28.3% in 2005" in found["cohort"].sentence
    assert found["drift"].figures["RevLineCr"] > 5


def test_default_credit_gives_no_false_alarm_on_the_last_repayment_status() -> None:
    files = [f"fate_benchmarks/default_credit_hetero_{side}.csv.gz" for side in ("guest", "host")]
    frame = table(*files, key="id")
    assert check(Private(frame), DatasetConfig("loans", Path("guest.csv.gz"), "id", label="y")) == ()
