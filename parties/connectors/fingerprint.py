"""The order and the digest of rows that come in no order, as from a database.

    row      of each column, by name: one byte, 1 where it is missing; then 8 bytes of a number, a truth value
             or a moment (int64 or float64, little-endian), or 32 of a text (the SHA-256 of its UTF-8)
    digest   SHA-256 of the header (names and kinds, canonical JSON) and of all rows' SHA-256, sorted

So neither the order in which a server sends rows nor how many it sends at a time has a part in it. The rows
are brought into the order of their hashes: then row 17 of one reading is row 17 of the next one.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from federation.files import canonical_json

if TYPE_CHECKING:
    import pandas as pd

_FORMAT = "isthmus rows 1"
#: Rows that are laid out in memory at a time.
_ROWS = 1 << 16

_Bytes = npt.NDArray[np.uint8]


def in_order(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows in the order of their hashes, and the digest of them all."""
    kinds = {str(name): _kind(frame[name]) for name in frame.columns}
    header = canonical_json([_FORMAT, len(frame), sorted(kinds.items())])
    names = sorted(kinds)
    found: list[bytes] = []
    texts = {name: _text_hashes(frame[name]) for name in names if kinds[name] == "text"}
    for start in range(0, len(frame), _ROWS):
        part = slice(start, start + _ROWS)
        laid = [
            _text_cells(texts[name], part) if name in texts else _cells(frame[name].iloc[part], kinds[name])
            for name in names
        ]
        rows = np.ascontiguousarray(np.hstack(laid))
        found += [hashlib.sha256(row).digest() for row in rows]
    hashes = np.frombuffer(b"".join(found), dtype=np.uint8).reshape(-1, 32)
    words = hashes.view(">u8")
    order = np.lexsort(tuple(words[:, place] for place in range(3, -1, -1)))
    digest = hashlib.sha256(header)
    digest.update(hashes[order].tobytes())
    return frame.iloc[order].reset_index(drop=True), digest.hexdigest()


def _kind(column: pd.Series) -> str:
    from pandas.api import types

    if types.is_bool_dtype(column.dtype):
        return "truth"
    if types.is_integer_dtype(column.dtype):
        return "whole"
    if types.is_float_dtype(column.dtype):
        return "number"
    return "moment" if types.is_datetime64_any_dtype(column.dtype) else "text"


def _cells(column: pd.Series, kind: str) -> _Bytes:
    """Missing or not, and 8 bytes, of each cell."""
    missing = column.isna().to_numpy(dtype=np.bool_)
    values: npt.NDArray[Any]
    if kind == "number":
        values = column.to_numpy(dtype=np.float64, na_value=0.0) + 0.0  # Without the sign of a zero.
    elif kind == "moment":
        values = column.to_numpy(dtype="datetime64[us]").astype(np.int64)
    else:
        values = column.to_numpy(dtype=np.int64)
    values = np.where(missing, 0, values).astype("<f8" if kind == "number" else "<i8")
    return np.hstack([missing[:, None].astype(np.uint8), values.view(np.uint8).reshape(-1, 8)])


def _text_hashes(column: pd.Series) -> tuple[npt.NDArray[np.int64], _Bytes]:
    """Of each cell the place of its text (-1: missing), and of each text its hash; the last: of no text."""
    import pandas as pd

    codes, distinct = pd.factorize(column)
    hashes = b"".join(
        hashlib.sha256(str(text).encode("utf-8", "surrogatepass")).digest() for text in distinct
    )
    known = np.frombuffer(hashes + bytes(32), dtype=np.uint8).reshape(-1, 32)
    return np.asarray(codes, dtype=np.int64), known


def _text_cells(texts: tuple[npt.NDArray[np.int64], _Bytes], part: slice) -> _Bytes:
    codes, hashes = texts[0][part], texts[1]
    return np.hstack([(codes < 0)[:, None].astype(np.uint8), hashes[codes]])
