"""A party's columns in bins, as trees split them, and which trend each was declared to have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from parties.binning.cuts import Codes, Cuts
from parties.boosting.candidates import Candidates, Trend, candidates
from parties.boosting.growing import Marks
from parties.dataset import DatasetConfig, Place
from parties.dataset.rules import ColumnRules
from parties.features.columns import is_empty, left_out_empty

_TRENDS: dict[str, Trend] = {"ascending": "ascending", "descending": "descending"}


@dataclass(frozen=True, slots=True, repr=False)
class Bins:
    """The bins of each column, in the table's order. Stays with the party: edges and levels are data.

    `notes` are sentences for the party's own people; they name columns, never a cell.
    """

    cuts: tuple[Cuts, ...]
    trends: tuple[Trend, ...]
    notes: tuple[str, ...]

    @staticmethod
    def fit(
        frame: pd.DataFrame, training: Marks, dataset: DatasetConfig, most: int, minimum_support: int
    ) -> Bins:
        """At most `most` bins a column, each with `minimum_support` training rows; a column with one,
        or without a cell, is left out. `UsageError` for a table that cannot be binned, and where no column is
        left."""
        dataset.check_read(frame.columns)
        cuts, trends, notes = [], [], []
        for column in dataset.feature_columns(frame.columns):
            if is_empty(frame[column][training]):
                notes.append(left_out_empty(column))
                continue
            rules = dataset.columns.get(column, ColumnRules())
            one = Cuts.fit(frame[column], training, dataset, most, minimum_support, rules.special)
            sizes = np.bincount(one.codes(frame[column], dataset.place)[training], minlength=one.width)
            if (sizes >= max(minimum_support, 1)).sum() < 2:
                notes.append(f"Column {column} has one bin on the training rows; it is left out.")
                continue
            cuts.append(one)
            trends.append(_TRENDS.get(rules.trend, "none") if one.numeric else "none")
        if not cuts:
            raise dataset.error(
                f"no column has two bins of {minimum_support} training rows",
                advice="Give more rows, or columns that differ.",
            )
        return Bins(tuple(cuts), tuple(trends), tuple(notes))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(one.column for one in self.cuts)

    def codes(self, frame: pd.DataFrame, place: Place) -> list[Codes]:
        """The bin of every row in each column."""
        return [one.codes(frame[one.column], place) for one in self.cuts]

    def candidates(self, codes: list[Codes], training: Marks) -> Candidates:
        """Every split that these columns can offer."""
        return candidates(self.cuts, codes, training, self.trends)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "cuts": [one.to_dict() for one in self.cuts],
            "trends": list(self.trends),
            "notes": list(self.notes),
        }

    @staticmethod
    def from_dict(saved: Mapping[str, Any]) -> Bins:
        """What `to_dict` wrote; `KeyError`, `TypeError` or `ValueError` for anything else."""
        cuts = tuple(Cuts.from_dict(one) for one in saved["cuts"])
        trends = tuple(_TRENDS.get(trend, "none") for trend in saved["trends"])
        if len(trends) != len(cuts):
            raise ValueError("not one trend for each column")
        return Bins(cuts, trends, tuple(str(note) for note in saved["notes"]))

    def __repr__(self) -> str:
        return f"Bins({len(self.cuts)} columns)"
