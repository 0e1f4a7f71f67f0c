"""Wanted quantiles: tails of enough rows, exact where rows share numbers, narrow where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from federation.secure_sum.interface import Floats
from parties.horizontal.cells import coarse_cells, coarse_counts, fine_counts, keys, split
from parties.horizontal.search import SHARES, Quantiles, quantiles_of, too_wide


def searched(values: Floats, support: int = 50) -> tuple[Quantiles | None, int]:
    """The quantiles, and how many counts it took after the first."""
    ordered = np.sort(keys(values))
    cells, passes = coarse_cells(coarse_counts(ordered)), 0
    while wide := too_wide(cells, support):
        cells = split(cells, {cell: fine_counts(ordered, cells, cell, 8) for cell in wide}, 8)
        passes += 1
    return quantiles_of(cells, support), passes


def values_of(values: Floats, support: int = 50) -> tuple[float, ...]:
    found, _ = searched(values, support)
    assert found is not None
    return found.values


RNG = np.random.default_rng(11)
WHOLE = {
    "0/1": (RNG.random(20_000) < 0.3).astype(float),
    "years": RNG.integers(1996, 2015, 20_000).astype(float),
    "counts": RNG.poisson(2.0, 20_000).astype(float),
    "signed": RNG.integers(-300, 300, 20_000).astype(float),
    "halves": RNG.integers(-9, 9, 20_000) / 2,
}
SMOOTH = {
    "normal": RNG.normal(10, 2, 20_000),
    "money": RNG.lognormal(9.5, 2.1, 20_000),
    "losses": -RNG.lognormal(3, 1, 20_000),
    "heavy": RNG.standard_t(2, 20_000) * 1e5,
    "seconds": 1.5e9 + RNG.normal(0, 1e6, 20_000),
    "small": RNG.normal(0, 1e-12, 20_000),
    "large": RNG.normal(0, 1e100, 20_000),
}


@pytest.mark.parametrize("name", WHOLE)
def test_numbers_that_rows_share_come_out_exactly(name: str) -> None:
    values = WHOLE[name]
    assert values_of(values) == tuple(np.quantile(values, SHARES, method="inverted_cdf"))


@pytest.mark.parametrize("name", SMOOTH)
def test_other_quantiles_come_within_half_a_per_cent_of_the_interquartile_range(name: str) -> None:
    values = SMOOTH[name]
    pooled = np.quantile(values, SHARES, method="inverted_cdf")
    found = np.array(values_of(values))
    assert (np.abs(found - pooled)[1:4] <= 0.0006 * (pooled[3] - pooled[1])).all()
    # A tail's cut is the inner end of its cell, and that cell may be wide where the tail is long.
    assert (np.abs(found - pooled) <= max(0.002 * (pooled[3] - pooled[1]), 1.1e-4 * np.ptp(pooled))).all()


@pytest.mark.parametrize("name", [*WHOLE, *SMOOTH])
def test_two_more_counts_are_enough_and_three_for_a_far_origin(name: str) -> None:
    assert searched({**WHOLE, **SMOOTH}[name])[1] <= (3 if name == "seconds" else 2)


@pytest.mark.parametrize("rows", [100, 150, 300, 5000, 20_000])
@pytest.mark.parametrize("name", [*WHOLE, *SMOOTH])
def test_support_rows_share_either_extreme(name: str, rows: int) -> None:
    values = {**WHOLE, **SMOOTH}[name][:rows]
    found, _ = searched(values)
    assert found is not None
    assert list(found.values) == sorted(found.values)
    if found.knots:
        assert np.count_nonzero(values <= found.knots[0]) >= 50
        assert np.count_nonzero(values >= found.knots[-1]) >= 50


def test_a_rare_event_is_cut_where_enough_rows_have_it() -> None:
    values = np.zeros(100_000)
    values[:60] = np.arange(1, 61)
    assert values_of(values) == (0, 0, 0, 0, 11)
    values[:12] = 0  # Now 48 rows differ from all others: too few.
    found, _ = searched(values)
    assert found is not None
    assert found.knots == ()


@pytest.mark.parametrize("value", [0.1, -7.3, 5.0, 0.0])
def test_a_constant_has_no_knots(value: float) -> None:
    found, passes = searched(np.full(1000, value))
    assert found == Quantiles((value,) * 5)
    assert found.knots == ()
    assert passes <= 7


def test_too_few_rows_for_two_tails_tell_nothing() -> None:
    assert searched(np.arange(99.0)) == (None, 0)
    assert searched(np.array([])) == (None, 0)
