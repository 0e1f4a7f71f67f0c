"""The size model knows each plan's messages, and its bounds follow from what was announced."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import numpy as np
import pytest

from crypto.sealed import RowPositions
from federation.governance.guard.sizes import (
    _BOUNDS,
    CEILING,
    Measures,
    bound,
    measures_of,
    rooms_of,
    types_of,
)
from federation.ids import PartyId
from federation.message import Role
from federation.messages.alignment import CommonRows
from federation.messages.round import Prepared
from federation.plan import Plan
from tests.federation.governance.guard.granted import BANK, PLAN, manifest
from tests.federation.samples import every_message

VERTICAL: dict[str, Any] = {"bank": {"role": "label"}, "platform": {}}
KINDS = {
    "logistic": Plan(name="p", purpose="x", parties=VERTICAL),
    **{
        kind: Plan.model_validate({"name": "p", "purpose": "x", "parties": VERTICAL, "model": {"kind": kind}})
        for kind in ("scorecard", "boosting", "rejects")
    },
}


def test_every_bound_is_of_a_message_that_there_is() -> None:
    assert set(_BOUNDS) <= {"session/greeting", *every_message()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_has_its_own_protocols_messages_and_no_others(kind: str) -> None:
    types = types_of(KINDS[kind], Role.LABEL) | types_of(KINDS[kind], Role.HELPER)
    assert {"round/progress", "round/receipt", "session/greeting", "alignment/points"} <= types
    rooms = {name.partition("/")[0] for name in types}
    assert rooms_of(KINDS[kind]) <= rooms | {"export"}
    assert not any(name.startswith(("sum/", "horizontal/")) for name in types)
    assert ("boosting/sides" in types) is (kind == "boosting")


def test_every_message_has_a_bound_below_the_ceiling() -> None:
    measures = Measures(PLAN, 30_000)
    for name in every_message():
        size, count = bound(measures, name)
        assert 0 < size <= CEILING and count > 0


def test_bounds_follow_the_common_rows_and_the_columns_that_were_announced() -> None:
    measures = Measures(PLAN, 100_000)
    before = bound(measures, "logistic/residual")[0], bound(measures, "logistic/opened")[0]
    measures.told(BANK, CommonRows(RowPositions.of(np.arange(8192))))
    measures.told(BANK, Prepared(10))
    after = bound(measures, "logistic/residual")[0], bound(measures, "logistic/opened")[0]
    assert all(now < was for now, was in zip(after, before, strict=True))
    assert after[0] < 2 * 200_000


def test_a_party_cannot_raise_the_bounds_of_what_it_sends_by_what_it_or_others_say() -> None:
    """Its own columns are its manifest's; of others' none is believed beyond what a table has."""
    measures = measures_of(PLAN, manifest(rows=1000), BANK)
    own = bound(measures, "selection/own")[0]
    for party in (BANK, PartyId("platform")):
        measures.told(party, Prepared(10**9))
    assert bound(measures, "selection/own")[0] <= own
    assert bound(measures, "logistic/opened")[0] < 1 << 18
    measures.told(PartyId("platform"), CommonRows(RowPositions.of(np.arange(500_000))))
    assert measures.rows <= 2 * 1000 + 100_000
    measures.holds(800)
    measures.holds(10**9)
    assert bound(measures, "alignment/points")[0] == 32 * 800 + 4096


def test_a_plan_that_trains_nothing_tells_of_no_training_rows() -> None:
    assert "round/training-rows" in types_of(KINDS["scorecard"], Role.LABEL)
    assert "round/training-rows" not in types_of(KINDS["rejects"], Role.LABEL)


def test_the_modules_of_messages_are_found_without_being_named() -> None:
    importlib.import_module("federation.messages").registered()
    assert dataclasses.is_dataclass(every_message()["sum/upload"])


def test_the_last_iterations_inner_products_fit() -> None:
    vectors = 2 * PLAN.model.max_iterations + 1
    measures = Measures(PLAN, 1000)
    assert bound(measures, "logistic/gram")[0] >= 8 * vectors**2
    assert bound(measures, "logistic/direction")[0] >= 8 * vectors
