"""A column of any dtype as numbers, or as the texts of its levels.

Both readings are by distinct value, so that a column of a million cells is looked at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from crypto.codes import Code
from parties.dataset import Place
from parties.features.support import Floats


@dataclass(frozen=True, slots=True, repr=False)
class Levels:
    """A column by its distinct values: cell i holds `texts[codes[i]]`; -1 where it is missing.

    `codes` has shape (n,), dtype int64. `repr` shows nothing of it.
    """

    texts: tuple[str, ...]
    codes: NDArray[np.int64]


def is_empty(series: pd.Series) -> bool:
    """Whether no cell holds anything: each is missing, or a text of blanks. Such a column has no kind."""
    return all(isinstance(cell, str) and not cell.strip() for cell in series.dropna())


def left_out_empty(column: str) -> str:
    """The sentence by which a party is told that a column without a cell is no feature."""
    return f"Column {column} is entirely missing on the training rows; it is left out."


def is_numeric(series: pd.Series) -> bool:
    """Whether the column is stored as real numbers; booleans are not."""
    return types.is_numeric_dtype(series.dtype) and not (
        types.is_bool_dtype(series.dtype) or types.is_complex_dtype(series.dtype)
    )


def numbers(series: pd.Series, place: Place) -> Floats:
    """A column as float64 (n,), NaN where missing; numbers that are stored as text are parsed.

    Raises `UsageError` (party, file, column, how many cells) for infinities and for text that is no number.
    """
    if not (is_numeric(series) or types.is_bool_dtype(series.dtype)):
        return parsed_numbers(levels(series, place), str(series.name), place)
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    _refuse_infinite(values, series, place)
    return values


def parsed_numbers(levels: Levels, column: str, place: Place) -> Floats:
    """A column of numbers that is stored as text, as float64 (n,); see `numbers`."""
    values = parsed(levels.texts)
    wrong = np.isnan(values)
    if wrong.any():
        cells = int(np.append(wrong, False)[levels.codes].sum())
        raise place.error(
            f"{cells} of {len(levels.codes)} cells of a column of numbers are text",
            column=column,
            advice="Clean those cells or leave them empty; or declare the column categorical.",
            code=Code.COLUMN_MIXED,
        )
    return numbers(pd.Series(np.append(values, np.nan)[levels.codes], name=column), place)


def parsed(texts: Sequence[str]) -> Floats:
    """Each text as a number, NaN where it is none. Infinities are kept, to be refused by their count."""
    return pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(dtype=np.float64)


def levels(series: pd.Series, place: Place) -> Levels:
    """The distinct values of a column as texts, in sorted order.

    Texts are stripped, and empty ones are missing; numbers are written the shortest way (54, not 54.0),
    truth values as true and false, so that a level keeps its name when a later file is read with another
    dtype. Dates and nested values are refused: `UsageError`. A column without a cell has no level, whatever
    its dtype.
    """
    if series.isna().all():
        return Levels((), np.full(len(series), -1, dtype=np.int64))
    if types.is_datetime64_any_dtype(series.dtype) or types.is_timedelta64_dtype(series.dtype):
        raise _unreadable(series, place)
    if types.is_float_dtype(series.dtype):
        _refuse_infinite(series.to_numpy(dtype=np.float64, na_value=np.nan), series, place)
    try:
        codes, distinct = pd.factorize(series)
    except TypeError:
        raise _unreadable(series, place) from None
    texts = np.array([_text(value, series, place) for value in distinct], dtype=object)
    # Stripping can make two values one, and empty ones missing: factorised once more, over the distinct.
    texts[texts == ""] = None
    again, names = pd.factorize(texts, sort=True)
    placed = np.append(again, -1)[codes]
    return Levels(tuple(names), placed.astype(np.int64))


def number_text(number: float) -> str:
    """A number as a level's name, the same whether its column was read as int or as float."""
    return str(int(number)) if number.is_integer() else repr(number)


def _refuse_infinite(values: Floats, series: pd.Series, place: Place) -> None:
    infinite = int(np.isinf(values).sum())
    if infinite:
        raise place.error(
            f"{infinite} of {len(values)} cells are infinite, often the trace of a division by zero",
            column=str(series.name),
            advice="Write them as missing, or cap them, before the file is read.",
            code=Code.COLUMN_KIND,
        )


def _text(value: object, series: pd.Series, place: Place) -> str:
    if isinstance(value, str):
        stripped = value.strip()
        return stripped.lower() if stripped.lower() in ("true", "false") else stripped
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return number_text(float(value))
    if type(value).__name__ == "Decimal":
        return format(value, "f")
    raise _unreadable(series, place)


def _unreadable(series: pd.Series, place: Place) -> Exception:
    return place.error(
        "the column holds neither numbers nor text nor truth values",
        column=str(series.name),
        advice="Turn dates into numbers of days, unpack nested values, or exclude the column.",
        code=Code.COLUMN_KIND,
    )
