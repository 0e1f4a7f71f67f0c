"""One column cut into bins: fine quantiles of numbers, frequent levels, special codes, missing cells.

Bins are fitted on the training rows and then the same for every row. They stay with the party: edges and
levels are data. No outcome is looked at here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pandas.api import types

from parties.dataset import DatasetConfig, Place
from parties.features.columns import is_numeric, levels, number_text, numbers, parsed
from parties.features.saved import finite, flag, text, texts
from parties.features.spec import holds_numbers
from parties.features.support import Floats

Codes: TypeAlias = NDArray[np.uint8] | NDArray[np.int16]

#: The most bins of a column, special and missing ones included.
MOST_WIDTH = 1 << 15
VERSION = 1


@dataclass(frozen=True, slots=True, repr=False)
class Cuts:
    """The bins of one column, by number:

    numeric      0 .. len(edges), a value x in the bin of how many edges are <= x (as XGBoost's `hist`);
                 then a bin for each code in `special`; then the missing
    categorical  a bin for each of `levels`, the most frequent first; then, with `other`, one for all other
                 levels, seen or not; then the missing, and without `other` also levels that were not seen

    `numbers` says that levels are numbers. `repr` shows nothing but the count.
    """

    column: str
    numeric: bool
    edges: tuple[float, ...] = ()
    special: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    other: bool = False
    numbers: bool = False

    @classmethod
    def fit(
        cls,
        series: pd.Series,
        training_rows: ArrayLike,
        config: DatasetConfig,
        most: int,
        minimum_support: int,
        special: Sequence[float] = (),
    ) -> Cuts:
        """At most `most` bins, beside special and missing ones, each with `minimum_support` training rows.

        A column that has too few rows for two bins gets one. `special`: numbers that are codes. Raises
        `UsageError` (party, file, column) for cells that are neither numbers nor levels.
        """
        chosen = series.iloc[np.flatnonzero(_mask(training_rows, len(series)))]
        if _is_categorical(chosen, config):
            return cls._of_levels(chosen, config, most, minimum_support)
        values = numbers(chosen, config.place)
        ordinary = values[~np.isnan(values) & ~np.isin(values, special)]
        edges = quantile_edges(ordinary, most, minimum_support)
        return cls(str(series.name), True, edges, tuple(sorted({float(code) for code in special})))

    @classmethod
    def _of_levels(cls, series: pd.Series, config: DatasetConfig, most: int, minimum_support: int) -> Cuts:
        found = levels(series, config.place)
        counts = np.bincount(found.codes[found.codes >= 0], minlength=len(found.texts))
        order = np.argsort(-counts, kind="stable")
        kept = [int(level) for level in order if counts[level] >= max(minimum_support, 1)]
        if len(kept) < len(order) or len(kept) > most:
            kept = kept[: most - 1]
            rest = int(counts.sum()) - int(counts[kept].sum())
            while kept and rest < minimum_support:  # The merged levels too are a bin.
                rest += int(counts[kept.pop()])
        other = len(kept) < len(order)
        names = tuple(found.texts[level] for level in kept)
        return cls(str(series.name), False, levels=names, other=other, numbers=is_numeric(series))

    @property
    def width(self) -> int:
        """How many bins there are, the missing one included."""
        ordinary = len(self.edges) + 1 if self.numeric else len(self.levels) + self.other
        return ordinary + len(self.special) + 1

    @property
    def missing(self) -> int:
        """The bin of missing cells, the last one."""
        return self.width - 1

    def codes(self, series: pd.Series, place: Place) -> Codes:
        """The bin of every cell: n bytes, or n 16-bit numbers where there are more than 256 bins.

        Raises `UsageError` for infinities, and for text among numbers.
        """
        found = self._of_numbers(numbers(series, place)) if self.numeric else self._of_texts(series, place)
        return found.astype(np.uint8) if self.width <= 256 else found.astype(np.int16)

    def _of_numbers(self, values: Floats) -> NDArray[np.int64]:
        found = np.searchsorted(np.array(self.edges), values, side="right")
        for place, code in enumerate(self.special, start=len(self.edges) + 1):
            found[values == code] = place
        found[np.isnan(values)] = self.missing
        return found

    def _of_texts(self, series: pd.Series, place: Place) -> NDArray[np.int64]:
        found = levels(series, place)
        names: Sequence[str] = found.texts
        if self.numbers and not is_numeric(series):  # A later file's one stray word makes its numbers text.
            names = [
                number_text(float(number)) if np.isfinite(number) else name
                for name, number in zip(names, parsed(names), strict=True)
            ]
        bin_of = {name: place for place, name in enumerate(self.levels)}
        rest = len(self.levels) if self.other else self.missing
        by_level = [bin_of.get(name, rest) for name in names]
        return np.array([*by_level, self.missing], dtype=np.int64)[found.codes]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, which writes a float so that it reads back as the same float."""
        return {
            "version": VERSION,
            "column": self.column,
            "numeric": self.numeric,
            "edges": list(self.edges),
            "special": list(self.special),
            "levels": list(self.levels),
            "other": self.other,
            "numbers": self.numbers,
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Cuts:
        """What `to_dict` wrote; `KeyError`, `TypeError` or `ValueError` for anything else."""
        if saved["version"] != VERSION:
            raise ValueError("another version")
        edges, special = (tuple(finite(value) for value in saved[name]) for name in ("edges", "special"))
        found = cls(
            text(saved["column"]),
            flag(saved["numeric"]),
            edges,
            special,
            texts(saved["levels"]),
            flag(saved["other"]),
            flag(saved["numbers"]),
        )
        ascending = all(list(values) == sorted(set(values)) for values in (edges, special))
        if not ascending or found.width > MOST_WIDTH or ((edges or special) and not found.numeric):
            raise ValueError("not the bins of a column")
        return found

    def __repr__(self) -> str:
        return f"Cuts({self.width} bins)"


def quantile_edges(values: Floats, most: int, minimum_support: int) -> tuple[float, ...]:
    """Ascending edges, each a value of the column, that cut finite `values` (n,) into at most `most` bins.

    Bins are as even as ties allow: a value that many rows share gets a bin of its own, and the others are
    shared out over the bins that are left. Each bin has `minimum_support` values.
    """
    distinct, counts = np.unique(values, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)])  # below[i]: how many values are before distinct[i].
    edges: list[int] = []
    start = 0
    for left in range(most, 1, -1):
        even = (len(values) - below[start]) / left
        end = _nearest_end(below, start, even, minimum_support)
        if end >= len(distinct) or len(values) - below[end] < max(minimum_support, 1):
            break
        edges.append(end)
        start = end
    return tuple(float(distinct[end]) for end in edges)


