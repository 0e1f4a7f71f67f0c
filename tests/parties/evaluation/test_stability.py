from __future__ import annotations

import numpy as np
import pytest

from crypto.errors import UsageError
from parties.evaluation.stability import level_stability, number_stability, stability


def test_the_index_is_the_published_sum() -> None:
    e, a = np.array([0.2, 0.3, 0.5]), np.array([0.1, 0.3, 0.6])
    found = stability(1000 * e, 500 * a)
    assert found.index == pytest.approx(np.sum((a - e) * np.log(a / e)), abs=1e-12)
    assert found.band == "stable"
    assert sum(found.terms) == pytest.approx(found.index)


def test_an_empty_bin_gives_a_number_and_not_nan() -> None:
    one_side = stability([500, 500, 0], [400, 500, 100])
    assert np.isfinite(one_side.index) and one_side.band == "shifted"
    assert one_side.actual == (0.4, 0.5, 0.1)
    both_sides = stability([500, 500, 0], [400, 600, 0])
    assert both_sides.index == pytest.approx(0.1 * np.log(0.6 / 0.5) - 0.1 * np.log(0.4 / 0.5))
    assert len(both_sides.bins) == 2


def test_values_outside_the_old_range_and_missing_ones_are_counted() -> None:
    then = np.arange(1000.0)
    now = np.concatenate([np.full(100, -1e9), then[100:800], np.full(100, 1e9), np.full(100, np.nan)])
    found = number_stability(then, now)
    assert len(found.bins) == 11
    assert found.actual == pytest.approx([0.1] * 8 + [0.0, 0.1, 0.1])


def test_a_column_of_few_values_has_a_bin_for_each() -> None:
    then, now = np.repeat([0.0, 1.0], [970, 30]), np.repeat([0.0, 1.0], [800, 200])
    found = number_stability(then, now)
    assert found.expected == (0.97, 0.03)
    assert found.band == "shifted"
    assert number_stability(np.ones(100), np.ones(90)).index == 0.0
    assert np.isfinite(number_stability(np.full(100, np.nan), np.ones(90)).index)


def test_levels_that_were_not_there_are_one_bin_and_missing_another() -> None:
    found = level_stability(["a"] * 60 + ["b"] * 40, ["a"] * 50 + ["c", "d"] * 20 + [None] * 10)
    assert found.bins == ("a", "b", "new", "missing")
    assert found.actual == pytest.approx((0.5, 0.0, 0.4, 0.1))


def test_samples_of_one_population_exceed_chance_once_in_twenty() -> None:
    rng = np.random.default_rng(3)
    counts = rng.multinomial(700, [0.1] * 10, size=(2, 400))
    over = [(found := stability(then, now)).index > found.chance for then, now in zip(*counts, strict=True)]
    assert 0.02 < np.mean(over) < 0.09


def test_counts_that_cannot_be_compared_are_refused() -> None:
    for then, now in (([1, 2], [1, 2, 3]), ([1, -2], [1, 2]), ([0, 0], [1, 2]), ([], [])):
        with pytest.raises(UsageError):
            stability(then, now)
    with pytest.raises(UsageError, match="two bins"):
        number_stability([1.0], [1.0], bins=1)
