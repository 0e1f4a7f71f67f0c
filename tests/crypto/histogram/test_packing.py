"""Two sums come out of one residue exactly, up to the bounds, and not a step beyond them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import UsageError
from crypto.histogram import HistogramScheme, Packing

MODULUS = HistogramScheme("bytes").modulus


@given(
    st.lists(st.tuples(st.integers(-1000, 1000), st.integers(-50, 50)), min_size=1, max_size=30),
    st.integers(0, 3),
)
def test_sums_over_any_rows_come_back(rows: list[tuple[int, int]], every: int) -> None:
    first, second = (np.array(values, dtype=np.int64) for values in zip(*rows, strict=True))
    sizes = [int(np.abs(values).sum()) for values in (first, second)]
    highs, lows = ([int(cut(v, 0).sum()) for v in (first, second)] for cut in (np.maximum, np.minimum))
    tightest = (highs[0] - lows[0] + 1) * (highs[1] - lows[1] + 1)
    for packing in (
        Packing(MODULUS, *sizes),
        Packing(MODULUS, *highs, *lows),
        Packing(tightest, *highs, *lows),
    ):
        words = packing.pack(first, second)
        assert words.max() < packing.modulus
        for some in (slice(0, None, every + 1), first > 0, first < 0):
            total = np.array([int(sum(words[some].tolist())) % packing.modulus], dtype=np.uint64)
            assert packing.unpack(total) == (first[some].sum(), second[some].sum())


@pytest.mark.parametrize(("first", "second"), [(7, 3), (7, -3), (-7, 3), (-7, -3), (0, 0)])
def test_the_largest_sums_come_back(first: int, second: int) -> None:
    packing = Packing(15 * 7, 7, 3)
    assert packing.unpack(packing.pack(np.array([first]), np.array([second]))) == (first, second)


def test_sums_that_are_never_negative_take_half_the_room() -> None:
    assert Packing(8 * 4, 7, 3, 0, 0).unpack(np.array([8 * 4 - 1], dtype=np.uint64)) == (7, 3)
    with pytest.raises(UsageError, match="more than their packing"):
        Packing(8 * 4, 7, 3, 0, 0).pack(np.array([-1]), np.array([1]))
    with pytest.raises(UsageError, match="do not fit"):
        Packing(8 * 4 - 1, 7, 3, 0, 0)


def test_sums_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="do not fit"):
        Packing(15 * 7 - 1, 7, 3)
    with pytest.raises(UsageError, match="not negative"):
        Packing(MODULUS, -1, 3)
    with pytest.raises(UsageError, match="not positive"):
        Packing(MODULUS, 7, 3, second_least=1)
    for first, second in (([4, 4], [0, 0]), ([-4, -4], [0, 0]), ([0, 0], [2, 2])):
        with pytest.raises(UsageError, match="more than their packing"):
            Packing(15 * 7, 7, 3).pack(np.array(first), np.array(second))
