"""Quantiles over parties from counts alone, for numbers of which nobody knows the range.

Every float64 has a whole number as its key, in the same order (`keys`). The first sum counts keys by sign
and exponent; then the cells that hold wanted quantiles are split by further bits of the mantissa, and
counted again. A split makes, of each part, two cells: its value nearest to zero by itself, and the open
interval behind it. So a value that many rows share, and that has few bits (0, 1, whole numbers), stands
alone in its cell and comes out exactly, while any other quantile comes out as narrow as asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federation.secure_sum.interface import Floats, Integers

#: Bits of a float64's mantissa: what is left of a key below sign and exponent.
MANTISSA = 52
#: Exponents of normal numbers.
EXPONENTS = 2046
#: Cells of the first count: negative exponents, zero, positive ones.
COARSE = 2 * EXPONENTS + 1
#: Counts that are within this many standard deviations of their noise are not told from none.
DEVIATIONS = 4.0

_LARGEST_KEY = (EXPONENTS + 1 << MANTISSA) - 1


def keys(values: Floats) -> Integers:
    """The keys of finite `values` (n,), int64: x < y where key(x) < key(y); 0 and subnormals have key 0."""
    magnitude = np.ascontiguousarray(np.abs(values)).view(np.int64)
    magnitude = np.where(magnitude < 1 << MANTISSA, 0, magnitude)
    signed: Integers = np.where(values < 0, -magnitude, magnitude)
    return signed


def number(key: int) -> float:
    """The float64 that has this key; beyond the largest, the largest."""
    magnitude = np.array([min(abs(key), _LARGEST_KEY)], dtype=np.int64).view(np.float64)[0]
    return float(-magnitude if key < 0 else magnitude)


@dataclass(frozen=True, slots=True)
class Cells:
    """The line of numbers in cells, in ascending order, with the number of rows in each, over all parties.

    Cell i holds the keys `first[i]` to `last[i]`, all with the same sign and the same leading bits, down to
    bit `shift[i]`. `count` is float64, and never negative. Cells without rows may be left out.
    """

    first: Integers
    last: Integers
    shift: Integers
    count: Floats

    @property
    def rows(self) -> float:
        """The rows in all cells."""
        return float(self.count.sum())

    def at(self, rank: float) -> int:
        """The cell of the row with this rank; ranks count from 1."""
        return min(int(np.searchsorted(np.cumsum(self.count), rank - 0.5)), len(self.count) - 1)

    def is_point(self, cell: int) -> bool:
        """Whether the cell holds a single number."""
        return bool(self.first[cell] == self.last[cell])

    def middle(self, cell: int) -> float:
        """A number inside the cell, in its middle."""
        return number((int(self.first[cell]) + int(self.last[cell])) // 2)

    def bounds(self, cell: int) -> tuple[float, float]:
        """The numbers between which the cell lies; its one number twice where it is a point."""
        first, last = int(self.first[cell]), int(self.last[cell])
        if first == last:
            return number(first), number(first)
        # An open interval begins and ends one key off a point, so at an odd key, and points have even keys.
        low, high = first - (abs(first) & 1), last + (abs(last) & 1)
        return number(low), number(high)


def coarse_counts(ordered: Integers) -> Integers:
    """Keys (n,) by sign and exponent: int64 (COARSE,). One row is in one cell."""
    exponents = np.sign(ordered) * (np.abs(ordered) >> MANTISSA)
    return np.bincount(exponents + EXPONENTS, minlength=COARSE).astype(np.int64)


def coarse_cells(counts: Integers, sigma: float = 0.0) -> Cells:
    """The cells of the first count that have rows; `sigma` is the standard deviation of the counts' noise."""
    filled = np.flatnonzero(counts > DEVIATIONS * sigma)
    exponents = filled - EXPONENTS
    near = np.abs(exponents) << MANTISSA
    far = np.where(exponents == 0, 0, near + (1 << MANTISSA) - 1)
    negative = exponents < 0
    return Cells(
        np.where(negative, -far, near),
        np.where(negative, -near, far),
        np.where(exponents == 0, 0, MANTISSA),
        counts[filled].astype(np.float64),
    )