def _nearest_end(below: NDArray[np.int64], start: int, even: float, minimum_support: int) -> int:
    """Where a bin from distinct value `start` ends so that its size is nearest to `even`, and enough."""
    enough = int(np.searchsorted(below, below[start] + max(minimum_support, 1)))
    end = max(int(np.searchsorted(below, below[start] + even)), enough)
    if end - 1 >= max(enough, start + 1) and end < len(below):
        over, under = below[end] - below[start] - even, even - (below[end - 1] - below[start])
        return end - 1 if under < over else end
    return end


def _is_categorical(series: pd.Series, config: DatasetConfig) -> bool:
    """Declared so, or of truth values, or of texts that are not all numbers. `UsageError` where most are."""
    declared = str(series.name) in config.categorical or isinstance(series.dtype, pd.CategoricalDtype)
    if declared or types.is_bool_dtype(series.dtype):
        return True
    return not is_numeric(series) and not holds_numbers(series, config.place, [])


def _mask(training_rows: ArrayLike, rows: int) -> NDArray[np.bool_]:
    """`training_rows`, row numbers or a mask, as a mask over all rows."""
    chosen = np.asarray(training_rows)
    if chosen.dtype == np.bool_:
        return chosen
    mask = np.zeros(rows, dtype=np.bool_)
    mask[chosen] = True
    return mask
