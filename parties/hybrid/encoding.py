"""Columns encoded alike in all consortia, by the plan's declarations, and what is a party's own on top.

A declared range becomes one feature and each declared level one (`parties.horizontal.encoding`), so a
coefficient means the same everywhere. On its own training rows a party then

    cuts    a feature at the tails, so that 50 rows lie at or beyond either end where there are enough
    fills   gaps of numbers with the median: the middle of a declared range is an extreme of a skewed column
    centres the feature, so that slopes and the intercept, which stays in the consortium, hardly meet

which moves no scale. A feature that too few rows differ in (`parties.features.support`) is not trained here:
its gradient would tell of single rows. It keeps the coefficient that the other consortia give it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.codes import Code
from crypto.errors import UsageError
from federation.errors import PlanRefused
from federation.tables import Column
from parties.dataset import DatasetConfig, Place
from parties.features.columns import numbers
from parties.features.saved import finite, text
from parties.features.spec import TAIL
from parties.features.support import MIN_SUPPORT, off_the_mode, supported
from parties.features.whitening import Whitening
from parties.horizontal.columns import Schema, schema
from parties.horizontal.encoding import CommonEncoding

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

#: The version of the saved form.
VERSION = 1
#: However few rows there are, no more than this share is cut off at either end.
LARGEST_TAIL = 0.1


def declared_schema(
    frame: pd.DataFrame, dataset: DatasetConfig, columns: Mapping[str, Column]
) -> tuple[Schema, dict[str, Column]]:
    """This party's feature columns with their kinds, and how the plan's `columns` declare each.

    Raises `PlanRefused` for columns that the plan does not declare: statistics to encode them by would cross.
    """
    features = dataset.feature_columns(frame.columns)
    unknown = [name for name in features if name not in columns]
    if unknown:
        raise PlanRefused(
            f'in shape = "hybrid" every column is declared, and {len(unknown)} of this party\'s are not',
            party=dataset.holder,
            field="columns",
            advice="Declare each in the plan, as [columns.NAME] with a range or with levels, or exclude it: "
            + ", ".join(unknown),
        )
    declared = {name: columns[name] for name in features}
    return schema(frame, dataset, declared), declared


def width_of(columns: Mapping[str, Column]) -> int:
    """How many features the declared `columns` make."""
    return sum(1 if column.levels is None else len(column.levels) for column in columns.values())


@dataclass(frozen=True, slots=True)
class OwnScale:
    """A party's own of one feature: where it is cut, what fills a gap, its mean, whether it is trained."""

    low: float
    high: float
    fill: float
    centre: float
    trained: bool

    @staticmethod
    def of_numbers(values: Floats, gaps: Marks) -> OwnScale:
        """Of a feature's training rows (n,), `gaps` marking those without a number."""
        present = values[~gaps]
        if not present.size:
            return OwnScale(0.0, 0.0, 0.0, 0.0, trained=False)
        tail = min(max(TAIL, MIN_SUPPORT / len(values)), LARGEST_TAIL)
        low, fill, high = (float(cut) for cut in np.quantile(present, (tail, 0.5, 1 - tail)))
        cut = np.clip(np.where(gaps, fill, values), low, high)
        return OwnScale(low, high, fill, float(cut.mean()), trained=off_the_mode(cut) >= MIN_SUPPORT)

    @staticmethod
    def of_level(values: Floats) -> OwnScale:
        """Of the indicator (n,) of a level."""
        trained = supported(int(values.sum()), len(values))
        return OwnScale(0.0, 1.0, 0.0, float(values.mean()), trained=trained)

    def apply(self, values: Floats, gaps: Marks) -> Floats:
        """The feature (n,) as it is trained and scored."""
        cut: Floats = np.clip(np.where(gaps, self.fill, values), self.low, self.high)
        return cut - self.centre