def fine_length(cells: Cells, cell: int, bits: int) -> int:
    """How many cells the split of `cell` by `bits` more bits makes."""
    return 2 << min(bits, int(cells.shift[cell]))


def fine_counts(ordered: Integers, cells: Cells, cell: int, bits: int) -> Integers:
    """Sorted keys (n,) by the parts of one cell, in ascending order: int64 (fine_length,)."""
    start = np.searchsorted(ordered, cells.first[cell], side="left")
    end = np.searchsorted(ordered, cells.last[cell], side="right")
    magnitude = np.abs(ordered[start:end])
    shift, base, length = _parts(cells, cell, bits)
    behind = magnitude - base
    place = 2 * (behind >> shift) + ((behind & ((1 << shift) - 1)) != 0)
    counts = np.bincount(place, minlength=length).astype(np.int64)
    return counts[::-1] if cells.last[cell] < 0 else counts


def split(cells: Cells, counted: dict[int, Integers], bits: int, sigma: float = 0.0) -> Cells:
    """`cells` with those in `counted` (cell -> its `fine_counts`, summed) replaced by their parts."""
    if not counted:
        return cells
    pieces = []
    for cell in range(len(cells.count)):
        if cell in counted:
            pieces.append(_children(cells, cell, counted[cell], bits, sigma))
        else:
            each = slice(cell, cell + 1)
            pieces.append(Cells(cells.first[each], cells.last[each], cells.shift[each], cells.count[each]))
    return Cells(
        np.concatenate([each.first for each in pieces]),
        np.concatenate([each.last for each in pieces]),
        np.concatenate([each.shift for each in pieces]),
        np.concatenate([each.count for each in pieces]),
    )


def _parts(cells: Cells, cell: int, bits: int) -> tuple[int, int, int]:
    """Of the parts of a cell: their lowest bit, the magnitude where they begin, how many cells they make."""
    before = int(cells.shift[cell])
    nearest = min(abs(int(cells.first[cell])), abs(int(cells.last[cell])))
    return before - min(bits, before), nearest >> before << before, fine_length(cells, cell, bits)


def _children(cells: Cells, cell: int, counts: Integers, bits: int, sigma: float) -> Cells:
    shift, base, length = _parts(cells, cell, bits)
    points = base + (np.arange(length // 2, dtype=np.int64) << shift)
    near = np.stack([points, points + 1], axis=1).ravel()
    far = np.stack([points, points + (1 << shift) - 1], axis=1).ravel()
    shifts = np.tile(np.array([0, shift], dtype=np.int64), length // 2)
    first, last = near, far
    if cells.last[cell] < 0:
        first, last, shifts = -far[::-1], -near[::-1], shifts[::-1]
    rows = counts.astype(np.float64) if sigma == 0 else _cleaned(counts, float(cells.count[cell]), sigma)
    kept = (rows > 0) & (first <= last)
    if not kept.any():  # Noise alone: nothing is known beyond the cell itself.
        kept, rows = first <= last, np.full(length, float(cells.count[cell]) / length)
    return Cells(first[kept], last[kept], shifts[kept], rows[kept])


def _cleaned(counts: Integers, total: float, sigma: float) -> Floats:
    """Noisy counts (n,) of the parts of a cell that holds about `total` rows, as counts that can be.

    Where the parts that stand out of the noise make up the total, they are all there is. Otherwise the
    running sum is bent to end at the total and to fall nowhere: half way between the lowest line above
    it that does not fall and the highest one below it.
    """
    standing: Floats = np.where(counts > DEVIATIONS * sigma, counts, 0).astype(np.float64)
    rest = total - standing.sum()
    if standing.any() and rest <= DEVIATIONS * sigma * np.sqrt(1 + np.count_nonzero(standing)):
        standing *= total / standing.sum()
        return standing
    running = np.cumsum(counts.astype(np.float64))
    running += (total - running[-1]) * np.arange(1, len(counts) + 1) / len(counts)
    above = np.maximum.accumulate(running)
    below = np.minimum.accumulate(running[::-1])[::-1]
    rows: Floats = np.diff(np.clip((above + below) / 2, 0, total), prepend=0.0)
    return rows
