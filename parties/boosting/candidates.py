"""The splits that a party's columns can offer: each is a set of bins whose rows go left.

    numbers        bins up to an edge, and the same with the missing rows; all that is not missing
    special codes  one code against the rest
    levels         one level against the rest, and the same with the missing rows (XGBoost's one-hot splits)

A column without missing training rows needs no second set for them: missing rows that come later go right.
A column with a trend offers its ordered sets only, turned so that the left side is to weigh less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from parties.binning.cuts import Codes, Cuts

Trend: TypeAlias = Literal["ascending", "descending", "none"]
Marks: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, repr=False)
class Candidates:
    """C candidates: candidate i sends the rows left whose bin of column `column[i]` is in `tables[i]`.

    tables: C x (the most bins of a column). ordered: candidates whose left side is to weigh less.
    """

    column: npt.NDArray[np.int64]
    tables: Marks
    ordered: Marks

    def __len__(self) -> int:
        return len(self.column)

    def take(self, which: npt.NDArray[np.int64] | Marks) -> Candidates:
        """These candidates only, in this order."""
        return Candidates(self.column[which], self.tables[which], self.ordered[which])

    def of_column(self, column: int) -> npt.NDArray[np.int64]:
        """The numbers of a column's candidates."""
        return np.flatnonzero(self.column == column)

    def left(self, candidate: int, codes: Sequence[Codes], rows: npt.NDArray[np.int64] | slice) -> Marks:
        """Which of `rows` the candidate sends left."""
        return np.asarray(self.tables[candidate][codes[self.column[candidate]][rows]])

    def __repr__(self) -> str:
        return f"Candidates({len(self)})"


def candidates(
    cuts: Sequence[Cuts], codes: Sequence[Codes], training: Marks, trends: Sequence[Trend]
) -> Candidates:
    """All candidates of a party's columns, in the columns' order; `codes` hold the bins of every row."""
    widest = max((one.width for one in cuts), default=1)
    columns: list[int] = []
    tables: list[Marks] = []
    ordered: list[bool] = []
    for number, (one, bins, trend) in enumerate(zip(cuts, codes, trends, strict=True)):
        missing = bool((bins[training] == one.missing).any())
        for table, by_order in _sets(one, missing):
            if trend != "none" and one.numeric and not by_order:
                continue
            turned = trend == "descending" and by_order
            left = np.zeros(widest, dtype=np.bool_)
            left[: one.width] = ~table if turned else table
            columns.append(number)
            tables.append(left)
            ordered.append(trend != "none" and by_order)
    shaped = np.array(tables, dtype=np.bool_).reshape(len(tables), widest)
    return Candidates(np.array(columns, dtype=np.int64), shaped, np.array(ordered, dtype=np.bool_))


def _sets(cuts: Cuts, missing: bool) -> list[tuple[Marks, bool]]:
    """A column's sets of bins, and whether each is of the numbers up to an edge.

    In the order in which XGBoost tries them, so that equal gains are decided alike.
    """
    bins = np.arange(cuts.width)
    gap, ordinary = bins == cuts.missing, cuts.width - 1 - len(cuts.special)
    found: list[tuple[Marks, bool]] = []
    if not cuts.numeric:
        for level in range(ordinary):
            found += [(bins == level, False)] + ([((bins == level) | gap, False)] if missing else [])
        return found if ordinary > 1 or missing else []
    found += [(bins < edge, True) for edge in range(1, ordinary)]
    if missing:
        found.append((~gap, False))
    if missing or cuts.special:  # Special and missing rows go one way.
        found += [((bins < edge) | (bins >= ordinary), True) for edge in range(ordinary - 1, 0, -1)]
    found += [(bins == code, False) for code in range(ordinary, cuts.missing)]
    return found
