"""What a party is told of its own columns before a scorecard is trained on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crypto.private import Private
from federation.errors import PlanRefused
from federation.session import Session
from parties.dataset import ColumnRules, DatasetConfig
from parties.keys import KeyReport
from parties.round.rows import OwnTable
from parties.scorecard.matrix import Design, prepare
from tests.parties.scorecard.world import PARTIES, config, plan_of, tables
from tests.seats import THREE, run_seats

ROWS = 2000


def designs(plan_tables: dict[str, Any], **rules: ColumnRules) -> dict[str, Design]:
    plan, frames = plan_of(**plan_tables), tables(ROWS)
    twin = frames["public"]["d"].copy()
    twin.iloc[3] = -twin.iloc[3]
    frames["public"]["twin"] = twin

    def own(party: str) -> Any:
        report = KeyReport(ROWS, 0, 0, 0)
        table = OwnTable(Private(frames[party]), Private(()), Private(np.arange(ROWS)), report)
        dataset: DatasetConfig = config(party, **(rules if party == "platform" else {}))

        def seat(session: Session) -> Design:
            return prepare(session, plan, dataset, table, Private(np.arange(ROWS)))

        return seat

    parts = {**{party: own(party) for party in PARTIES}, "aggregator": lambda session: None}
    return run_seats(THREE, parts)


@pytest.fixture(scope="module")
def prepared() -> dict[str, Design]:
    rules = {"c": ColumnRules(special=(-999.0,)), "b": ColumnRules(trend="ascending")}
    return designs({"binning": {"minimum_iv": 0.0}}, **rules)


def test_a_trend_that_outcomes_contradict_is_told_and_gives_no_points(prepared: dict[str, Design]) -> None:
    platform = prepared["platform"]
    (b,) = (table for table in platform.rows.book.tables if table.column == "b")
    assert b.ordinary == 1
    assert platform.notes[-1] == "Column b was to have a bad rate that is ascending; its bins have none."


def test_the_design_is_the_woe_of_the_training_rows_and_whitened_in_the_budget(
    prepared: dict[str, Design],
) -> None:
    for party, design in prepared.items():
        if party == "sessions" or design is None:
            continue
        woe = design.rows.encoded.open_locally()
        training = design.rows.training
        assert np.array_equal(design.woe.open_locally(), woe[training])
        white = design.whitening.apply(design.woe.open_locally())
        assert np.allclose(white.T @ white / training.sum(), np.eye(white.shape[1]), atol=1e-9)
        counted = sum(len(table.rows) - 1 for table in design.rows.book.tables) + 1
        assert party == "bank" or counted <= 0.02 * training.sum()
        assert (design.rows.labels is None) == (party != "bank")


def test_a_column_that_differs_from_another_in_a_row_is_not_counted(prepared: dict[str, Design]) -> None:
    public = prepared["public"]
    assert [table.column for table in public.rows.book.tables] == ["d", "e"]
    assert "Column twin is left out: it is so like those before it" in " ".join(public.notes)


def test_a_party_without_a_telling_column_is_named_with_the_plans_key() -> None:
    with pytest.raises(PlanRefused, match="no column has an information value of 1") as caught:
        designs({"binning": {"minimum_iv": 1.0}})
    assert caught.value.field == "binning.minimum_iv"
    assert caught.value.party in PARTIES
