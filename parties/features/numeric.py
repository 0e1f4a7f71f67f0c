"""Columns of numbers: winsorised, the gaps filled with the median, standardised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crypto.codes import Code
from parties.dataset import Place
from parties.features.columns import left_out_empty, numbers
from parties.features.saved import finite, text
from parties.features.standard import Standard
from parties.features.support import MIN_SUPPORT, Floats, off_the_mode, supported


@dataclass(frozen=True, slots=True, repr=False)
class NumericColumn:
    """A column of numbers and what was fitted on its training rows. `repr` shows none of it.

    Values are cut to [low, high], so that one extreme firm cannot stand out; gaps become `median`.
    `value` is None where too few rows differ for the value to be a feature; `gap`, the indicator of a
    missing value, is None where too few rows, or too many, miss it.
    """

    column: str
    low: float
    high: float
    median: float
    value: Standard | None
    gap: Standard | None

    @classmethod
    def fit(cls, series: pd.Series, tail: float, place: Place, notes: list[str]) -> NumericColumn | None:
        """Fit on the training rows; None, with a sentence in `notes`, where no feature comes of it."""
        column, values = str(series.name), numbers(series, place)
        gaps = np.isnan(values)
        present = values[~gaps]
        if not present.size:
            notes.append(left_out_empty(column))
            return None
        low, median, high = _bounds(present, tail)
        clipped = np.clip(np.where(gaps, median, values), low, high)
        value = None
        if (differing := off_the_mode(clipped)) >= MIN_SUPPORT:
            value = _standard(clipped, column, place)
        else:
            notes.append(_why_left_out(column, differing))
        gap = Standard.of(gaps.astype(np.float64)) if supported(int(gaps.sum()), len(gaps)) else None
        return None if value is gap is None else cls(column, low, high, median, value, gap)

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names, in order."""
        value = () if self.value is None else (self.column,)
        return value if self.gap is None else (*value, f"{self.column} (missing)")

    def transform(self, series: pd.Series, place: Place, out: Floats) -> None:
        """Write the features of `series` into the rows of `out` (len(names) x n)."""
        values = numbers(series, place)
        gaps = np.isnan(values)
        if self.value is not None:
            self.value.apply(np.clip(np.where(gaps, self.median, values), self.low, self.high), out[0])
        if self.gap is not None:
            self.gap.apply(gaps.astype(np.float64), out[-1])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, which writes a float so that it reads back as the same float."""
        return {
            "kind": "numeric",
            "column": self.column,
            "low": self.low,
            "high": self.high,
            "median": self.median,
            "value": None if self.value is None else self.value.to_dict(),
            "gap": None if self.gap is None else self.gap.to_dict(),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> NumericColumn:
        """What `to_dict` wrote; `KeyError`, `TypeError` or `ValueError` for anything else."""
        low, high, median = (finite(saved[name]) for name in ("low", "high", "median"))
        value = None if saved["value"] is None else Standard.from_dict(saved["value"])
        gap = None if saved["gap"] is None else Standard.from_dict(saved["gap"])
        if low > high or (value is None and gap is None):
            raise ValueError("not a numeric column")
        return cls(text(saved["column"]), low, high, median, value, gap)


def _bounds(present: Floats, tail: float) -> tuple[float, float, float]:
    """The winsorising bounds and the median of the values that are there.

    Where nearly all rows share one value, cutting `tail` would leave that one only; then the tails are
    cut among the values that differ from it, so that a count of rare events stays a feature.
    """
    low, median, high = (float(q) for q in _quantiles(present, (tail, 0.5, 1 - tail)))
    if low == high:
        differing = present[present != median]
        if differing.size:
            below, above = (float(q) for q in _quantiles(differing, (tail, 1 - tail)))
            low, high = min(below, median), max(above, median)
    return low, median, high


def _quantiles(values: Floats, shares: tuple[float, ...]) -> Floats:
    """Quantiles that are values of the column: without interpolation none can overflow or fall between."""
    quantiles: Floats = np.quantile(values, shares, method="inverted_cdf")
    return quantiles


def _standard(values: Floats, column: str, place: Place) -> Standard:
    standard = Standard.of(values)
    if standard is None:
        raise place.error(
            "the numbers are too large, or differ too little, to be standardised",
            column=column,
            advice="Rescale the column before the file is read, or exclude it.",
            code=Code.COLUMN_KIND,
        )
    return standard


def _why_left_out(column: str, differing: int) -> str:
    if differing == 0:
        return f"Column {column} is constant on the training rows; it is left out."
    return (
        f"Column {column} is left out: fewer than {MIN_SUPPORT} training rows differ from its most frequent "
        "value, and so rare a feature would reveal single labels through the gradient."
    )
