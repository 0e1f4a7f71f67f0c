"""A column of dates as days: what was decided when, and what was known then.

Read are

    2006-03-14, 2006/3/14, 2006.03.14, with or without a time of day; 2006年3月14日; 20060314
    2006-03, 2006/3, 2006年3月, 200603
    2006, 2006年
    dates and times that a Parquet file stores as such

and each column in one form, day, month or year: the coarsest that a cell has. Anything else is counted and
refused: a date that is guessed puts a firm on the wrong side of a split.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from crypto.codes import Code
from parties.dataset import Place

Unit = Literal["day", "month", "year"]
_UNITS: tuple[Unit, ...] = ("year", "month", "day")

_YEAR, _MONTH, _DAY = r"((?:19|20)\d\d)", r"(0?[1-9]|1[0-2])", r"(0?[1-9]|[12]\d|3[01])"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"{_YEAR}[-/.]{_MONTH}[-/.]{_DAY}(?:[T ].*)?",
        rf"{_YEAR}年{_MONTH}月{_DAY}日",
        r"((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])",
        rf"{_YEAR}[-/.]{_MONTH}",
        rf"{_YEAR}年{_MONTH}月",
        r"((?:19|20)\d\d)(0[1-9]|1[0-2])",
        rf"{_YEAR}年?",
    )
)


@dataclass(frozen=True, slots=True, repr=False)
class Moments:
    """When, of every row: `days` since 1970-01-01 of the first day of its day, month or year (`unit`), int64
    (n,); where nothing is `known` the days mean nothing. `repr` shows none of it."""

    days: npt.NDArray[np.int64]
    known: npt.NDArray[np.bool_]
    unit: Unit


def moments(series: pd.Series, place: Place) -> Moments:
    """A column of dates. Raises `UsageError` (party, file, column, how many cells) where a cell is none."""
    codes, distinct = pd.factorize(series)
    if types.is_datetime64_any_dtype(series.dtype):
        read = [(3, value.date()) for value in pd.DatetimeIndex(distinct)]
    else:
        read = [_read(value) for value in distinct]
    wrong = np.array([parts == 0 for parts, _ in read] + [False], dtype=np.bool_)
    if wrong.any():
        raise place.error(
            f"{int(wrong[codes].sum())} of {len(codes)} cells are no date",
            column=str(series.name),
            advice="Write dates as 2006-03-14, months as 2006-03 and years as 2006, and leave gaps empty.",
            code=Code.DATES_MALFORMED,
        )
    parts = min((parts for parts, _ in read), default=3)
    starts = [_start(day, parts) for _, day in read]
    days = np.array([*((day - dt.date(1970, 1, 1)).days for day in starts), 0], dtype=np.int64)
    return Moments(days[codes], np.asarray(codes) >= 0, _UNITS[parts - 1])


def is_dates(series: pd.Series) -> bool:
    """Whether nearly all distinct texts of a column are dates to the day: undeclared, it is a date column."""
    if types.is_datetime64_any_dtype(series.dtype):
        return True
    if types.is_numeric_dtype(series.dtype):
        return False
    distinct = series.dropna().unique()[:1000]
    return len(distinct) > 0 and 10 * sum(_read(value)[0] == 3 for value in distinct) >= 9 * len(distinct)


def _read(value: object) -> tuple[int, dt.date]:
    """How many of year, month and day a cell tells, and the day; 0 where it is no date."""
    nothing = (0, dt.date.min)
    if isinstance(value, dt.date):
        return 3, dt.date(value.year, value.month, value.day)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    text = str(value).strip()
    for form in _FORMS:
        if found := form.fullmatch(text):
            numbers = [int(part) for part in found.groups()]
            try:
                return len(numbers), dt.date(*[*numbers, 1, 1][:3])
            except ValueError:
                return nothing
    return nothing


def _start(day: dt.date, parts: int) -> dt.date:
    """The first day of a day's month or year, where the column tells no more."""
    if parts == 3:
        return day
    return day.replace(day=1) if parts == 2 else day.replace(month=1, day=1)
