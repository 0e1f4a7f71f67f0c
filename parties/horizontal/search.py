"""Which quantiles of a column are looked for, in which cells they lie, and what its knots become."""

from __future__ import annotations

import math
from dataclasses import dataclass

from parties.horizontal.cells import Cells

#: The share of rows that is cut off at either end of a numeric column.
TAIL = 0.005
#: The shares of rows that lie at or below the five quantiles.
SHARES = (TAIL, 0.25, 0.5, 0.75, 1 - TAIL)
#: How wide the cell of a quartile may be, as a share of the interquartile range ...
NARROW = 1e-3
#: ... and that of a tail, which may be long, of at least this share of the range between the tails. So also
#: that of a quartile where most rows share one number and the interquartile range is 0.
_OF_THE_TAILS = 0.1


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The quantiles at `SHARES`, ascending; `support` rows lie at or beyond the first and the last."""

    values: tuple[float, ...]

    @property
    def fill(self) -> float:
        """The median, which a missing cell becomes."""
        return self.values[2]

    @property
    def knots(self) -> tuple[float, ...]:
        """The different ones among them; empty where all are one, and the column is constant once cut."""
        different = tuple(sorted(set(self.values)))
        return different if len(different) > 1 else ()


def cells_of_quantiles(cells: Cells, support: int) -> tuple[int, ...]:
    """The cells that hold the quantiles at `SHARES`, by inverting the distribution function, in order.

    Each tail is at least `support` rows. Where nearly all rows share one number both tails would be that
    number; then the tails are `support` rows, so that a count of rare events stays a feature. Empty where
    the rows do not make two tails.
    """
    rows = cells.rows
    if rows < 2 * support:
        return ()
    low, *middle, high = (_ranked(share, rows) for share in SHARES)
    most = rows - support + 1
    tails = cells.at(max(low, support)), cells.at(min(high, most))
    if tails[0] == tails[1] and cells.is_point(tails[0]):
        tails = cells.at(support), cells.at(most)
    return (tails[0], *(cells.at(rank) for rank in middle), tails[1])


def too_wide(cells: Cells, support: int) -> tuple[int, ...]:
    """The cells, in order, in which a quantile is not yet known as well as `NARROW` asks for."""
    wanted = cells_of_quantiles(cells, support)
    if not wanted:
        return ()
    quartiles = _between(cells, wanted[1], wanted[3])
    tails = max(quartiles, _OF_THE_TAILS * _between(cells, wanted[0], wanted[4]))
    allowed = dict.fromkeys(wanted, NARROW * tails) | dict.fromkeys(
        wanted[1:4], NARROW * (quartiles or tails)
    )
    return tuple(
        cell
        for cell, most in sorted(allowed.items())
        if not cells.is_point(cell) and not _width(cells, cell) <= most
    )


def quantiles_of(cells: Cells, support: int) -> Quantiles | None:
    """The quantiles as far as `cells` tell them; None where the rows do not make two tails.

    A tail's cut lies at the inner end of its cell, so that all rows of the cell are cut to it.
    """
    wanted = cells_of_quantiles(cells, support)
    if not wanted:
        return None
    low, high = cells.bounds(wanted[0])[1], cells.bounds(wanted[4])[0]
    if low > high:  # Both tails in one cell that could not be split: no more is known of the column.
        low = high = cells.middle(wanted[0])
    middle = (min(max(cells.middle(cell), low), high) for cell in wanted[1:4])
    return Quantiles((low, *middle, high))


def _ranked(share: float, rows: float) -> int:
    # Rounded first: 0.995 * 200 must not come out as 200.
    return max(1, math.ceil(round(share * rows, 6)))


def _between(cells: Cells, left: int, right: int) -> float:
    """The least distance between numbers of two cells."""
    return max(0.0, cells.bounds(right)[0] - cells.bounds(left)[1])


def _width(cells: Cells, cell: int) -> float:
    low, high = cells.bounds(cell)
    return high - low
