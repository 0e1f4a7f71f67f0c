"""A party's encoding: fitted on the training rows, then the same for every row that is ever scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pandas.api import types

from crypto.codes import Code
from crypto.errors import UsageError
from parties.dataset import DatasetConfig, Place
from parties.features.categorical import CategoricalColumn, refuse_many
from parties.features.columns import is_empty, is_numeric, left_out_empty, levels, parsed
from parties.features.numeric import NumericColumn
from parties.features.saved import text
from parties.features.support import MIN_SUPPORT, Floats

Column: TypeAlias = NumericColumn | CategoricalColumn

#: The share of training rows that is cut off at either end of a numeric column.
TAIL = 0.005
#: The version of the saved form.
VERSION = 1


#: However few rows there are, no more than this share is cut off at either end.
_LARGEST_TAIL = 0.1


@dataclass(frozen=True, slots=True, repr=False)
class FeatureSpec:
    """How each of a party's columns becomes features. Stays with the party: quantiles and levels are data.

    `notes` are sentences on what was left out, merged or taken for something, for the party's own people.
    They name columns, never a cell.
    """

    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    place: Place

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        training_rows: ArrayLike,
        config: DatasetConfig,
        *,
        tail: float | None = None,
    ) -> FeatureSpec:
        """Fit on `training_rows` of `frame`: row numbers from 0, or a mask over all rows.

        Numbers are winsorised at `tail` of the rows at either end: by default 0.5 %, and on small tables as
        much as holds 50 rows, so that no extreme value stands for a few firms.

        `frame` is the party's table with the columns of its file; no row outside `training_rows` is looked
        at. Raises `UsageError` (party, file, column, counts) for infinities, for text among numbers, for too
        many levels, for columns of dates, for columns that `config` names and `frame` lacks, and where no
        feature is left.
        """
        _refuse_repeated(frame, config.place)
        config.check_read([*frame.columns, *_unneeded(config)])
        if tail is not None and not 0 <= tail < 0.5:
            raise UsageError(
                "the share to be cut off at either end is not between 0 and 0.5", advice="Give 0.005."
            )
        rows = _row_numbers(training_rows, len(frame), config.place)
        cut = tail if tail is not None else min(max(TAIL, MIN_SUPPORT / max(len(rows), 1)), _LARGEST_TAIL)
        notes: list[str] = []
        fitted = (
            _fit_column(frame[column].iloc[rows], config, cut, notes)
            for column in config.feature_columns(frame.columns)
        )
        columns = tuple(column for column in fitted if column is not None)
        if not columns:
            raise config.error(
                f"no column is left as a feature on {len(rows)} training rows",
                advice=f"Each feature needs {MIN_SUPPORT} training rows on either side: give more rows or "
                "columns that differ. " + " ".join(notes[:5]),
                code=Code.NO_FEATURE,
            )
        return cls(columns, tuple(notes), config.place)

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names, in the order of `transform`'s columns."""
        return tuple(name for column in self.columns for name in column.names)

    def transform(self, frame: pd.DataFrame, *, file: str | None = None) -> Floats:
        """The rows of `frame` as features, float64 (n, len(names)), in Fortran order, every cell finite.

        On the training rows each feature has mean 0 and variance 1 (population). A level that was not seen
        belongs to the merged levels, or to none. Columns that are no features are ignored. Raises
        `UsageError` as `fit` does; it names `file` where the rows come from another than the fitted one.
        """
        place = self.place if file is None else replace(self.place, file=file)
        _refuse_repeated(frame, place)
        absent = [column.column for column in self.columns if column.column not in frame.columns]
        if absent:
            raise place.error(
                f"the table lacks columns that the model was trained on: {', '.join(absent)}",
                advice="Give the columns of the training file; missing values may be empty.",
                code=Code.COLUMN_MISSING,
            )
        out = np.empty((len(self.names), len(frame)))
        start = 0
        for column in self.columns:
            end = start + len(column.names)
            column.transform(frame[column.column], place, out[start:end])
            start = end
        return out.T

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON. `json` writes the shortest text that reads back as the same float."""
        return {
            "version": VERSION,
            "party": self.place.party,
            "file": self.place.file,
            "columns": [column.to_dict() for column in self.columns],
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> FeatureSpec:
        """What `to_dict` wrote: it transforms every row to the same bits. `UsageError` for anything else."""
        try:
            if saved["version"] != VERSION:
                raise ValueError("another version")
            columns = tuple(_read_column(column) for column in saved["columns"])
            notes = tuple(text(note) for note in saved["notes"])
            place = Place(text(saved["party"]), text(saved["file"]))
            if len({column.column for column in columns}) != len(columns) or not columns:
                raise ValueError("a column stands twice, or there is none")
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UsageError(
                "the saved encoding is damaged, or of another version",
                advice="Restore the model's file, or train the model again.",
            ) from None
        return cls(columns, notes, place)

    def __repr__(self) -> str:
        return f"FeatureSpec({len(self.names)} features of {len(self.columns)} columns)"


def _fit_column(series: pd.Series, config: DatasetConfig, tail: float, notes: list[str]) -> Column | None:
    """The encoder for one column, by its declaration and its dtype; `series` holds the training rows only."""
    column, place = str(series.name), config.place
    if is_empty(series):
        notes.append(left_out_empty(column))
        return None
    declared = column in config.categorical or isinstance(series.dtype, pd.CategoricalDtype)
    if declared or types.is_bool_dtype(series.dtype):
        return CategoricalColumn.fit(series, config.max_levels, place, notes)
    if is_numeric(series) or holds_numbers(series, place, notes):
        return NumericColumn.fit(series, tail, place, notes)
    refuse_many(len(levels(series, place).texts), config.max_levels, column, place)
    return CategoricalColumn.fit(series, config.max_levels, place, notes)


def holds_numbers(series: pd.Series, place: Place, notes: list[str]) -> bool:
    """Whether a column that is stored as text holds numbers only.

    Raises `UsageError` where more than half of its cells are numbers and others are not: whether these are
    gaps, codes or mistakes, only the party can say.
    """
    found = levels(series, place)
    if not found.texts:
        return False
    are_numbers = ~np.isnan(parsed(found.texts))
    if are_numbers.all():
        notes.append(
            f"Column {series.name} is stored as text but holds numbers only, and is read as numbers; declare "
            "it categorical if they are codes."
        )
        return True
    present = found.codes[found.codes >= 0]
    numbers = int(are_numbers[present].sum())
    if 2 * numbers > len(present):
        raise place.error(
            f"{len(present) - numbers} of {len(present)} cells are not numbers, and all others are",
            column=str(series.name),
            advice="Clean those cells or leave them empty; or declare the column categorical, or exclude it.",
            code=Code.COLUMN_MIXED,
        )
    return False


def _row_numbers(training_rows: ArrayLike, rows: int, place: Place) -> NDArray[np.int64]:
    chosen = np.asarray(training_rows)
    if chosen.dtype == np.bool_ and chosen.shape == (rows,):
        chosen = np.flatnonzero(chosen)
    if chosen.ndim != 1 or not (chosen.size == 0 or np.issubdtype(chosen.dtype, np.integer)):
        raise UsageError(
            "the training rows are neither row numbers nor a mask over all rows",
            advice="Give a flat array of whole numbers, or one truth value per row.",
        )
    chosen = chosen.astype(np.int64)
    if chosen.size == 0:
        raise place.error(
            "there are no training rows",
            advice="Give rows that both sides of a split hold.",
            code=Code.TABLE_EMPTY,
        )
    if chosen.min() < 0 or chosen.max() >= rows or len(np.unique(chosen)) != len(chosen):
        raise UsageError(
            "a training row lies outside the table or is named twice",
            advice="Number the rows from 0, each once.",
        )
    return chosen


def _refuse_repeated(frame: pd.DataFrame, place: Place) -> None:
    if not frame.columns.is_unique:
        raise place.error(
            "the table has two columns of one name",
            advice="Rename one of them: names tell columns apart.",
            code=Code.COLUMN_TWICE,
        )


def _unneeded(config: DatasetConfig) -> list[str]:
    """Columns that fitting can do without, since they are no features."""
    single = (config.key, config.label, config.accepted, config.group, config.size, config.time)
    return [*(name for name in single if name is not None), *config.dates]


def _read_column(saved: Mapping[str, Any]) -> Column:
    kinds: dict[str, type[NumericColumn] | type[CategoricalColumn]] = {
        "numeric": NumericColumn,
        "categorical": CategoricalColumn,
    }
    return kinds[saved["kind"]].from_dict(saved)
