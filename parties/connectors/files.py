"""A party's file becomes a table: CSV, gzipped CSV or Parquet.

What a spreadsheet would spoil stays as it was written. In a CSV file every cell is text until its
whole column is seen; then

    the key (`uscc`), and a column with leading zeros or     stays text
    more than fifteen digits in a whole number
    a column of numbers (empty cells aside)                  becomes int64, or float64 with gaps
    anything else                                            stays text

An empty cell is missing. "NA", "N/A", "NaN", "null" and "NULL" are missing in a column whose other
cells are numbers, and are text in a text column, where they may be a name. Text is UTF-8 (with or
without a byte order mark) or GBK; which, is found out from the bytes, and anything else is refused.

Nothing here repairs a file. Every refusal is a `UsageError` that names the file and the next step, and
no cell of it.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from crypto.codes import Code
from federation import files
from parties.connectors.source import Choose, Names, Snapshot, every
from parties.errors import DatasetError
from parties.identifiers import is_uscc

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_ENDINGS = (".csv", ".csv.gz", ".parquet")
_TEXT_COLUMNS = frozenset({"uscc"})
_MISSING_NUMBER = ("NA", "N/A", "NaN", "null", "NULL")
#: Spaces around a number are let be: they are layout.
_NUMBER = r"^ *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})? *$"
#: A code, not a quantity: a zero that arithmetic would drop, or digits that a float64 would round.
_CODE = r"^ *[+-]?(0[0-9]|[0-9]{16,} *$)"
_WHOLE = r"^ *[+-]?[0-9]+ *$"

#: Enough for several thousand column names.
_HEADER_BYTES = 1 << 18

_PUNCTUATION, _SYMBOLS, _IDEOGRAPHS, _FULL_WIDTH = (
    (0x2000, 0x206F),
    (0x3000, 0x303F),
    (0x3400, 0x9FFF),
    (0xFF00, 0xFFEF),
)


@dataclass(frozen=True, slots=True)
class FileSource:
    """The file at `path`: read whole, in its own order, and known by the SHA-256 of its bytes."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def where(self) -> Path:
        return self.path

    @property
    def hashed(self) -> str:
        return "the file"

    def columns(self) -> Names:
        return columns(self.path)

    def read(self, choose: Choose = every, codes: frozenset[str] = frozenset()) -> Snapshot:
        # Hashed before: a file that changes while it is read is then another one at the next reading.
        digest = self.digest() if self.path.is_file() else ""
        frame = read_table(self.path)
        return Snapshot(frame, digest, tuple(map(str, frame.columns)))

    def digest(self, choose: Choose = every, codes: frozenset[str] = frozenset()) -> str:
        if not self.path.is_file():
            files.read(self.path)  # Tells the failure with its next step.
        return files.sha256(self.path)


def read_table(path: Path) -> pd.DataFrame:
    """The table in the file at `path`, one row for each record, in the file's order.

    Raises `UsageError` where the file is missing, of another kind, empty, without a header or with two
    columns of one name, in another encoding, cut off, or not what its ending says.
    """
    ending = _ending(path)
    frame = _read_parquet(path) if ending == ".parquet" else _read_csv(path, ending)
    if frame.empty:
        raise _refused(
            path, "the file holds no rows", "Export the table again, with its rows.", code=Code.TABLE_EMPTY
        )
    return frame


def columns(path: Path) -> tuple[str, ...]:
    """The column names of the file at `path`; reads its header alone. Raises like `read_table`."""
    ending = _ending(path)
    if ending == ".parquet":
        return _parquet_names(path, lambda parquet: parquet.read_schema(path).names)
    return _header(path, _content(path, ending, _HEADER_BYTES))[0]


def _refused(path: Path, what: str, advice: str, field: str | None = None, *, code: Code) -> DatasetError:
    return DatasetError(what, file=str(path), field=field, advice=advice, code=code)


def _ending(path: Path) -> str:
    name = path.name.lower()
    for ending in _ENDINGS:
        if name.endswith(ending):
            return ending
    raise _refused(
        path,
        "the file is of an unknown kind",
        f"Give a file ending in {', '.join(_ENDINGS)}.",
        code=Code.TABLE_KIND,
    )


