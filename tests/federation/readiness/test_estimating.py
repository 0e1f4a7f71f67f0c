"""What a plan is said to cost: the measured points themselves, and something sensible in between."""

from __future__ import annotations

import pytest

from federation.plan import Plan
from federation.readiness.estimating import FACTOR, estimate
from federation.tables import Model, PlanParty


def plan(kind: str) -> Plan:
    return Plan(
        name="p",
        purpose="credit-scoring",
        parties={"bank": PlanParty(role="label"), "platform": PlanParty(), "public": PlanParty()},
        model=Model.model_validate({"kind": kind}),
    )


@pytest.mark.parametrize(
    ("kind", "rows", "megabytes"),
    [("logistic", 2_220, 93), ("scorecard", 74_115, 617), ("logistic", 4_436, 342)],
)
def test_it_is_within_its_factor_of_rounds_that_were_measured(kind: str, rows: int, megabytes: float) -> None:
    # The last one is `make demo`: 6,000 firms, 4,436 of them common; not one of the points.
    likely = estimate(plan(kind), rows, 51)
    assert likely is not None
    assert megabytes / FACTOR <= likely.bytes / 1e6 <= megabytes * FACTOR


@pytest.mark.parametrize("kind", ["logistic", "scorecard"])
def test_more_rows_and_more_features_cost_more(kind: str) -> None:
    sizes = [500, 2_220, 5_000, 30_000, 100_000, 3_000_000]
    found = [estimate(plan(kind), rows, 51) for rows in sizes]
    costs = [each.bytes for each in found if each is not None]
    assert costs == sorted(costs) and len(costs) == len(sizes)
    wide, narrow = estimate(plan(kind), 5_000, 102), estimate(plan(kind), 5_000, 51)
    assert wide is not None and narrow is not None and wide.bytes == pytest.approx(2 * narrow.bytes)


def test_what_nobody_measured_is_not_estimated() -> None:
    assert estimate(plan("logistic").model_copy(update={"shape": "horizontal"}), 5_000, 51) is None
    assert estimate(plan("logistic"), 0, 51) is None
