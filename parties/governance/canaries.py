"""Planted records: rows of nobody, in the table that a round loads, that must not be in anything that leaves.

    before   a secret seed of 32 bytes is drawn for the attempt; the ledger's `plan` entry commits to it
    during   32 rows made from it stand behind the table's own; the guard looks for them in each message
    after    the seed is opened: rounds/RUN/canaries.json, and the ledger's `opening` entry

They never train. A vertical round aligns firms, and their identifiers match nobody's: the others see a set
that is 32 larger, and no row of it. Where every row of the table would be used (horizontal rounds, a lookup
of rejects) they are left out before features are made, and stand only in the table as it was read. From there
on 32 of the table's *own* rows are looked for instead, drawn by the seed: their identifiers, and pairs of
neighbouring numbers. These needles never leave the process, and what is opened afterwards does not tell them
to anyone without the table.

A cell is unusual for its column: an identifier with its check characters right, a number of sixteen digits, a
word of sixteen letters. Columns of other kinds, and of whole numbers too short for that, repeat own cells.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.private import Private
from federation.governance.needles import Needles, Pattern, number_patterns, text_patterns
from federation.ledger.checks.canaries import commitment
from federation.ledger.keeping import keep_seed
from parties.dataset import DatasetConfig
from parties.identifiers import ALPHABET, assemble_usccs

#: How many rows are planted, and how many own ones are looked for beside them.
ROWS = 32
#: Of a wide table so many columns are looked for; the rows stand in all.
_COLUMNS = 64
#: Numbers of sixteen digits, which a float64 holds exactly.
_LEAST, _SPAN = 10**15, 8 * 10**15
_DIVISIONS, _SERIALS = 900_000, 31**8
#: An own identifier shorter than this may stand in a message for other reasons.
_LONG = 10


@dataclass(frozen=True, slots=True)
class Planted:
    """The table with the planted rows behind its own, and their identifiers as alignment compares them."""

    frame: pd.DataFrame
    ids: Private[tuple[bytes, ...]]


class Canaries:
    """The planted records of one attempt; the guard's `Needles`. `manifest`: its digest, in hexadecimal."""

    def __init__(self, seed: bytes, manifest: str) -> None:
        self._seed = seed
        self.commitment = commitment(seed, manifest)
        self.hits = 0
        self._needles: Needles | None = None

    @staticmethod
    def draw(manifest: str) -> Canaries:
        """With a seed that nobody else knows."""
        return Canaries(secrets.token_bytes(32), manifest)

    def __repr__(self) -> str:
        return "Canaries(...)"

    def plant(self, frame: pd.DataFrame, dataset: DatasetConfig) -> Planted:
        """`frame` with 32 rows more, of the same types; from now on they are looked for."""
        cells = {str(name): self._column(frame[name], dataset) for name in frame.columns}
        rows = pd.DataFrame(cells)
        self._needles = Needles([*self._patterns(rows, dataset), *self._own(frame, dataset)])
        # Of another type the key repeats own identifiers, which must not be aligned a second time.
        own = _is_text(rows[dataset.key]) or _is_wide(rows[dataset.key])
        keys = tuple(str(key).encode() for key in rows[dataset.key]) if own else ()
        return Planted(pd.concat([frame, rows], ignore_index=True), Private(keys))

    def found(self, encoded: bytes) -> int:
        """How many records stand in what is about to leave. They are planted before anything is."""
        if self._needles is None:
            raise RuntimeError("nothing is planted yet")
        found = self._needles.found(encoded)
        self.hits += found
        return found

    def open(self, folder: Path, attempt: int) -> str:
        """Keep the seed in the run's `folder`, for the evidence pack; the SHA-256 of the seed."""
        keep_seed(folder, attempt, self._seed)
        return hashlib.sha256(self._seed).hexdigest()

    # -- what is planted ----------------------------------------------------------------------------

    def _drawn(self, what: str, count: int = ROWS) -> npt.NDArray[np.uint64]:
        """Numbers that only the seed and `what` decide (SHAKE-256)."""
        stream = hashlib.shake_256(b"isthmus canary cells|" + self._seed + what.encode())
        return np.frombuffer(stream.digest(8 * count), dtype="<u8")

    def _column(self, column: pd.Series, dataset: DatasetConfig) -> pd.Series:
        """32 cells for one column, of its type."""
        name = str(column.name)
        if _is_text(column):
            is_code = name == dataset.key and dataset.key_type == "uscc"
            return pd.Series(self._codes(name) if is_code else self._words(name), dtype=column.dtype)
        if _is_wide(column):
            return pd.Series(self._numbers(name), dtype=np.int64).astype(column.dtype)
        places = self._drawn(name) % np.uint64(len(column))
        return column.iloc[places.astype(np.int64)].reset_index(drop=True)

    def _numbers(self, name: str) -> npt.NDArray[np.int64]:
        drawn: npt.NDArray[np.int64] = (_LEAST + self._drawn(name) % np.uint64(_SPAN)).astype(np.int64)
        return drawn

    def _codes(self, name: str) -> list[str]:
        drawn = self._drawn(name, 2 * ROWS)
        divisions = (100_000 + drawn[:ROWS] % np.uint64(_DIVISIONS)).astype(np.int64)
        serials = (drawn[ROWS:] % np.uint64(_SERIALS)).astype(np.int64)
        return [str(code) for code in assemble_usccs(divisions, serials)]

    def _words(self, name: str) -> list[str]:
        letters = self._drawn(name, 16 * ROWS).reshape(ROWS, 16) % np.uint64(len(ALPHABET))
        return ["".join(ALPHABET[letter] for letter in row) for row in letters]

    # -- what is looked for -------------------------------------------------------------------------

    def _patterns(self, rows: pd.DataFrame, dataset: DatasetConfig) -> list[Pattern]:
        """Of the planted rows: every word and number, in a wide table those of 64 columns and the key."""
        chosen = self._chosen([name for name in rows.columns if name != dataset.key])
        found = []
        for name in (dataset.key, *chosen):
            if _is_text(rows[name]):
                # A code's first eight characters are shared by many firms: what follows is its own.
                own = slice(8, None) if name == dataset.key and dataset.key_type == "uscc" else slice(None)
                for record, text in enumerate(rows[name]):
                    found += text_patterns(record, str(text)[own])
        numbers = [name for name in (dataset.key, *chosen) if _is_wide(rows[name])]
        if numbers:
            values = rows[numbers].to_numpy(dtype=np.float64)
            found += number_patterns(values, np.ones(values.shape, dtype=np.bool_))
        return found

    def _chosen(self, names: Sequence[str]) -> list[str]:
        if len(names) <= _COLUMNS:
            return list(names)
        first = np.sort(np.argsort(self._drawn("columns", len(names)))[:_COLUMNS])
        return [names[place] for place in first]

    def _own(self, frame: pd.DataFrame, dataset: DatasetConfig) -> list[Pattern]:
        """Of 32 rows of the table: identifiers that are long enough, and neighbouring numbers."""
        places = (self._drawn("own rows") % np.uint64(len(frame))).astype(np.int64)
        rows = frame.iloc[np.unique(places)]
        found = []
        for record, key in enumerate(rows[dataset.key].dropna().astype(str), start=ROWS):
            if len(key) >= _LONG and not key.isdigit():
                found += text_patterns(record, key)
        chosen = self._chosen([name for name in frame.columns if _is_wide(frame[name])])
        return found + _neighbours(rows[chosen].to_numpy(dtype=np.float64))


def _neighbours(values: npt.NDArray[np.float64]) -> list[Pattern]:
    """Two cells of one row side by side as float64, where both have digits that chance does not give."""
    found = []
    unusual = np.array([[_digits(value) >= 6 for value in row] for row in values.tolist()], dtype=np.bool_)
    unusual = unusual.reshape(values.shape)
    for record, column in zip(*np.nonzero(unusual[:, :-1] & unusual[:, 1:]), strict=True):
        pair = values[record, column : column + 2]
        for order in "<>":
            found.append(Pattern(ROWS + int(record), pair.astype(f"{order}f8").tobytes()))
    return found


def _digits(value: float) -> int:
    """Significant decimal digits of a number; none where there is no number."""
    if not np.isfinite(value):
        return 0
    return len(f"{abs(value):.15e}".partition("e")[0].replace(".", "").rstrip("0"))


def _is_text(column: pd.Series) -> bool:
    return bool(pd.api.types.is_string_dtype(column))


def _is_wide(column: pd.Series) -> bool:
    """Whether the column's type holds whole numbers of sixteen digits."""
    return column.dtype in (np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.uint64))