def _content(path: Path, ending: str, limit: int = -1) -> bytes:
    """The file's bytes, unpacked; at most `limit` of them where one is given."""
    try:
        with path.open("rb") as raw:
            if ending != ".csv.gz":
                content = raw.read(limit)
            else:
                with gzip.GzipFile(fileobj=cast("BinaryIO", raw)) as zipped:
                    content = zipped.read(limit)
    except FileNotFoundError:
        raise _refused(
            path,
            "there is no such file",
            "Check the path, and the folder you are in.",
            code=Code.TABLE_MISSING,
        ) from None
    except EOFError:
        raise _refused(
            path, "the gzip file is cut off", "Copy or export it again, to its end.", code=Code.TABLE_DAMAGED
        ) from None
    except (gzip.BadGzipFile, zlib.error):
        raise _refused(
            path,
            "the file is not gzip, or is damaged",
            "Copy or export it again, or drop .gz from its name.",
            code=Code.TABLE_DAMAGED,
        ) from None
    except OSError as problem:
        raise _refused(
            path,
            f"the file cannot be read: {problem.strerror}",
            "Check that it is a file you may read.",
            code=Code.TABLE_UNREADABLE,
        ) from None
    if not content:
        raise _refused(path, "the file is empty", "Export the table again.", code=Code.TABLE_EMPTY)
    return content


def _decode(path: Path, content: bytes) -> tuple[str, str]:
    """The text, and the name of its encoding."""
    if b"\0" not in content:
        for encoding in ("utf-8-sig", "gb18030"):  # gb18030 contains GBK.
            try:
                text = content.decode(encoding)
            except UnicodeDecodeError:
                continue
            if encoding == "utf-8-sig" or _is_chinese(text):
                return text, encoding
    raise _refused(
        path,
        "the text is neither UTF-8 nor GBK",
        "Export it as UTF-8 (in a spreadsheet: CSV UTF-8).",
        code=Code.TABLE_ENCODING,
    )


def _is_chinese(text: str) -> bool:
    """Whether what is not ASCII reads as Chinese; bytes of another encoding decode to scattered signs."""
    foreign = np.frombuffer(re.sub(r"[\x00-\x7f]+", "", text).encode("utf-32-le"), dtype=np.uint32)
    likely = np.zeros(len(foreign), dtype=np.bool_)
    for low, high in (_PUNCTUATION, _SYMBOLS, _IDEOGRAPHS, _FULL_WIDTH):
        likely |= (foreign >= low) & (foreign <= high)
    return bool(likely.mean() >= 0.9)


def _header(path: Path, content: bytes) -> tuple[tuple[str, ...], str]:
    """The column names in the first line of `content`, and the encoding of what was given."""
    if len(content) == _HEADER_BYTES:
        # Cut at a line's end: a character may straddle the limit.
        content = content[: content.rfind(b"\n") + 1]
    text, encoding = _decode(path, content)
    try:
        names = next(csv.reader(io.StringIO(text), strict=True), [])
    except csv.Error:
        names = []
    _check_names(path, names)
    if len(names) == 1 and re.search("[;\t|]", names[0]):
        raise _refused(
            path, "the cells are not separated by commas", "Export it with commas.", code=Code.TABLE_CELLS
        )
    return tuple(names), encoding


def _check_names(path: Path, names: list[str]) -> None:
    # A row of data in the header's place must not be repeated in an error, so no name is.
    if not names or any(not name.strip() or re.match(_NUMBER, name) or is_uscc(name) for name in names):
        raise _refused(
            path,
            "the first line is not a header of column names",
            "Put one line of column names first; none empty, none a number.",
            code=Code.TABLE_HEADER,
        )
    seen: set[str] = set()
    for place, name in enumerate(names, start=1):
        if name in seen:
            raise _refused(
                path,
                f"column {place} has the name of an earlier one",
                "Give each column a name of its own.",
                code=Code.COLUMN_TWICE,
            )
        seen.add(name)


