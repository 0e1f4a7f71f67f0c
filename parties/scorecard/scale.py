"""Scores by band, and grades of default probability: what a score means in outcomes.

Pure functions of scores and outcomes at whoever has both. Good is 0, bad is 1; a high score is good.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from crypto.errors import UsageError

Floats = npt.NDArray[np.float64]
Outcomes = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Band:
    """Scores from `low` up to, not including, `high`."""

    low: float
    high: float
    rows: int
    bad: int
    bad_rate: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def bands(scores: Floats, outcomes: Outcomes, width: float) -> tuple[Band, ...]:
    """The scores by bands of `width` points, the lowest first; bands without a row are left out."""
    if not (math.isfinite(width) and width > 0):
        raise UsageError("a band of scores has no width", advice="Give a positive number of points.")
    places, inverse = np.unique(np.floor(scores / width), return_inverse=True)
    rows = np.bincount(inverse)
    bad = np.bincount(inverse, weights=outcomes).astype(np.int64)
    return tuple(
        Band(float(place * width), float((place + 1) * width), int(n), int(b), float(b / n))
        for place, n, b in zip(places, rows, bad, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Calibration:
    """ln(goods to bads) = intercept + slope score: default probabilities by outcomes, not by the model."""

    intercept: float
    slope: float

    def probability(self, scores: Floats) -> Floats:
        """Of bad, for each score."""
        return np.asarray(np.exp(-np.logaddexp(0.0, self.intercept + self.slope * scores)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def calibrated(scores: Floats, outcomes: Outcomes) -> Calibration:
    """The most likely log-linear calibration. Raises `UsageError` where scores or outcomes do not differ."""
    spread = float(scores.std()) if len(scores) else 0.0
    if spread == 0 or len(np.unique(outcomes)) != 2:
        raise UsageError(
            "scores cannot be calibrated on rows of one score or one outcome",
            advice="Give rows that differ in both.",
        )
    centre = float(scores.mean())
    standard = ((scores - centre) / spread)[:, None]
    fitted = LogisticRegression(C=1e6, tol=1e-8, max_iter=1000).fit(standard, 1 - outcomes)
    slope = float(fitted.coef_[0, 0]) / spread
    return Calibration(float(fitted.intercept_[0]) - slope * centre, slope)


@dataclass(frozen=True, slots=True)
class Grade:
    """One grade of a master scale: default probabilities from `low` up to `high`, and who is in it."""

    name: str
    low: float
    high: float
    rows: int
    bad: int
    mean_probability: float | None
    bad_rate: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MasterScale:
    """Grades by probability of default: grade i from `bounds[i - 1]` to `bounds[i]`, the last to 1."""

    bounds: tuple[float, ...]

    def __post_init__(self) -> None:
        ascending = list(self.bounds) == sorted(set(self.bounds))
        if not (self.bounds and ascending and self.bounds[0] > 0 and self.bounds[-1] < 1):
            raise UsageError(
                "the bounds of a master scale do not rise between 0 and 1",
                advice="Give probabilities such as 0.001, 0.01, 0.1.",
            )

    @staticmethod
    def geometric(grades: int = 10, least: float = 0.0005, most: float = 0.4) -> MasterScale:
        """`grades` grades whose bounds grow by one factor from `least` to `most`."""
        if grades < 3:
            raise UsageError("a master scale has three grades at least", advice="Give 7 to 20.")
        return MasterScale(tuple(np.geomspace(least, most, grades - 1).tolist()))

    def grades(self, probability: Floats) -> npt.NDArray[np.int64]:
        """The grade of each probability, 0 for the best."""
        return np.searchsorted(np.array(self.bounds), probability, side="right").astype(np.int64)

    def table(self, probability: Floats, outcomes: Outcomes) -> tuple[Grade, ...]:
        """Every grade with its rows and outcomes; rates are None where it has no row."""
        of, count = self.grades(probability), len(self.bounds) + 1
        rows = np.bincount(of, minlength=count)
        bad = np.bincount(of, weights=outcomes, minlength=count).astype(np.int64)
        summed = np.bincount(of, weights=probability, minlength=count)
        ends = [0.0, *self.bounds, 1.0]
        return tuple(
            Grade(
                str(at + 1),
                ends[at],
                ends[at + 1],
                int(n),
                int(bad[at]),
                float(summed[at] / n) if n else None,
                float(bad[at] / n) if n else None,
            )
            for at, n in enumerate(rows)
        )
