"""What a table is like, a column at a time: types, gaps, ranges, levels, identifiers. Facts, never cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api import types

from federation.governance.manifest import FieldType
from parties.connectors import FileSource, Snapshot
from parties.dataset import DatasetConfig
from parties.dataset.inference import LABEL_NAMES
from parties.governance.inspect.kinds import Kind
from parties.governance.inspect.scanner import Found, scan

#: A column of text is one of dates where this share of its filled cells is one.
_DATES = 0.95
_DATE = r"(?:19|20)\d\d(?:[-/.年](?:0?[1-9]|1[0-2])(?:[-/.月](?:0?[1-9]|[12]\d|3[01])日?)?月?)(?:[T ].*)?"
_KEY_TITLES = ("uscc", "id", "entity_id", "firm_id", "company_key", "统一社会信用代码", "企业编号")


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column. `missing`: the share of empty cells. `low`, `high`: of numbers that identify nobody."""

    name: str
    type: FieldType
    filled: int
    missing: float
    levels: int
    low: float | None
    high: float | None
    found: tuple[Found, ...]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What its cells identify by."""
        return tuple(each.kind for each in self.found)


@dataclass(frozen=True, slots=True)
class Inspection:
    """A table as seen: its roles, its number of rows, its columns in the table's order, and its digest."""

    config: DatasetConfig
    rows: int
    columns: tuple[ColumnFacts, ...]
    digest: str


def look(config: DatasetConfig) -> Inspection:
    """Read the table and look at each column over all rows; excluded ones of a database are not read.

    Raises `UsageError` naming the file where it cannot be read or lacks a column that `config` names.
    """
    return _seen(config.read(), config)


def look_at(file: Path, name: str, key: str | None = None, label: str | None = None) -> Inspection:
    """`look` at a file that no party.toml describes: what is not said of its roles is guessed.

    The key is the first column of credit codes; else the first whose title is that of one; else the first of
    which no value comes twice. The outcome is a column of two values with the title of one. What is guessed
    the draft says.
    """
    snapshot = FileSource(file).read()
    frame = pd.DataFrame({name: _plain(snapshot.frame[name]) for name in snapshot.frame.columns})
    names = list(map(str, frame.columns))
    config = DatasetConfig(name, file, key or _key(frame, names), label=label or _label(frame, names))
    return _seen(replace(snapshot, frame=frame), config)


def _seen(snapshot: Snapshot, config: DatasetConfig) -> Inspection:
    frame = snapshot.frame
    config.check_columns(snapshot.present)
    facts = tuple(_column(_plain(frame[name]), config) for name in frame.columns)
    return Inspection(config, len(frame), facts, snapshot.digest)


def _key(frame: pd.DataFrame, names: Sequence[str]) -> str:
    for name in names:
        if any(
            found.kind is Kind.CREDIT_CODE and found.share > 0.5 for found in scan(frame[name].head(1000))
        ):
            return name
    titled = (name for name in names if name.lower() in _KEY_TITLES)
    single = (name for name in names if frame[name].is_unique and not types.is_float_dtype(frame[name].dtype))
    return next(titled, None) or next(single, names[0])


def _label(frame: pd.DataFrame, names: Sequence[str]) -> str | None:
    titled = [name for name in names if name.lower() in LABEL_NAMES or name.lower().startswith("default_")]
    return next((name for name in titled if frame[name].nunique() == 2), None)


def _plain(column: pd.Series) -> pd.Series:
    """Decimals of a Parquet file as numbers; its dates, lists and bytes as the texts that they print as."""
    if column.dtype != np.dtype(object):
        return column
    if column.map(lambda cell: isinstance(cell, Decimal), na_action="ignore").dropna().all():
        return column.astype(np.float64)
    return column.map(str, na_action="ignore").astype("str")


def _column(column: pd.Series, config: DatasetConfig) -> ColumnFacts:
    name = str(column.name)
    filled = column.dropna()
    levels = int(filled.nunique())
    found = scan(column)
    kind = _type(filled, levels, config)
    low = high = None
    if kind == "number" and not found and name != config.key:
        numbers = filled.to_numpy(dtype=np.float64)
        numbers = numbers[np.isfinite(numbers)]
        if len(numbers):
            low, high = float(numbers.min()), float(numbers.max())
    missing = 1 - len(filled) / len(column)
    return ColumnFacts(name, kind, len(filled), missing, levels, low, high, found)


def _type(filled: pd.Series, levels: int, config: DatasetConfig) -> FieldType:
    name = str(filled.name)
    if name in (config.time, *config.dates) or types.is_datetime64_any_dtype(filled.dtype):
        return "date"
    if types.is_bool_dtype(filled.dtype) or (0 < levels <= 2 and name != config.key):
        return "flag"
    if name in config.categorical:
        return "category"
    if types.is_numeric_dtype(filled.dtype):
        return "number"
    if len(filled) and float(filled.astype("str").str.fullmatch(_DATE).mean()) >= _DATES:
        return "date"
    return "category" if levels <= config.max_levels and name != config.key else "text"
