"""No feature rests on a few rows."""

from __future__ import annotations

import numpy as np
import pytest

from parties.features.support import MIN_SUPPORT, off_the_mode, supported


def test_both_sides_of_a_feature_need_support() -> None:
    n = 3 * MIN_SUPPORT
    assert [supported(k, n) for k in (49, 50, 100, 101)] == [False, True, True, False]


@pytest.mark.parametrize("n", [1, 2, 60, 99, 100, 101, 102, 500])
@pytest.mark.parametrize("differing", [0, 1, 20, 49])
@pytest.mark.parametrize("mode", [-5.0, 0.5, 9.0])
def test_fewer_than_fifty_rows_off_the_mode_are_counted_exactly(n: int, differing: int, mode: float) -> None:
    differing = min(differing, n - 1)
    values = np.full(n, mode)
    values[:differing] = np.linspace(0, 1, differing) + 0.25
    expected = n - np.unique(values, return_counts=True)[1].max()
    assert off_the_mode(np.random.default_rng(n).permutation(values)) == expected


def test_a_column_of_many_values_has_support() -> None:
    assert off_the_mode(np.random.default_rng(1).normal(size=120)) >= MIN_SUPPORT
