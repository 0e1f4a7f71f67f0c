"""A table that gives the outcome away is found out before training; one that does not is left in peace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crypto.private import Private
from parties.dataset import DatasetConfig
from parties.leakage import Finding, check, check_counts

ROWS = 3000


def config(**fields: object) -> DatasetConfig:
    base: dict[str, object] = {"name": "loans", "file": Path("loans.csv"), "key": "id", "label": "bad"}
    return DatasetConfig(**(base | fields))  # type: ignore[arg-type]


def loans(seed: int = 1) -> pd.DataFrame:
    """An honest table: leverage and sector tell something of the outcome, as they should."""
    rng = np.random.default_rng(seed)
    leverage = rng.normal(size=ROWS)
    bad = rng.random(ROWS) < 1 / (1 + np.exp(1.5 - leverage))
    return pd.DataFrame(
        {
            "id": [f"F{i}" for i in range(ROWS)],
            "leverage": leverage.round(3),
            "sector": rng.choice(["trade", "craft", "farm"], ROWS),
            "sales": rng.lognormal(10, 1, ROWS).round(),
            "approved": rng.choice(["2004-05", "2005-02", "2005-11", "2006-07"], ROWS),
            "bad": bad.astype(int),
        }
    )


def look(frame: pd.DataFrame, training: np.ndarray | None = None, **fields: object) -> dict[str, Finding]:
    found = check(Private(frame), config(**fields), training)
    assert len({finding.kind for finding in found}) == len(found)
    return {finding.kind: finding for finding in found}


def test_an_honest_table_has_no_findings() -> None:
    assert look(loans(), time="approved") == {}


def test_a_column_that_ranks_outcomes_by_itself_is_named_with_its_direction() -> None:
    frame = loans()
    frame["days"] = (np.random.default_rng(2).normal(size=ROWS) - 2 * frame.bad).round(2)
    told = look(frame)["separates"]
    assert told.column == "days"
    assert told.figures["auc"] == pytest.approx(0.93, abs=0.01)
    assert told.sentence.startswith("`days` alone separates outcomes with AUC .94, bad at low values: ")


def test_a_term_that_is_cut_short_by_default_is_told_by_its_scattered_values() -> None:
    frame, rng = loans(), np.random.default_rng(2)
    agreed = rng.choice([36, 60, 84], ROWS)
    # No AUC of its own to speak of: a default may come at any time, and others run longer than agreed.
    frame["term"] = np.where(frame.bad == 1, rng.integers(1, 120, ROWS), agreed)
    told = look(frame)
    assert told["scattered"].column == "term"
    assert "bad ones are scattered over rare values" in told["scattered"].sentence


def test_a_cell_that_is_filled_in_for_defaults_is_told_by_its_gaps() -> None:
    frame = loans()
    frame["visited"] = np.where((frame.bad == 1) & (frame.index % 2 == 0), 1.0, np.nan)
    told = look(frame)
    assert told["missing"].column == "visited"


def test_values_that_stand_for_defaults_alone_are_told_though_the_column_ranks_little() -> None:
    frame = loans()
    frame["fees"] = np.where((frame.bad == 1) & (frame.index % 8 == 0), 90.0, 10.0)
    told = look(frame)
    assert set(told) == {"certain"}
    assert "`fees` has values under which 100% of" in told["certain"].sentence


@pytest.mark.parametrize("name", ["ChgOffPrinGr", "chg_off_date", "recoveries", "loan_status", "核销金额"])
def test_a_name_for_the_end_of_the_loan_is_asked_about(name: str) -> None:
    assert look(loans().rename(columns={"sales": name}))["named"].column == name


@pytest.mark.parametrize("name", ["net_loss", "default_history", "total_receivable", "status", "逾期次数"])
def test_names_of_what_is_known_before_are_not(name: str) -> None:
    assert look(loans().rename(columns={"sales": name})) == {}


def test_a_level_for_the_end_of_the_loan_is_asked_about() -> None:
    frame = loans()
    frame["state"] = np.where(np.arange(ROWS) % 2, "P I F", "open")
    assert look(frame)["named"].column == "state"


def test_dates_after_the_decision_are_found_declared_or_not() -> None:
    frame = loans()
    months = np.where(np.arange(ROWS) % 20 == 0, "2007-01-31", "2003-01-31")
    frame["seen"] = months
    for more in ({}, {"dates": ("seen",)}):
        told = look(frame, time="approved", **more)["later"]
        assert (told.column, told.figures["share"]) == ("seen", pytest.approx(0.05))
    frame["seen"] = "2004-05-31"  # The month of the earliest decisions: a month says nothing of its days.
    assert look(frame, time="approved") == {}


def test_a_cohort_that_was_not_watched_as_long_is_unripe() -> None:
    frame = loans()
    young = frame.approved == "2006-07"
    frame.loc[young & (frame.index % 2 == 0), "bad"] = 0
    told = look(frame, time="approved")
    assert told["unripe"].column == "approved"
    assert "(2006-07)" in told["unripe"].sentence


def test_outcomes_and_columns_that_move_with_time_are_told() -> None:
    frame = loans()
    early = frame.approved == "2004-05"
    frame.loc[early & (frame.index % 2 == 0), "bad"] = 0
    frame.loc[frame.approved == "2006-07", "sales"] *= 5
    told = look(frame, time="approved")
    assert "in 2004-05" in told["cohort"].sentence
    assert set(told["drift"].figures) == {"sales"}


def test_rows_on_both_sides_of_a_split_are_twins_and_groups_too() -> None:
    frame = loans()
    frame = pd.concat([frame, frame.iloc[:300]], ignore_index=True)
    training = np.arange(len(frame)) < ROWS
    told = look(frame, training)["twins"]
    assert told.figures["share"] == 1.0
    assert look(frame)["twins"].figures["share"] == pytest.approx(600 / 3300)
    frame["owner"] = np.arange(len(frame)) % ROWS
    grouped = check(Private(frame), config(group="owner"), training)
    assert {finding.column for finding in grouped if finding.kind == "twins"} == {"owner", None}
    few = frame[["id", "sector", "bad"]]
    assert look(few) == {}  # Three levels: that rows agree says nothing.


def test_outcomes_of_test_rows_are_not_looked_at() -> None:
    frame = loans()
    training = np.arange(ROWS) < 2000
    frame["days"] = np.where(training, 0.0, np.random.default_rng(2).normal(size=ROWS) - 3 * frame.bad)
    assert look(frame, training) == {}
    assert "separates" in look(frame, ~training)


def test_a_party_without_outcomes_is_told_of_names_alone() -> None:
    frame = loans().rename(columns={"sales": "recoveries"})
    assert set(look(frame, label=None, exclude=("bad",))) == {"named"}


def test_a_column_that_cannot_be_read_is_told_and_stops_nothing() -> None:
    frame = loans()
    frame.loc[7, "sales"] = np.inf
    told = look(frame)["unread"]
    assert told.column == "sales"
    assert "1 of 3000 cells are infinite" in told.sentence


def test_another_partys_column_is_judged_by_the_counts_of_its_bins() -> None:
    found = check_counts(
        {"platform/x1": ([900, 90, 10], [10, 40, 150]), "platform/x2": ([500, 500], [100, 100])}
    )
    assert [(finding.kind, finding.column) for finding in found] == [("separates", "platform/x1")]


def test_a_time_that_cannot_be_read_is_told_and_stops_nothing() -> None:
    frame = loans()
    frame.loc[3, "approved"] = "soon"
    told = look(frame, time="approved")["unread"]
    assert told.column == "approved"
    assert "1 of 3000 cells are no date" in told.sentence


@pytest.mark.parametrize("cells", [np.nan, None, "", "  ", pd.NaT])
def test_an_empty_column_is_named(cells: object) -> None:
    frame = loans()
    frame["visited"] = pd.Series([cells] * ROWS, dtype=None if cells is pd.NaT else object)
    told = look(frame)
    assert set(told) == {"empty"}
    assert told["empty"].sentence.startswith("`visited` is empty in every row")


def test_an_empty_time_and_a_constant_column_are_named() -> None:
    frame = loans().assign(approved=None, country="CN")
    told = look(frame, time="approved")
    assert {kind: finding.column for kind, finding in told.items()} == {
        "empty": "approved",
        "constant": "country",
    }


def test_a_column_of_one_value_and_gaps_is_not_constant() -> None:
    frame = loans()
    frame["audited"] = np.where(frame.index % 2 == 0, "yes", None)
    assert look(frame) == {}


def test_a_table_of_few_rows_is_told_with_what_is_needed() -> None:
    frame = loans()
    told = check(Private(frame.head(60)), config())
    few = [finding for finding in told if finding.kind == "few"]
    assert [finding.column for finding in few] == [None, "bad"]
    assert few[0].sentence.startswith("60 rows are few")
    rare = frame[(frame.bad == 0) | (frame.index < 60)]
    assert 0 < rare.bad.sum() < 20
    assert f"{rare.bad.sum()} of {len(rare)} rows are bad by `bad`" in look(rare)["few"].sentence


def test_a_round_tells_of_empty_columns_in_its_own_notes_alone() -> None:
    frame = loans().assign(visited=np.nan)
    assert look(frame, np.arange(ROWS) < 2000) == {}


def test_a_date_that_cannot_be_read_is_named_and_the_others_are_looked_at() -> None:
    frame = loans()
    frame["seen"] = [f"2003-01-{day % 28 + 1:02}" for day in range(ROWS)]
    frame["paid"] = "2009-01-31"
    frame.loc[3, "seen"] = "soon"
    frame.loc[frame.approved == "2006-07", "sales"] *= 5
    for more in ({}, {"dates": ("seen", "paid")}):
        told = look(frame, time="approved", **more)
        assert {kind: finding.column for kind, finding in told.items()} == {
            "unread": "seen",
            "later": "paid",
            "drift": "approved",
        }
        assert told["unread"].sentence.startswith("`seen` was not compared with `approved`: 1 of 3000 cells")
