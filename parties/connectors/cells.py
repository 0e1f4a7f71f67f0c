"""What a database or a folder stores, as the columns that a file of the same table would give.

    truth values                    bool; with gaps the texts "true" and "false"
    whole numbers                   int64; with gaps float64, or text where float64 would round one
    decimals (numeric)              as a CSV file: int64, float64, or text where a whole one has more than
                                    fifteen digits
    floating-point numbers          float64; NaN is missing
    text, enumerations, UUIDs       text; an empty one is missing
    dates, times with a date        datetime64; those with a time zone in UTC
    bytes, arrays, JSON, intervals, times of day   refused, by the column's name

A column of whole numbers that is a key stays text: with a gap it would become decimal numbers.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from crypto.codes import Code
from parties.connectors.files import typed
from parties.connectors.source import refusal
from parties.errors import SourceError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Whole numbers beyond are not all float64s.
_EXACT = 1 << 53
#: An int64 holds numbers from -_WIDEST to _WIDEST - 1.
_WIDEST = 1 << 63
_UNREADABLE: tuple[tuple[Any, str], ...] = (
    (bytes | bytearray | memoryview, "bytes"),
    (list | tuple, "arrays"),
    (dict, "nested values (JSON)"),
    (dt.timedelta, "intervals"),
    (dt.time, "times of day"),
)


class Gathered:
    """The cells of one source while they come in, a batch of rows at a time."""

    def __init__(self, source: str, columns: Sequence[str]) -> None:
        """`source`: its name, for errors."""
        self._source, self._columns = source, tuple(columns)
        self._parts: list[list[pa.Array]] = [[] for _ in columns]
        self._kinds: list[set[str]] = [set() for _ in columns]

    def add(self, rows: Sequence[Sequence[object]]) -> None:
        """Take one batch of rows; refuse what is no cell of a table."""
        for place, cells in enumerate(zip(*rows, strict=True)):
            kind, part = self._part(self._columns[place], cells)
            self._parts[place].append(part)
            self._kinds[place] |= {kind} - {"nothing"}

    def frame(self, codes: frozenset[str]) -> pd.DataFrame:
        """All of it as a table; whole numbers in `codes` as text."""
        import pandas as pd

        found = {name: self._series(place, name in codes) for place, name in enumerate(self._columns)}
        return pd.DataFrame(found)

    def _part(self, column: str, cells: Sequence[object]) -> tuple[str, pa.Array]:
        import pyarrow as pa

        given = [None if cell == "" else cell for cell in cells]
        kinds = set(map(type, given)) - {type(None)}
        if not kinds:
            return "nothing", pa.nulls(len(given))
        if kinds == {bool}:
            return "truth", pa.array(given, pa.bool_())
        wide = any(map(_is_wide, given))
        if kinds == {int} and not wide:
            return "whole", pa.array(given, pa.int64())
        if kinds <= {int, float} and not wide:
            return "number", pa.array([_float(cell) for cell in given], pa.float64())
        if kinds <= {int, Decimal}:
            return "decimal", pa.array([_digits(cell) for cell in given], pa.string())
        if all(issubclass(kind, str | uuid.UUID) for kind in kinds):
            return "text", pa.array([None if cell is None else str(cell) for cell in given], pa.string())
        if all(issubclass(kind, dt.date) for kind in kinds):
            return "moment", pa.array([_moment(cell) for cell in given], pa.timestamp("us"))
        for kind, told in _UNREADABLE:
            if any(issubclass(each, kind) for each in kinds):
                raise unreadable(self._source, column, told)
        if any(issubclass(each, str | int | float | Decimal) for each in kinds):
            raise self._mixed(column)
        raise unreadable(self._source, column, "neither numbers nor text nor truth values nor dates")

    def _series(self, place: int, code: bool) -> pd.Series:
        import pyarrow as pa

        name, kinds, parts = self._columns[place], self._kinds[place], self._parts[place]
        if kinds in ({"decimal"}, {"decimal", "whole"}):
            cells = pa.chunked_array([part.cast(pa.string()) for part in parts], pa.string())
            return _text(name, cells) if code else typed(name, cells.fill_null(""))
        if kinds == {"whole", "number"}:
            kinds = {"number"}
        if len(kinds) > 1:
            raise self._mixed(name)
        wanted = {
            "truth": pa.bool_(),
            "whole": pa.int64(),
            "number": pa.float64(),
            "moment": pa.timestamp("us"),
        }.get(next(iter(kinds), "text"), pa.string())
        cells = pa.chunked_array([part.cast(wanted, safe=False) for part in parts], wanted)
        return from_arrow(self._source, name, cells, code=code)

    def _mixed(self, column: str) -> SourceError:
        return refusal(
            self._source,
            "some rows hold numbers in this column, and others text or dates",
            "Mend it at its source, or name a query that casts it to one type.",
            column,
            code=Code.COLUMN_MIXED,
        )


def from_arrow(source: str, name: str, cells: pa.ChunkedArray, *, code: bool) -> pd.Series:
    """One column by the rules above. `SourceError` for a type that no model reads."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from pyarrow import compute

    of = pa.types
    if of.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    kind = cells.type
    if of.is_null(kind) or of.is_string(kind) or of.is_large_string(kind) or of.is_string_view(kind):
        return _text(name, cells)
    if of.is_boolean(kind):
        return pd.Series(cells.to_numpy(), name=name) if not cells.null_count else _text(name, cells)
    if of.is_decimal(kind):
        return _text(name, cells) if code else typed(name, cells.cast(pa.string()).fill_null(""))
    if of.is_integer(kind):
        limits = compute.min_max(cells).as_py()
        low, high = limits["min"] or 0, limits["max"] or 0
        if code or high >= _WIDEST or (cells.null_count and max(-low, high) > _EXACT):
            return _text(name, cells)
        return pd.Series(cells.cast(pa.float64() if cells.null_count else pa.int64()).to_numpy(), name=name)
    if of.is_floating(kind):
        return pd.Series(cells.cast(pa.float64()).to_numpy().astype(np.float64), name=name)
    if of.is_date(kind) or of.is_timestamp(kind):
        # A time with a zone is stored in UTC: dropping the zone keeps that.
        return pd.Series(cells.cast(pa.timestamp("us"), safe=False).to_numpy(), name=name)
    raise unreadable(source, name, f"{str(kind).partition('[')[0].partition('<')[0]} values")


