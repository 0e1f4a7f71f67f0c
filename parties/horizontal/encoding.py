"""One encoding for all parties: what a cell becomes before a model sees it.

A numeric column is cut to [low, high] and its gaps are filled with the median; it enters the model in
pieces. With knots k0 < ... < km the piece j of a value x is (x - kj) / (kj+1 - kj), cut to [0, 1]: the
piecewise-linear encoding of Gorishniy, Rubachev and Babenko (On Embeddings for Numerical Features in Tabular
Deep Learning, NeurIPS 2022), with the quartiles of all parties as inner knots. The pieces' weighted sum is
the value itself, so nothing is lost; a linear model can bend at the quartiles, which money columns need (on
the SBA set a pooled logistic regression gains 0.009 of AUC, on default_credit 0.05). A categorical column
becomes a code.

Every row stands on others: a piece is 0 on at least 50 training rows and 1 on as many, over all parties
(`MIN_SUPPORT`), and so is a gap's indicator; a level with fewer rows shares the code 0 with what is missing
or was never seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.codes import Code
from crypto.errors import UsageError
from federation.secure_sum.interface import Floats, Integers
from parties.dataset import Place
from parties.features.columns import numbers
from parties.features.saved import finite, text, texts
from parties.features.standard import Standard
from parties.horizontal.columns import BUCKETS, buckets, shared_levels

#: The version of the saved form.
VERSION = 1


@dataclass(frozen=True, slots=True, repr=False)
class Encoded:
    """Rows as a model takes them: `numeric` float32 (n, d), every cell finite, and `codes` int64 (n, k).

    `repr` shows nothing of it.
    """

    numeric: npt.NDArray[np.float32]
    codes: Integers


@dataclass(frozen=True, slots=True, repr=False)
class NumericEncoding:
    """A column of numbers: `fill` for a gap, `knots` (m + 1) and the mean and scale of each of m pieces.

    No knots, no pieces: the value itself is no feature. `gap` standardises the indicator of a missing cell;
    None where too few rows, or too many, miss it.
    """

    column: str
    fill: float
    knots: tuple[float, ...]
    pieces: tuple[Standard, ...]
    gap: Standard | None

    def __post_init__(self) -> None:
        rising = all(low < high for low, high in zip(self.knots, self.knots[1:], strict=False))
        if not rising or len(self.pieces) != max(len(self.knots) - 1, 0):
            raise ValueError("knots do not rise, or not every piece has its standard")
        if not (self.pieces or self.gap):
            raise ValueError("a column without a feature")

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names, in order."""
        count = len(self.pieces)
        numbered = tuple(f"{self.column} ({piece} of {count})" for piece in range(1, count + 1))
        value = (self.column,) if count == 1 else numbered
        return value if self.gap is None else (*value, f"{self.column} (missing)")

    def encode(self, series: pd.Series, place: Place) -> Floats:
        """The features of `series`: float64 (n, len(names)), finite."""
        values = numbers(series, place)
        gaps = np.isnan(values)
        out = np.empty((len(self.names), len(values)))
        if self.pieces:
            rows = pieces(np.where(gaps, self.fill, values), self.knots)
            for standard, row, target in zip(self.pieces, rows, out, strict=False):
                standard.apply(row, target)
        if self.gap is not None:
            self.gap.apply(gaps.astype(np.float64), out[-1])
        return out.T

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "kind": "numeric",
            "column": self.column,
            "fill": self.fill,
            "knots": list(self.knots),
            "pieces": [piece.to_dict() for piece in self.pieces],
            "gap": None if self.gap is None else self.gap.to_dict(),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> NumericEncoding:
        """What `to_dict` wrote; `KeyError`, `TypeError` or `ValueError` for anything else."""
        return cls(
            text(saved["column"]),
            finite(saved["fill"]),
            tuple(finite(knot) for knot in saved["knots"]),
            tuple(Standard.from_dict(piece) for piece in saved["pieces"]),
            None if saved["gap"] is None else Standard.from_dict(saved["gap"]),
        )