@dataclass(frozen=True, slots=True, repr=False)
class OwnEncoding:
    """The common encoding as a linear model takes it, with this party's own scale of each feature.

    `repr` shows no value: cuts and means are data.
    """

    common: CommonEncoding
    scales: tuple[OwnScale, ...]

    @classmethod
    def fit(cls, common: CommonEncoding, frame: pd.DataFrame, training: Marks, place: Place) -> OwnEncoding:
        """Fit on the `training` rows of `frame`. `UsageError` where no feature can be trained."""
        rows = frame[training].reset_index(drop=True)
        scales = tuple(
            OwnScale.of_level(values) if gaps is None else OwnScale.of_numbers(values, gaps)
            for values, gaps in _features(common, rows, place)
        )
        if not any(scale.trained for scale in scales):
            raise place.error(
                f"no column is left as a feature on {len(rows)} training rows",
                advice=f"Each feature needs {MIN_SUPPORT} training rows that differ: align more firms, or "
                "declare other columns.",
                code=Code.NO_FEATURE,
            )
        return cls(common, scales)

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names, the same at all counterparts, in the order of `transform`'s columns."""
        levels = (
            f"{column.column} = {level}"
            for column in self.common.categorical
            for level in column.levels or ()
        )
        return (*self.common.names, *levels)

    @property
    def trained(self) -> Marks:
        """Which features are trained here."""
        return np.array([scale.trained for scale in self.scales], dtype=np.bool_)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on features that are not trained here, for the party's own people."""
        return tuple(
            f"Feature {name}: too few training rows here differ in it; its weight is the other consortia's."
            for name, scale in zip(self.names, self.scales, strict=True)
            if not scale.trained
        )

    def transform(self, frame: pd.DataFrame, place: Place) -> Floats:
        """The rows of `frame` as features: (n, len(names)), finite. `UsageError` as the encoding raises."""
        out = np.empty((len(self.scales), len(frame)))
        for row, scale, (values, gaps) in zip(
            out, self.scales, _features(self.common, frame, place), strict=True
        ):
            row[:] = scale.apply(values, np.zeros(len(values), np.bool_) if gaps is None else gaps)
        return out.T

    def whitening(self, encoded: Floats) -> Whitening:
        """Whitening over the training rows `encoded` (n, d), blind to features that are not trained here.

        Its coefficients for those are 0, so a fit never moves them.
        """
        fitted = Whitening.fit(encoded[:, self.trained])
        w = np.zeros((len(self.scales), fitted.rank))
        w[self.trained] = fitted.w
        return Whitening(w)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "version": VERSION,
            "common": self.common.to_dict(),
            "scales": {name: asdict(scale) for name, scale in zip(self.names, self.scales, strict=True)},
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> OwnEncoding:
        """What `to_dict` wrote: it transforms every row to the same bits. `UsageError` for anything else."""
        try:
            if saved["version"] != VERSION:
                raise ValueError("another version")
            scales = {text(name): _read_scale(scale) for name, scale in saved["scales"].items()}
            read = cls(CommonEncoding.from_dict(saved["common"]), tuple(scales.values()))
            if read.names != tuple(scales):
                raise ValueError("scales of other features")
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UsageError(
                "the saved encoding is damaged, or of another version",
                advice="Restore the model's file, or train the model again.",
            ) from None
        return read

    def __repr__(self) -> str:
        return f"OwnEncoding({len(self.scales)} features)"


def _features(
    common: CommonEncoding, frame: pd.DataFrame, place: Place
) -> Iterator[tuple[Floats, Marks | None]]:
    """Each feature's values (n,) on the common scale; of numbers also which are missing."""
    encoded = common.encode(frame, place)
    columns = iter(encoded.numeric.T)
    for number in common.numeric:
        gaps = np.isnan(numbers(frame[number.column], place))
        for _ in number.names:
            yield next(columns).astype(np.float64), gaps
    for codes, category in zip(encoded.codes.T, common.categorical, strict=True):
        for code in range(1, category.cardinality):
            yield (codes == code).astype(np.float64), None


def _read_scale(saved: Mapping[str, Any]) -> OwnScale:
    if type(saved["trained"]) is not bool:
        raise TypeError("trained or not")
    low, high, fill, centre = (finite(saved[name]) for name in ("low", "high", "fill", "centre"))
    return OwnScale(low, high, fill, centre, saved["trained"])