def unreadable(source: str, column: str, told: str) -> SourceError:
    """The refusal of a column of a type that no model reads."""
    return refusal(
        source,
        f"the column holds {told}, which no model reads",
        "List it in `exclude`; or name a view, or a query, that makes numbers, text, truth values or dates "
        "of it.",
        column,
        code=Code.COLUMN_KIND,
    )


def _text(name: str, cells: pa.ChunkedArray) -> pd.Series:
    import pandas as pd
    import pyarrow as pa
    from pyarrow import compute

    texts = cells.cast(pa.string())
    texts = compute.if_else(compute.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    return pd.Series(texts.to_numpy(), name=name, dtype="str")


def _is_wide(cell: object) -> bool:
    """Whether a whole number is none of int64's."""
    return isinstance(cell, int) and not -_WIDEST <= cell < _WIDEST


def _float(cell: object) -> float | None:
    return None if cell is None else float(cast("float", cell))


def _digits(cell: object) -> str | None:
    """A number of any length by its digits; what is not a number is missing."""
    if cell is None or (isinstance(cell, Decimal) and cell.is_nan()):
        return None
    return format(cell, "f") if isinstance(cell, Decimal) else str(cell)


def _moment(cell: object) -> dt.datetime | None:
    if isinstance(cell, dt.datetime):
        return cell if cell.tzinfo is None else cell.astimezone(dt.UTC).replace(tzinfo=None)
    return dt.datetime.combine(cell, dt.time()) if isinstance(cell, dt.date) else None
