"""No combination of counts is a single row's outcome, however alike two columns are."""

from __future__ import annotations

import numpy as np
import pytest

from parties.binning.leverage import Cells, _gram, largest_leverage, together

ROWS = 3000


@pytest.fixture
def cells() -> Cells:
    generator = np.random.default_rng(6)
    return generator.integers(0, 5, (ROWS, 3)).astype(np.uint8)


def leverage(cells: Cells) -> float:
    widths = [int(column.max()) + 1 for column in cells.T]
    starts = np.concatenate([[0], np.cumsum(widths)])
    return largest_leverage(cells, widths, _gram(cells, widths), starts, range(len(widths)))


def test_the_leverage_is_that_of_the_hat_matrix(cells: Cells) -> None:
    one_hot = np.hstack([np.eye(5)[column] for column in cells.T])
    hat = one_hot @ np.linalg.pinv(one_hot)
    assert leverage(cells) == pytest.approx(np.diag(hat).max(), abs=1e-9)


def test_a_column_that_differs_from_another_in_one_row_is_left_out(cells: Cells) -> None:
    # The two counts of the cell that row 7 leaves differ by its outcome.
    twin = cells[:, 0].copy()
    twin[7] = (twin[7] + 1) % 5
    beside = np.column_stack([cells, twin, cells[:, 1]])
    assert leverage(beside) > 0.9
    assert together(beside, [5] * 5) == [0, 1, 2, 4]


def test_a_sum_of_columns_that_differs_in_a_row_is_left_out_too() -> None:
    generator = np.random.default_rng(7)
    one, other = (generator.random((2, ROWS)) < 0.3).astype(np.uint8)
    both = one + 2 * other  # Its cells say what the two columns say,
    both[11] = (both[11] + 1) % 4  # but for one row.
    assert together(np.column_stack([one, other, both]), [2, 2, 4]) == [0, 1]


def test_columns_that_are_alike_in_every_row_and_unlike_ones_stay(cells: Cells) -> None:
    assert together(np.column_stack([cells, cells[:, 0]]), [5] * 4) == [0, 1, 2, 3]