@dataclass(frozen=True, slots=True, repr=False)
class CategoricalEncoding:
    """A column of levels. Level `levels[i]`, or whatever is hashed into bucket `buckets[i]`, has code i + 1.

    One of the two is None: levels are named where the plan declares them, and hashed where it does not.
    Code 0 is everything else: rare over all parties, never seen, missing.
    """

    column: str
    levels: tuple[str, ...] | None
    buckets: tuple[int, ...] | None

    def __post_init__(self) -> None:
        if (self.levels is None) == (self.buckets is None):
            raise ValueError("neither levels nor buckets, or both")
        coded = self.levels or self.buckets or ()
        if not coded or len(set(coded)) != len(coded):
            raise ValueError("no level has a code, or one has two")
        if self.buckets is not None and not 0 <= min(self.buckets) <= max(self.buckets) < BUCKETS:
            raise ValueError("no such bucket")

    @property
    def cardinality(self) -> int:
        """How many codes there are, 0 among them."""
        return len(self.levels or self.buckets or ()) + 1

    def encode(self, series: pd.Series, salt: bytes, place: Place) -> Integers:
        """The code of each cell: int64 (n,)."""
        found = shared_levels(series, place)
        by_level = np.array([*self.codes(found.texts, salt), 0], dtype=np.int64)
        return by_level[found.codes]

    def codes(self, names: tuple[str, ...], salt: bytes) -> list[int]:
        """The code of each level, by its name as `shared_levels` writes it."""
        if self.levels is not None:
            named = {level: code for code, level in enumerate(self.levels, start=1)}
            return [named.get(name, 0) for name in names]
        hashed = {bucket: code for code, bucket in enumerate(self.buckets or (), start=1)}
        return [hashed.get(int(bucket), 0) for bucket in buckets(self.column, names, salt)]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "kind": "categorical",
            "column": self.column,
            "levels": None if self.levels is None else list(self.levels),
            "buckets": None if self.buckets is None else list(self.buckets),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> CategoricalEncoding:
        """What `to_dict` wrote; `KeyError`, `TypeError` or `ValueError` for anything else."""
        hashed = saved["buckets"]
        if hashed is not None and any(type(bucket) is not int for bucket in hashed):
            raise TypeError("a bucket is a whole number")
        return cls(
            text(saved["column"]),
            None if saved["levels"] is None else texts(saved["levels"]),
            None if hashed is None else tuple(hashed),
        )


@dataclass(frozen=True, slots=True, repr=False)
class CommonEncoding:
    """How every party's rows become features. The same at all parties of a run, and stays with them.

    `salt` is the key under which levels are hashed; the aggregator never has it. `repr` shows no value.
    """

    numeric: tuple[NumericEncoding, ...]
    categorical: tuple[CategoricalEncoding, ...]
    salt: bytes

    @property
    def names(self) -> tuple[str, ...]:
        """The numeric features' names, in the order of `Encoded.numeric`'s columns."""
        return tuple(name for column in self.numeric for name in column.names)

    @property
    def categories(self) -> tuple[str, ...]:
        """The categorical columns' names, in the order of `Encoded.codes`' columns."""
        return tuple(column.column for column in self.categorical)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """How many codes each of `categories` has; codes count from 0."""
        return tuple(column.cardinality for column in self.categorical)

    def encode(self, frame: pd.DataFrame, place: Place) -> Encoded:
        """The rows of `frame`; columns that are no features are ignored. `place` is what errors name.

        Raises `UsageError` for columns that `frame` lacks, for infinities, and for text among numbers.
        """
        wanted = [*(column.column for column in self.numeric), *self.categories]
        absent = [name for name in wanted if name not in frame.columns]
        if absent or not frame.columns.is_unique:
            raise place.error(
                f"the table lacks columns of the common encoding, or has one twice: {', '.join(absent)}",
                advice="Give the columns that the plan was agreed on, each once; cells may be empty.",
                code=Code.COLUMN_MISSING,
            )
        numeric = np.empty((len(frame), len(self.names)), dtype=np.float32)
        start = 0
        for column in self.numeric:
            end = start + len(column.names)
            numeric[:, start:end] = column.encode(frame[column.column], place)
            start = end
        codes = np.empty((len(frame), len(self.categorical)), dtype=np.int64)
        for place_of, each in enumerate(self.categorical):
            codes[:, place_of] = each.encode(frame[each.column], self.salt, place)
        return Encoded(numeric, codes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, the salt among them: what a private file holds."""
        return {
            "version": VERSION,
            "numeric": [column.to_dict() for column in self.numeric],
            "categorical": [column.to_dict() for column in self.categorical],
            "salt": self.salt.hex(),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> CommonEncoding:
        """What `to_dict` wrote: it encodes every row to the same bits. `UsageError` for anything else."""
        try:
            if saved["version"] != VERSION:
                raise ValueError("another version")
            numeric = tuple(NumericEncoding.from_dict(column) for column in saved["numeric"])
            categorical = tuple(CategoricalEncoding.from_dict(column) for column in saved["categorical"])
            salt = bytes.fromhex(text(saved["salt"]))
            named = [*(column.column for column in numeric), *(column.column for column in categorical)]
            if not named or len(set(named)) != len(named) or len(salt) != 32:
                raise ValueError("no column, or one twice, or another salt")
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UsageError(
                "the saved encoding is damaged, or of another version",
                advice="Restore the model's file, or train the model again.",
            ) from None
        return cls(numeric, categorical, salt)

    def __repr__(self) -> str:
        return f"CommonEncoding({len(self.names)} numeric features, {len(self.categorical)} coded columns)"


def pieces(values: Floats, knots: tuple[float, ...]) -> Floats:
    """The pieces (m, n) of finite `values` (n,) between m + 1 knots; each from 0 to 1."""
    out = np.empty((max(len(knots) - 1, 0), len(values)))
    cut = np.clip(values, knots[0], knots[-1]) if knots else values
    for row, low, high in zip(out, knots, knots[1:], strict=False):
        np.divide(np.clip(cut, low, high) - low, high - low, out=row)
    return out
