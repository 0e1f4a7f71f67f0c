"""Rounds over real seats: one set of slopes in all countries, close to those of all rows together."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from federation.session import Session
from parties.hybrid.counterparts import Crossing, agree_columns
from parties.hybrid.encoding import declared_schema
from parties.hybrid.fitting import Fitting, HybridFit
from parties.hybrid.rows import HybridRows, prepare
from parties.round.evaluation import fit_alone
from tests.parties.hybrid.world import PLACES, dataset, plan_of, pooled_slopes, run_consortia, table

ROWS = {"a": 500, "b": 500, "c": 900}
Found = dict[str, tuple[HybridRows, HybridFit]]


@cache
def fitted(countries: int) -> Found:
    """Two countries with a little noise, or three without any, whose fits are held closer together."""
    plan = plan_of(countries, **({} if countries == 2 else {"training": {"rounds": 3, "mu": 0.03}}))

    def part(session: Session) -> tuple[HybridRows, HybridFit]:
        config, own = dataset(session.me), table(session.me, ROWS[session.seating.consortia[session.me]])
        schema, declared = declared_schema(own.frame.open_locally(), config, plan.columns)
        agree_columns(session, schema, config)
        inside = session.among(session.seating.fellows(session.me), "alignment")
        crossing = Crossing(session, plan)
        made = prepare(inside, crossing.sums, plan, config, own, own.positions, schema, declared)
        return made, Fitting(session, crossing, plan, made).run()

    weighing = countries > 2
    out = run_consortia(plan, part, sums=plan.training.rounds + weighing)
    return {name: out[name] for name in plan.parties}


def rows_of(found: Found, country: str) -> tuple[Any, Any]:
    """A country's training rows with all features, and their outcomes."""
    blocks = [found[f"{place}-{country}"][0] for place in PLACES]
    encoded = np.hstack([block.encoded.open_locally()[block.training] for block in blocks])
    assert blocks[0].labels is not None
    return encoded, blocks[0].labels.open_locally()[blocks[0].training]


def weights(found: Found, country: str, model: str) -> Any:
    parts = [getattr(found[f"{place}-{country}"][1], model).weights for place in PLACES]
    return np.concatenate(parts)


@pytest.mark.parametrize("countries", [2, 3])
def test_counterparts_end_with_the_same_weights_and_each_bank_with_its_own_intercept(countries: int) -> None:
    found = fitted(countries)
    for country in "abc"[:countries]:
        assert weights(found, country, "shared").tobytes() == weights(found, "a", "shared").tobytes()
        encoded, labels = rows_of(found, country)
        fit = found[f"bank-{country}"][1]
        assert fit.converged and fit.shared.intercept is not None
        assert found[f"platform-{country}"][1].shared.intercept is None
        probability = 1 / (1 + np.exp(-encoded @ weights(found, country, "shared") - fit.shared.intercept))
        assert abs(probability.mean() - labels.mean()) < 1e-3


def test_before_any_sum_a_country_has_its_own_vertical_model() -> None:
    """That of its rows together, without the level that is too rare there to be trained."""
    found = fitted(3)
    encoded, labels = rows_of(found, "c")
    trained = np.concatenate([found[f"{place}-c"][0].encoding.trained for place in PLACES])
    assert trained.sum() == len(trained) - 1
    own, intercept = weights(found, "c", "alone"), found["bank-c"][1].alone.intercept
    assert (own[~trained] == 0).all() and intercept is not None
    reference = fit_alone(encoded[:, trained], labels, 1.0).decision_function(encoded[:, trained])
    assert np.abs(encoded @ own + intercept - reference).max() < 5e-3


def test_the_pull_brings_the_shared_model_to_that_of_all_rows_together() -> None:
    found = fitted(3)
    trained = np.concatenate([found[f"{place}-a"][0].encoding.trained for place in PLACES])
    parts = [(encoded[:, trained], labels) for encoded, labels in (rows_of(found, each) for each in ROWS)]
    together = pooled_slopes(parts, l2=3.0)
    alone = [weights(found, country, "alone")[trained] for country in ROWS]
    mean = np.average(alone, axis=0, weights=[len(labels) for _, labels in parts])

    def far(slopes: Any) -> float:
        """Root mean square difference of the logits to those of the pooled fit, over all countries."""
        return float(np.std(np.concatenate([encoded @ (slopes - together) for encoded, _ in parts])))

    shared = weights(found, "a", "shared")[trained]
    assert far(shared) < 0.6 * far(mean) and far(shared) < 0.6 * min(map(far, alone))
