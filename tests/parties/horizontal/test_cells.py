"""The line of numbers in cells: every row in one, shared numbers by themselves, noise bent into counts."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.secure_sum.interface import Floats
from parties.horizontal.cells import (
    COARSE,
    Cells,
    coarse_cells,
    coarse_counts,
    fine_counts,
    fine_length,
    keys,
    number,
    split,
)

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)


def cells_of(values: Floats, passes: int, bits: int = 8) -> Cells:
    """`values` counted, and every cell that is no point split, `passes` times."""
    ordered = np.sort(keys(values))
    cells = coarse_cells(coarse_counts(ordered))
    for _ in range(passes):
        wide = [cell for cell in range(len(cells.count)) if not cells.is_point(cell)]
        cells = split(cells, {cell: fine_counts(ordered, cells, cell, bits) for cell in wide}, bits)
    return cells


@given(NUMBERS, NUMBERS)
def test_keys_keep_the_order_of_numbers(left: float, right: float) -> None:
    first, second = (int(key) for key in keys(np.array([left, right])))
    assert (first < second) == (left < right)
    assert (first == second) == (left == right)


@given(NUMBERS)
def test_a_key_is_its_number_again(value: float) -> None:
    assert number(int(keys(np.array([value]))[0])) == value


def test_zero_has_no_sign_and_what_is_nearly_zero_is_zero() -> None:
    assert keys(np.array([0.0, -0.0, 5e-324, -1e-310])).tolist() == [0, 0, 0, 0]
    assert number(2**62) < number(2**63 - 1) == sys.float_info.max
    assert number(-(2**63) + 1) == -sys.float_info.max


@given(st.lists(NUMBERS, min_size=1, max_size=30), st.integers(0, 3), st.integers(1, 9))
def test_every_row_is_in_the_one_cell_that_encloses_it(found: list[float], passes: int, bits: int) -> None:
    values = np.array(found)
    cells = cells_of(values, passes, bits)
    assert cells.rows == len(values)
    assert (cells.first <= cells.last).all()
    assert (cells.last[:-1] < cells.first[1:]).all()
    for rank, value in enumerate(np.sort(values), start=1):
        low, high = cells.bounds(cells.at(rank))
        assert low <= value <= high
        if not cells.is_point(cells.at(rank)):
            assert low <= cells.middle(cells.at(rank)) <= high
            assert low < high


def test_a_shared_number_of_few_bits_stands_alone() -> None:
    values = np.array([-3.0, -3.0, -2.999, 0.0, 0.0, 1.0, 1.0001, 2004.0, 2005.0, 2005.5])
    cells = cells_of(values, passes=2)
    points = {
        cells.bounds(cell)[0]: cells.count[cell] for cell in range(len(cells.count)) if cells.is_point(cell)
    }
    assert points == {-3.0: 2, 0.0: 2, 1.0: 1, 2004.0: 1, 2005.0: 1, 2005.5: 1}


def test_any_number_stands_alone_once_all_its_bits_are_counted() -> None:
    cells = cells_of(np.array([0.1, -0.3, math.pi]), passes=7)
    assert [cells.bounds(cell)[0] for cell in range(3)] == [-0.3, 0.1, math.pi]
    assert all(cells.is_point(cell) for cell in range(3))


def test_a_count_tells_one_cell_for_a_row() -> None:
    ordered = np.sort(keys(np.array([-5.0, 0.0, 3.0, 3.5])))
    counts = coarse_counts(ordered)
    assert (len(counts), counts.sum(), counts.max()) == (COARSE, 4, 2)
    cells = coarse_cells(counts)
    fine = fine_counts(ordered, cells, 2, 3)
    assert len(fine) == fine_length(cells, 2, 3) == 16
    # [2, 4) in eighths, each its first number and the rest: 3 begins the fifth, 3.5 the seventh.
    assert np.flatnonzero(fine).tolist() == [8, 12]


# -- with noise ------------------------------------------------------------------------------------------


@pytest.fixture
def normal() -> Floats:
    return np.sort(np.random.default_rng(5).normal(300, 20, 20_000))


@pytest.mark.parametrize("sigma", [3.0, 30.0])
def test_noisy_counts_become_counts_that_can_be(normal: Floats, sigma: float) -> None:
    rng = np.random.default_rng(1)
    ordered = keys(normal)
    cells = coarse_cells(
        coarse_counts(ordered) + np.rint(rng.normal(0, sigma, COARSE)).astype(np.int64), sigma
    )
    for _ in range(2):
        wide = int(cells.count.argmax())
        counts = fine_counts(ordered, cells, wide, 6)
        noisy = counts + np.rint(rng.normal(0, sigma, len(counts))).astype(np.int64)
        before = cells.rows
        cells = split(cells, {wide: noisy}, 6, sigma)
        assert (cells.count > 0).all()
        assert cells.rows == pytest.approx(before)  # The parts' own sum is the noisier one.
        assert cells.rows == pytest.approx(len(normal), abs=10 * sigma)
    for share in (0.25, 0.5, 0.75):
        low, high = cells.bounds(cells.at(share * cells.rows))
        found = np.searchsorted(normal, [low, high]) / len(normal)
        assert found[0] - 40 * sigma / len(normal) <= share <= found[1] + 40 * sigma / len(normal)


def test_noise_alone_makes_no_cells() -> None:
    noise = np.rint(np.random.default_rng(2).normal(0, 10, COARSE)).astype(np.int64)
    assert len(coarse_cells(noise, 10.0).count) <= 2  # Four deviations: one in thirty thousand.
    assert len(coarse_cells(noise).count) > 1000


def test_a_number_that_all_share_stays_one_cell_under_noise() -> None:
    rng = np.random.default_rng(3)
    ordered = keys(np.full(5000, 4.0))
    cells = coarse_cells(coarse_counts(ordered), 5.0)
    counts = fine_counts(ordered, cells, 0, 6) + np.rint(rng.normal(0, 5, 128)).astype(np.int64)
    cells = split(cells, {0: counts}, 6, 5.0)
    assert (len(cells.count), cells.bounds(0)) == (1, (4.0, 4.0))
