"""Rounding is unbiased and bounded; counts are exact; no NaN becomes a number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crypto.errors import Refusal
from crypto.private import Private
from crypto.summation.grid import Grid
from crypto.summation.ring import blocks
from crypto.summation.stream import BLOCK, KeyStream


def stream() -> KeyStream:
    return KeyStream(bytes(32), "rounding")


def rounded(grid: Grid, values: Any) -> Any:
    return grid.quantise(Private(np.asarray(values)), stream()).open_locally()


@pytest.mark.parametrize("value", [0.3, -0.3, 0.999, -2.0001, 1e-3])
def test_the_expected_integer_is_the_value(value: float) -> None:
    count = 400_000
    found = rounded(Grid(5.0, 5), np.full(count, value))
    assert set(np.unique(found)) <= {np.floor(value), np.floor(value) + 1}
    share = value - np.floor(value)
    assert abs(found.mean() - value) < 6 * np.sqrt(share * (1 - share) / count)


def test_a_value_on_the_grid_stays_where_it_is() -> None:
    levels = 8
    values = np.arange(-levels, levels + 1) / levels * 3.0
    assert rounded(Grid(3.0, levels), values).tolist() == list(range(-levels, levels + 1))


@pytest.mark.parametrize("clip", [1.0, 0.1, 5.0, 1e-290, 1e300])
@pytest.mark.parametrize("levels", [1, 3, 3_355_443, 1 << 30])
def test_no_value_leaves_the_levels(clip: float, levels: int) -> None:
    values = np.tile([clip, -clip, np.nextafter(clip, 0), 0.0, 1.7e308, -1.7e308], 500)
    found = rounded(Grid(clip, levels), values)
    assert found.max() == levels and found.min() == -levels


def test_the_sum_comes_back_within_a_step_for_each_member() -> None:
    grid = Grid(2.0, 1000)
    values = np.random.default_rng(1).uniform(-2, 2, size=(3, BLOCK + 100))
    total = np.sum([rounded(grid, row) for row in values], axis=0)
    assert np.abs(grid.dequantise(total) - values.sum(axis=0)).max() < 3 * 2.0 / 1000


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("grid", [Grid(1.0, 10), Grid.exact(10)])
@pytest.mark.parametrize("at", [0, BLOCK + 1])
def test_what_is_not_finite_is_refused(grid: Grid, bad: float, at: int) -> None:
    values = np.zeros(BLOCK + 2)
    values[at] = bad
    with pytest.raises(Refusal):
        rounded(grid, values)


def test_counts_come_through_exactly() -> None:
    values = np.array([-100, -1, 0, 1, 99, 100])
    for given in (values, values.astype(np.float64), values.astype(np.int32)):
        assert rounded(Grid.exact(100), given).tolist() == values.tolist()
    assert Grid.exact(100).dequantise(values).tolist() == values.tolist()


@pytest.mark.parametrize("bad", [101, -101, 0.5, 2**62, -(2**63), 1e30])
def test_a_count_beyond_the_bound_or_between_whole_numbers_is_refused(bad: float) -> None:
    with pytest.raises(Refusal) as refused:
        rounded(Grid.exact(100), np.array([bad]))
    assert str(bad) not in str(refused.value)


@pytest.mark.parametrize(
    ("clip", "levels"),
    [(0.0, 1), (-1.0, 1), (np.inf, 1), (np.nan, 1), (1.0, 0), (1.0, 1 << 31), (1e-300, 1 << 30)],
)
def test_a_grid_without_room_is_no_grid(clip: float, levels: int) -> None:
    with pytest.raises(ValueError, match="grid"):
        Grid(clip, levels)


def test_blocks_cover_everything_once() -> None:
    for count in (0, 1, BLOCK, BLOCK + 1):
        assert [i for part in blocks(count) for i in range(part.start, part.stop)] == list(range(count))