def _read_csv(path: Path, ending: str) -> pd.DataFrame:
    import pandas as pd

    content = _content(path, ending)
    _, encoding = _decode(path, content)
    names, _ = _header(path, content[:_HEADER_BYTES])
    table = _parse(path, content, encoding, names)
    return pd.DataFrame({name: typed(name, table.column(place)) for place, name in enumerate(names)})


def _parse(path: Path, content: bytes, encoding: str, names: tuple[str, ...]) -> pa.Table:
    """All cells as text. Arrow's reader, as it refuses short rows, which pandas would fill in."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    bad_row: list[int | None] = []

    def note(row: arrow.InvalidRow) -> str:
        bad_row.append(row.number)
        return "error"

    try:
        return arrow.read_csv(
            pa.BufferReader(content),
            read_options=arrow.ReadOptions(
                encoding="utf-8" if encoding == "utf-8-sig" else encoding,
                # Not in parallel: so the reader knows the number of a bad row.
                use_threads=False,
                block_size=1 << 24,
            ),
            parse_options=arrow.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
            convert_options=arrow.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        # Which row stands in the advice, which stays here: the other roles of a round are told the rest.
        where = f" in row {bad_row[0]}" if bad_row and bad_row[0] is not None else ""
        raise _refused(
            path,
            "a row has not as many cells as the header",
            f"Look for commas or quotation marks inside a cell{where}, and export it again.",
            code=Code.TABLE_CELLS,
        ) from None


def typed(name: str, cells: pa.ChunkedArray) -> pd.Series:
    """A column of text as numbers where all of it is numbers; see the module's text."""
    import pandas as pd
    import pyarrow as pa
    from pyarrow import compute

    empty = compute.equal(cells, "")
    if name not in _TEXT_COLUMNS:
        missing = compute.or_(empty, compute.is_in(cells, value_set=pa.array(_MISSING_NUMBER)))
        given = cells.filter(compute.invert(missing))
        if len(given) and _all(given, _NUMBER) and not _any(given, _CODE):
            gaps = missing.to_numpy()
            numbers = given.to_numpy().astype(np.float64)
            if not gaps.any() and _all(given, _WHOLE):
                return pd.Series(numbers.astype(np.int64), name=name)
            values = np.full(len(cells), np.nan)
            values[~gaps] = numbers
            return pd.Series(values, name=name)
    text = compute.if_else(empty, pa.scalar(None, pa.string()), cells)
    return pd.Series(text.to_numpy(), name=name, dtype="str")


def _all(cells: pa.ChunkedArray, pattern: str) -> bool:
    from pyarrow import compute

    return bool(compute.all(compute.match_substring_regex(cells, pattern)).as_py())


def _any(cells: pa.ChunkedArray, pattern: str) -> bool:
    from pyarrow import compute

    return bool(compute.any(compute.match_substring_regex(cells, pattern)).as_py())


def _parquet_names(path: Path, read: Callable[..., list[str]]) -> tuple[str, ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    _content(path, ".parquet", 1)
    try:
        names = read(pq)
    except (pa.ArrowException, OSError):
        raise _no_parquet(path) from None
    _check_names(path, names)
    return tuple(names)


def _no_parquet(path: Path) -> DatasetError:
    return _refused(
        path, "the file is not Parquet, or is damaged", "Copy or export it again.", code=Code.TABLE_DAMAGED
    )


def _read_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    _parquet_names(path, lambda parquet: parquet.read_schema(path).names)
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError):
        raise _no_parquet(path) from None
    columns = {}
    for name, cells in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_dictionary(cells.type):
            cells = cells.cast(cells.type.value_type)
        if name in _TEXT_COLUMNS and pa.types.is_floating(cells.type):
            raise _refused(
                path,
                "the key is stored as a rounded number",
                "Export the key as text: a float64 keeps sixteen of its eighteen digits.",
                field=name,
                code=Code.KEYS_ROUNDED,
            )
        if name in _TEXT_COLUMNS:
            cells = cells.cast(pa.string())
        column = cells.to_pandas()
        text = pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)
        columns[name] = column.astype("str") if text else column
    return pd.DataFrame(columns)
