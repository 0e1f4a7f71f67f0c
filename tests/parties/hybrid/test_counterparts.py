"""What crosses the border, and to whom."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crypto.private import Private
from federation.errors import EgressRefused, MessageRefused, PlanRefused
from federation.messages.hybrid import Fitted
from federation.messages.round import Prepared
from federation.session import Session
from parties.hybrid.counterparts import Crossing, agree_columns, counterparts, cut_to_norm
from tests.parties.hybrid.world import country_of, dataset, place_of, plan_of, run_consortia

ROWS = {"a": 100, "b": 300, "c": 600}


def change_of(name: str) -> Any:
    """A party's own change, of an L2 norm below the clip."""
    return np.random.default_rng(sorted(ROWS).index(country_of(name))).normal(size=5) * (
        1 + len(place_of(name))
    )


def test_counterparts_are_the_parties_of_one_place_whatever_the_plans_order() -> None:
    def part(session: Session) -> tuple[str, ...]:
        return counterparts(session.seating, session.me)

    out = run_consortia(plan_of(3), part, sums=0)
    assert out["platform-b"] == ("platform-a", "platform-b", "platform-c")
    assert out["bank-a"] == out["bank-c"] == ("bank-a", "bank-b", "bank-c")


def test_the_mean_change_is_weighed_by_rows_and_the_same_at_each_counterpart() -> None:
    def part(session: Session) -> tuple[Any, Any]:
        crossing = Crossing(session, plan_of(3, sum={"protection": "he", "clip": 100.0}))
        rows = ROWS[country_of(session.me)]
        first = crossing.mean_change(1, Private(change_of(session.me)), rows)
        return first, crossing.mean_change(2, Private(2 * change_of(session.me)), rows)

    out = run_consortia(plan_of(3, sum={"protection": "he", "clip": 100.0}), part, sums=3)
    for place in ("bank", "platform"):
        wanted = np.average([change_of(f"{place}-{c}") for c in ROWS], axis=0, weights=list(ROWS.values()))
        for country in ROWS:
            for number, told in enumerate(out[f"{place}-{country}"], start=1):
                assert np.abs(told - number * wanted).max() < 1e-3
                assert told.tobytes() == out[f"{place}-a"][number - 1].tobytes()


def test_a_change_beyond_the_clip_is_scaled_down_and_with_noise_all_weigh_the_same() -> None:
    def part(session: Session) -> Any:
        huge = np.full(5, 1e6 if country_of(session.me) == "a" else -1.0)
        return Crossing(session, plan_of(2)).mean_change(1, Private(huge), ROWS[country_of(session.me)])

    out = run_consortia(plan_of(2), part, sums=1)
    wanted = (5 / np.sqrt(5) - 1) / 2
    assert np.abs(out["bank-a"] - wanted).max() < 0.1 and (out["bank-a"] == out["bank-b"]).all()
    assert np.abs(out["bank-a"] - wanted).max() > 1e-5  # Noise of 0.002 clips from each of two.
    assert np.linalg.norm(cut_to_norm(np.full(5, 1e6), 5.0)) == pytest.approx(5.0)
    assert cut_to_norm(np.array([3.0, 4.0]), 5.0).tolist() == [3.0, 4.0]


def test_other_columns_at_a_counterpart_are_refused_by_name_and_none_is_told() -> None:
    def part(session: Session) -> None:
        lacks = session.me == "platform-b"
        schema = (("late", "numeric"),) if lacks else (("branch", "categorical"), ("late", "numeric"))
        agree_columns(session, schema, dataset(session.me))  # type: ignore[arg-type]

    with pytest.raises(PlanRefused) as refused:
        run_consortia(plan_of(3), part, sums=0)
    cause = refused.value.cause
    assert "platform-b" in cause and cause.count("platform-") > 1 and "branch" not in cause
    assert "late" in refused.value.advice


def test_counterparts_meet_at_the_same_round() -> None:
    def part(session: Session) -> None:
        crossing = Crossing(session, plan_of(2))
        crossing.meet(1)
        crossing.meet(3 if session.me == "bank-b" else 2)

    with pytest.raises(MessageRefused, match="of another round"):
        run_consortia(plan_of(2), part, sums=0)


def test_what_is_said_inside_a_consortium_does_not_go_to_a_counterpart() -> None:
    def part(session: Session) -> None:
        (other,) = (each for each in counterparts(session.seating, session.me) if each != session.me)
        with pytest.raises(EgressRefused, match="does not cross"):
            session.send(other, Prepared(3))
        session.send(other, Fitted(1))
        assert session.receive(other, Fitted).number == 1

    run_consortia(plan_of(2), part, sums=0)
