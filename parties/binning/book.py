"""What became of a column: its bins with their counts and WOE, and how a value finds its bin.

A party's book of tables stays with it: edges, levels and counts are data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.codes import Code
from crypto.errors import UsageError
from parties.binning.cuts import Cuts
from parties.binning.fine import FineColumn, Merging
from parties.binning.merging import Groups, Method, merge, merge_unordered
from parties.binning.woe import Counts, Floats, information_value, strength, woe
from parties.dataset import Place, Trend
from parties.features.saved import finite, position

VERSION = 1
MISSING, OTHER = "(missing)", "(other)"


@dataclass(frozen=True, slots=True, repr=False)
class BinningTable:
    """A column's bins: `bin_of[b]` is the bin of bin b of `cuts`; the first `ordinary` are ordinary bins.

    `rows`: training rows in each. `bad`: how many of them are bad; None at a party that is told rounded WOE
    alone. `repr` shows nothing but counts.
    """

    cuts: Cuts
    bin_of: tuple[int, ...]
    ordinary: int
    rows: tuple[int, ...]
    bad: tuple[int, ...] | None
    woe: tuple[float, ...]
    iv: float

    @property
    def column(self) -> str:
        """Its name."""
        return self.cuts.column

    @property
    def trend(self) -> Trend:
        """How the bad rate goes over the ordinary bins of a column of numbers."""
        if not self.cuts.numeric or self.ordinary < 2:
            return "none"
        steps = np.diff(self.woe[: self.ordinary])
        if (steps <= 0).all():
            return "ascending"
        return "descending" if (steps >= 0).all() else "none"

    def codes(self, series: pd.Series, place: Place) -> npt.NDArray[np.uint8]:
        """The bin of every row (n,)."""
        return np.array(self.bin_of, dtype=np.uint8)[self.cuts.codes(series, place)]

    def transform(self, series: pd.Series, place: Place) -> Floats:
        """The WOE of every row (n,): the same bits for one row as for many."""
        return np.array(self.woe)[self.codes(series, place)]

    def names(self) -> tuple[str, ...]:
        """What each bin holds, as people write it: "[10, 20)", "A, B", "(missing)"."""
        return tuple(", ".join(_parts(self.cuts, self.bin_of, place)) for place in range(len(self.rows)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `bins` and `strength` are for readers and follow from the rest."""
        bad = self.bad if self.bad is not None else (None,) * len(self.rows)
        return {
            "version": VERSION,
            "cuts": self.cuts.to_dict(),
            "bin_of": list(self.bin_of),
            "ordinary": self.ordinary,
            "iv": self.iv,
            "strength": strength(self.iv),
            "trend": self.trend,
            "bins": [
                {"bin": name, "rows": rows, "bad": bads, "woe": value}
                for name, rows, bads, value in zip(self.names(), self.rows, bad, self.woe, strict=True)
            ],
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> BinningTable:
        """What `to_dict` wrote; `KeyError`, `TypeError` or `ValueError` for anything else."""
        if saved["version"] != VERSION:
            raise ValueError("another version")
        cuts, bins = Cuts.from_dict(saved["cuts"]), saved["bins"]
        bin_of = tuple(position(place, len(bins)) for place in saved["bin_of"])
        bad = tuple(_count(each["bad"]) for each in bins if each["bad"] is not None)
        if len(bin_of) != cuts.width or len(bad) not in (0, len(bins)):
            raise ValueError("not the bins of a column")
        return cls(
            cuts,
            bin_of,
            position(saved["ordinary"], len(bins) + 1),
            tuple(_count(each["rows"]) for each in bins),
            bad or None,
            tuple(finite(each["woe"]) for each in bins),
            finite(saved["iv"]),
        )

    def __repr__(self) -> str:
        return f"BinningTable({len(self.rows)} bins)"


@dataclass(frozen=True, slots=True, repr=False)
class BinningBook:
    """The tables of a party's columns, in the order of its file."""

    tables: tuple[BinningTable, ...]

    def at_least(self, iv: float) -> BinningBook:
        """Those whose information value is `iv` or more."""
        return BinningBook(tuple(table for table in self.tables if table.iv >= iv))

    def codes(self, frame: pd.DataFrame, place: Place) -> npt.NDArray[np.uint8]:
        """The bins of every row, n x d, in Fortran order. `UsageError` names columns that are lacking."""
        absent = [table.column for table in self.tables if table.column not in frame.columns]
        if absent:
            raise place.error(
                f"the table lacks columns that the model was trained on: {', '.join(absent)}",
                advice="Give the columns of the training file; missing values may be empty.",
                code=Code.COLUMN_MISSING,
            )
        out = np.empty((len(frame), len(self.tables)), dtype=np.uint8, order="F")
        for at, table in enumerate(self.tables):
            out[:, at] = table.codes(frame[table.column], place)
        return out

    def woe(self, codes: npt.NDArray[np.uint8]) -> Floats:
        """The WOE of every row (n x d), in Fortran order, from its bins."""
        out = np.empty(codes.shape, order="F")
        for at, table in enumerate(self.tables):
            out[:, at] = np.array(table.woe)[codes[:, at]]
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"version": VERSION, "tables": [table.to_dict() for table in self.tables]}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> BinningBook:
        """What `to_dict` wrote: it finds every row the same bin. `UsageError` for anything else."""
        try:
            if saved["version"] != VERSION:
                raise ValueError("another version")
            return cls(tuple(BinningTable.from_dict(each) for each in saved["tables"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UsageError(
                "the saved binning book is damaged, or of another version",
                advice="Restore the model's file, or train the model again.",
            ) from None

    def __repr__(self) -> str:
        return f"BinningBook({len(self.tables)} columns)"


def grouped(
    merging: Merging, ordinary: int, good: Counts, bad: Counts, method: str, most: int, trend: Trend
) -> Groups:
    """The bin of each cell, by the counts of its goods and bads: ordinary ones merged, the others kept.

    `method`: the plan's; cells that are `FIXED` are not merged, nor is a single one.
    """
    cells = len(good)
    groups = np.arange(cells)
    if merging is not Merging.FIXED and ordinary > 1 and method in ("chimerge", "tree", "monotone"):
        named: Method = method  # type: ignore[assignment]
        own = good[:ordinary], bad[:ordinary]
        merged = (
            merge(named, *own, most, trend)
            if merging is Merging.ORDERED
            else merge_unordered(named, *own, most)
        )
        groups[:ordinary] = merged
        groups[ordinary:] = int(merged.max()) + 1 + np.arange(cells - ordinary)
    return groups


def counted(fine: FineColumn, bad: Counts, method: str, most: int) -> BinningTable:
    """The table of a column whose bad training rows in each cell are known."""
    good = np.array(fine.rows) - bad
    groups = grouped(fine.merging, fine.ordinary, good, bad, method, most, fine.trend)
    goods, bads = (np.bincount(groups, weights=each).astype(np.int64) for each in (good, bad))
    table = told(fine, groups, woe(goods, bads).tolist(), information_value(goods, bads))
    return replace(table, bad=tuple(bads.tolist()))


def told(fine: FineColumn, groups: Groups, values: Sequence[float], iv: float) -> BinningTable:
    """The table of a column whose cells' groups and their WOE were told by whoever knows the outcomes."""
    rows = np.bincount(groups, weights=fine.rows).astype(np.int64)
    ordinary = len(set(groups[: fine.ordinary].tolist()))
    bin_of = groups[np.array(fine.cell_of)]
    cuts, bin_of = _without_inner_edges(fine.cuts, bin_of)
    return BinningTable(cuts, tuple(bin_of.tolist()), ordinary, tuple(rows.tolist()), None, tuple(values), iv)


def _without_inner_edges(cuts: Cuts, bin_of: Groups) -> tuple[Cuts, Groups]:
    """The same bins without the edges between cells that are one bin now."""
    if not cuts.numeric:
        return cuts, bin_of
    inside = len(cuts.edges) + 1
    kept = np.flatnonzero(bin_of[1:inside] != bin_of[: inside - 1])
    edges = tuple(cuts.edges[place] for place in kept)
    firsts = bin_of[np.concatenate([[0], kept + 1])]
    return replace(cuts, edges=edges), np.concatenate([firsts, bin_of[inside:]])


def _parts(cuts: Cuts, bin_of: tuple[int, ...], place: int) -> list[str]:
    """The names of the cuts' bins that are in bin `place`."""
    if cuts.numeric:
        ends = ["", *map(_number, cuts.edges), ""]
        names = [_interval(low, high) for low, high in pairwise(ends)]
        names += [_number(code) for code in cuts.special]
    else:
        names = [*cuts.levels, *([OTHER] if cuts.other else [])]
    return [name for name, of in zip([*names, MISSING], bin_of, strict=True) if of == place]


def _interval(low: str, high: str) -> str:
    if not low:
        return f"< {high}" if high else "all numbers"
    return f"[{low}, {high})" if high else f">= {low}"


def _number(value: float) -> str:
    return f"{value:.12g}"


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError("not a count")
    return value
