"""One party's own columns, read once and counted: what goes into the sums of `statistics`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.errors import UsageError
from federation.secure_sum.interface import Floats, Integers
from federation.tables import Column
from parties.dataset import DatasetConfig
from parties.features.categorical import refuse_many
from parties.features.columns import Levels, is_empty, numbers
from parties.horizontal.cells import keys
from parties.horizontal.columns import BUCKETS, Schema, buckets, shared_levels, shared_name


@dataclass(frozen=True, slots=True, repr=False)
class OwnNumbers:
    """A numeric column: its cells (n,), NaN where missing, and the keys of those that are there, sorted."""

    values: Floats
    ordered: Integers

    @property
    def missing(self) -> int:
        """Rows without a cell."""
        return len(self.values) - len(self.ordered)


@dataclass(frozen=True, slots=True, repr=False)
class OwnLevels:
    """A categorical column: its rows by bucket, int64 (BUCKETS,), and those without a cell."""

    counts: Integers
    missing: int


@dataclass(frozen=True, slots=True, repr=False)
class OwnTable:
    """A party's training rows as the sums need them; `outcomes` counts rows with outcome 0, then 1.

    Declared columns are not among `columns`. `notes` are sentences for the party's own people: they name
    columns, never a cell.
    """

    outcomes: Integers
    columns: dict[str, OwnNumbers | OwnLevels]
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """The party's training rows."""
        return int(self.outcomes.sum())

    @property
    def numbers(self) -> dict[str, OwnNumbers]:
        """The numeric columns."""
        return {name: each for name, each in self.columns.items() if isinstance(each, OwnNumbers)}


def read_own(
    frame: pd.DataFrame,
    labels: npt.NDArray[np.int8],
    schema: Schema,
    dataset: DatasetConfig,
    declared: Mapping[str, Column],
    salt: bytes,
) -> OwnTable:
    """Read the columns of `schema`. Raises `UsageError`, naming party, file and column, never a cell.

    Declared columns are read too, so that what cannot be read is told before a sum is made.
    """
    if labels.shape != (len(frame),) or not np.isin(labels, (0, 1)).all():
        raise UsageError(
            "the outcomes are not one 0 or 1 for each training row", advice="Read them with read_label."
        )
    notes: list[str] = []
    columns: dict[str, OwnNumbers | OwnLevels] = {}
    for name, kind in schema:
        given = declared.get(name)
        if is_empty(frame[name]):
            notes.append(
                f"Column {name} is entirely missing on the training rows here: nothing of it is learned from "
                "them, and what the model says of it is learned from others. Exclude it where all lack it."
            )
        if given is not None:
            _look_at_declared(frame[name], given, dataset, notes)
        elif kind == "numeric":
            values = numbers(frame[name], dataset.place)
            columns[name] = OwnNumbers(values, np.sort(keys(values[~np.isnan(values)])))
        else:
            columns[name] = _own_levels(frame[name], dataset, salt, notes)
    return OwnTable(np.bincount(labels, minlength=2).astype(np.int64), columns, tuple(notes))


def _own_levels(series: pd.Series, dataset: DatasetConfig, salt: bytes, notes: list[str]) -> OwnLevels:
    column, found = str(series.name), shared_levels(series, dataset.place)
    if column not in dataset.categorical:
        refuse_many(len(found.texts), dataset.max_levels, column, dataset.place)
    hashed = buckets(column, found.texts, salt)
    if merged := len(hashed) - len(np.unique(hashed)):
        notes.append(
            f"Column {column}: {merged} of {len(hashed)} levels share a code with another, as their hashes "
            "agree; declare its levels in the plan to keep them apart."
        )
    present = found.codes[found.codes >= 0]
    counts = np.bincount(hashed[present], minlength=BUCKETS).astype(np.int64)
    return OwnLevels(counts, len(series) - len(present))


def _look_at_declared(series: pd.Series, declared: Column, dataset: DatasetConfig, notes: list[str]) -> None:
    """Tell how much of this party's column the plan's declaration leaves aside: units are mixed up easily."""
    if declared.range is not None:
        low, high = declared.range
        values = numbers(series, dataset.place)
        beside = int(((values < low) | (values > high)).sum())
        what = "outside the range that the plan declares, and are cut to it"
    else:
        found = shared_levels(series, dataset.place)
        beside = _unseen(found, declared.levels or ())
        what = "not among the levels that the plan declares, and get code 0"
    if beside:
        notes.append(f"Column {series.name}: {beside} of {len(series)} cells are {what}.")


def _unseen(found: Levels, declared: tuple[str, ...]) -> int:
    names = {shared_name(level) for level in declared}
    unseen = np.array([*(text not in names for text in found.texts), False], dtype=np.bool_)
    return int(unseen[found.codes].sum())
