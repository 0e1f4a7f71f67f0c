"""The references and sentences of a hybrid demo."""

from __future__ import annotations

import numpy as np
import pytest

from parties.sandbox.countries import COLUMNS, hybrid_plan
from parties.sandbox.hybrid_outcome import noise_sentence, pooled_slopes
from tests.parties.hybrid.world import pooled_slopes as by_another_method


def test_the_pooled_reference_is_one_ridge_fit_with_an_intercept_for_each_country() -> None:
    generator = np.random.default_rng(4)
    parts = []
    for rows, intercept in ((300, -1.0), (200, 0.5)):
        x = generator.normal(size=(rows, 5))
        y = (x @ [1.0, -1.0, 0.5, 0.0, 0.0] + intercept + generator.logistic(size=rows) > 0).astype(np.int8)
        parts.append((x, y))
    assert pooled_slopes(parts, 2.0) == pytest.approx(by_another_method(parts, 2.0), abs=1e-3)


def test_every_column_of_the_demo_is_declared_once_and_every_country_has_the_same_places() -> None:
    plan = hybrid_plan()
    assert sorted(plan.columns) == sorted(name for declared in COLUMNS.values() for name in declared)
    places = {
        country: [
            name.rpartition("-")[0] for name, each in plan.parties.items() if each.consortium == country
        ]
        for country in plan.consortia().values()
    }
    assert set(map(tuple, places.values())) == {tuple(COLUMNS)}


@pytest.mark.parametrize(("epsilon", "promise"), [(2.5, True), (44.0, False), (8e5, False)])
def test_an_epsilon_that_promises_nothing_is_not_shown_as_a_promise(epsilon: float, promise: bool) -> None:
    told = noise_sentence(hybrid_plan(), {"epsilon": epsilon, "delta": 1e-5})
    assert f"epsilon {epsilon:,.0f} at delta 1e-05" in told
    assert ("no promise" in told) is not promise
