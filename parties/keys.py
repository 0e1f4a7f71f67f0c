"""From a column of identifiers to the bytes that alignment compares.

Alignment compares byte for byte, so every party writes an identifier in the same way:

    1  NFKC (Unicode Standard Annex 15): full-width letters and digits become ASCII
    2  white space at both ends is cut off
    3  upper case, then NFKC once more, since upper-casing can leave a decomposed letter
    4  UTF-8

What cannot be an identifier is counted and its row left out. Two rows with one identifier are both left
out: nobody can say which of them is the firm.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crypto.codes import Code
from crypto.private import Private
from parties.identifiers import valid_uscc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from parties.dataset import DatasetConfig

#: The share of unusable rows above which the column is refused rather than thinned.
BAD_SHARE = 0.1
#: The longest identifier, in UTF-8 bytes.
MAX_BYTES = 256

#: Words that programs write for an empty cell (after normalisation). Two of them would match each other.
_EMPTY = frozenset({"", "NA", "N/A", "#N/A", "NAN", "NULL", "NONE", "NIL", "<NA>", "-"})
#: What a spreadsheet makes of an identifier of digits: "123.0", "9.14403E+17". The digits are lost.
_FLOATED = re.compile(r"[0-9]+\.0+|[0-9](\.[0-9]+)?E\+[0-9]+")
#: Unicode categories that no identifier holds: controls, invisible marks, surrogates, line ends.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class KeyReport:
    """How many rows of a key column are usable, and why the others are not. Counts only.

    `duplicated` counts every row whose identifier stands in more than one row.
    """

    kept: int
    blank: int
    malformed: int
    duplicated: int

    @property
    def rows(self) -> int:
        """All rows of the column."""
        return self.kept + self.bad

    @property
    def bad(self) -> int:
        """The rows that were left out."""
        return self.blank + self.malformed + self.duplicated

    def __str__(self) -> str:
        return (
            f"{self.bad} of {self.rows} rows have no usable identifier ({self.blank} blank, "
            f"{self.malformed} malformed, {self.duplicated} with an identifier of several rows)"
        )


@dataclass(frozen=True, slots=True)
class AlignedKeys:
    """The identifiers that go into alignment, in the file's row order.

    `ids[i]` is the normalised identifier of row `positions[i]` (int64, counted from 0) of the table.
    """

    ids: Private[tuple[bytes, ...]]
    positions: Private[NDArray[np.int64]]
    report: KeyReport


def align_keys(frame: pd.DataFrame, config: DatasetConfig, *, limit: float = BAD_SHARE) -> AlignedKeys:
    """Normalise and check the key column of `frame`, as `config` declares it.

    Raises `UsageError` (party, file, field and counts; never a value or a row) where the column is absent
    or was read as decimal numbers, where more than `limit` of its rows are unusable, or none is usable.
    """
    if config.key not in frame.columns:
        raise config.error(
            "the table has no such key column",
            column=config.key,
            advice="Correct `key` in the configuration: names are compared letter by letter.",
            code=Code.KEY_COLUMN_MISSING,
        )
    texts, floated = _texts(frame[config.key], config)
    blank = np.fromiter((text in _EMPTY for text in texts), np.bool_, len(texts))
    well_formed = _well_formed(texts, config)
    fit = np.flatnonzero(well_formed & ~blank)
    encoded = [texts[place].encode() for place in fit]
    single = _stands_once(encoded)
    report = KeyReport(
        kept=int(single.sum()),
        blank=int(blank.sum()),
        malformed=int((~well_formed & ~blank).sum()),
        duplicated=int((~single).sum()),
    )
    _refuse_bad(report, floated, limit, config)
    ids = tuple(identifier for identifier, keep in zip(encoded, single, strict=True) if keep)
    return AlignedKeys(Private(ids), Private(fit[single]), report)


def normalise(text: str) -> str:
    """One identifier in the form that every party compares: see the steps above, without the last."""
    if text.isascii():
        return text.strip().upper()
    folded = unicodedata.normalize("NFKC", text).strip().upper()
    return unicodedata.normalize("NFKC", folded)


def _texts(series: pd.Series, config: DatasetConfig) -> tuple[list[str], int]:
    """Every cell as normalised text ("" where missing), and how many look like a spreadsheet's number."""
    if pd.api.types.is_float_dtype(series.dtype) and series.notna().any():
        raise config.error(
            "the identifiers were read as decimal numbers, so their digits cannot be trusted",
            column=config.key,
            advice="Write the column as text: 123, not 123.0; leading zeros and long codes kept.",
            code=Code.KEYS_ROUNDED,
        )
    missing = series.isna().to_numpy(dtype=np.bool_)
    cells = series.to_numpy(dtype=object)
    texts = [
        "" if absent else normalise(cell if isinstance(cell, str) else str(cell))
        for cell, absent in zip(cells, missing, strict=True)
    ]
    return texts, sum(_FLOATED.fullmatch(text) is not None for text in texts)


def _well_formed(texts: Sequence[str], config: DatasetConfig) -> NDArray[np.bool_]:
    if config.key_type == "uscc":
        return valid_uscc(pd.Series(texts, dtype=object))
    return np.fromiter((_is_identifier(text) for text in texts), np.bool_, len(texts))


def _is_identifier(text: str) -> bool:
    """Whether `text` can be an identifier of no declared form."""
    if text.isascii():
        return len(text) <= MAX_BYTES and text.isprintable() and _FLOATED.fullmatch(text) is None
    # Surrogates cannot be encoded, so what is unseen is sorted out before the length is taken.
    return not any(unicodedata.category(letter) in _UNSEEN for letter in text) and (
        len(text.encode()) <= MAX_BYTES
    )


def _stands_once(identifiers: Sequence[bytes]) -> NDArray[np.bool_]:
    codes, _ = pd.factorize(np.array(identifiers, dtype=object))
    once: NDArray[np.bool_] = np.bincount(codes)[codes] == 1 if len(codes) else np.zeros(0, np.bool_)
    return once


def _refuse_bad(report: KeyReport, floated: int, limit: float, config: DatasetConfig) -> None:
    if report.rows == 0:
        raise config.error(
            "the table has no rows",
            column=config.key,
            advice="Give a file with at least one row.",
            code=Code.TABLE_EMPTY,
        )
    if report.kept and report.bad <= limit * report.rows:
        return
    raise config.error(
        f"{report}; at most {limit:.0%} may be left out, and some must stay",
        column=config.key,
        advice=_advice(report, floated, config),
        code=Code.KEYS_UNUSABLE,
    )


def _advice(report: KeyReport, floated: int, config: DatasetConfig) -> str:
    """The next step for the largest of the causes."""
    most = max(report.blank, report.malformed, report.duplicated)
    if floated and floated == report.malformed == most:
        return "They were written as decimal numbers: export the column as text (123, not 123.0)."
    if report.malformed == most and config.key_type == "uscc":
        return 'Correct the codes at their source (GB 32100), or declare key_type = "text".'
    if report.malformed == most:
        return f"Identifiers are printable text of at most {MAX_BYTES} bytes: correct them at their source."
    if report.duplicated == most:
        return "Keep one row per firm (the latest, for instance), or name another column as the key."
    return "Fill the identifiers in at their source, or name another column as the key."


__all__ = ["BAD_SHARE", "AlignedKeys", "KeyReport", "align_keys", "normalise"]
