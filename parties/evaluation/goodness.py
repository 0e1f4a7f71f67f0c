"""How far predicted probabilities are from what happened: where the Brier score comes from, the
Hosmer-Lemeshow test, and the line that would put the predictions right.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from crypto.errors import UsageError
from parties.evaluation.calibration import calibration
from parties.evaluation.inputs import Z95, labelled

Floats = NDArray[np.float64]

#: Probabilities are held within this distance of 0 and 1 where their log odds are taken.
_EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class BrierParts:
    """`brier` = reliability - resolution + uncertainty + within.

    Reliability is the squared distance of predicted from observed rate over the bins (0 is best), resolution
    that of a bin's rate from the overall rate (large is best), uncertainty the variance of the outcome.
    `within` is what differences of prediction inside a bin add: 0 where a bin's rows have one prediction.
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float

    def as_dict(self) -> dict[str, float]:
        """The fields by name, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class HosmerLemeshow:
    """The statistic over `groups` groups, its degrees of freedom, and the chance of one as large or larger if
    every probability were right. A small `p` says that they are not, and with many rows it says so of
    differences that no bank would mind: read it beside the calibration curve."""

    statistic: float
    degrees: int
    p: float
    groups: int

    def as_dict(self) -> dict[str, float | int]:
        """The fields by name, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CalibrationLine:
    """log odds of default = intercept + slope * predicted log odds, with 95 % intervals (Wald).

    Slope 1 and intercept 0 are right. A slope under 1 says that predictions are too extreme, over 1 that they
    are too timid. `in_the_large` is the intercept with the slope held at 1: above 0, more firms default than
    predicted.
    """

    intercept: float
    intercept_low: float
    intercept_high: float
    slope: float
    slope_low: float
    slope_high: float
    in_the_large: float

    def as_dict(self) -> dict[str, float]:
        """The fields by name, ready for JSON."""
        return asdict(self)


def brier_parts(
    label: ArrayLike, probability: ArrayLike, *, where: ArrayLike | None = None, bins: int = 10
) -> BrierParts:
    """Where the Brier score comes from, over deciles of the prediction.

    Murphy, J. Applied Meteorology 12 (1973) 595-600; the part within bins as in Stephenson, Coelho and
    Jolliffe, Weather and Forecasting 23 (2008) 752-757. Raises `UsageError` as `calibration` does.
    """
    found = calibration(label, probability, where=where, bins=bins)
    rows, predicted, observed = (
        np.array([getattr(each, field) for each in found.bins]) for field in ("rows", "predicted", "observed")
    )
    share = rows / rows.sum()
    rate = float(share @ observed)
    reliability = float(share @ (predicted - observed) ** 2)
    resolution = float(share @ (observed - rate) ** 2)
    uncertainty = rate * (1 - rate)
    return BrierParts(
        found.brier,
        reliability,
        resolution,
        uncertainty,
        found.brier - reliability + resolution - uncertainty,
    )


def hosmer_lemeshow(
    label: ArrayLike,
    probability: ArrayLike,
    *,
    where: ArrayLike | None = None,
    groups: int = 10,
    fitted: bool = False,
) -> HosmerLemeshow:
    """The test over deciles of the prediction; see `of_groups`. Raises `UsageError` as `calibration` does."""
    found = calibration(label, probability, where=where, bins=groups)
    rows = np.array([each.rows for each in found.bins], dtype=np.float64)
    bad = rows * [each.observed for each in found.bins]
    return of_groups(rows, bad, np.array([each.predicted for each in found.bins]), fitted=fitted)


def of_groups(rows: Floats, bad: Floats, predicted: Floats, *, fitted: bool = False) -> HosmerLemeshow:
    """The test from groups alone: rows, defaults and mean prediction of each.

    Hosmer and Lemeshow, Communications in Statistics A9 (1980) 1043-1069: the statistic has two degrees of
    freedom less than groups on the rows that the model was `fitted` on, and as many as groups on others.
    Raises `UsageError` where that leaves none. A group of prediction 0 or 1 that came true adds nothing; one
    that did not makes the statistic infinite.
    """
    degrees = len(rows) - (2 if fitted else 0)
    if degrees < 1:
        raise UsageError(
            f"{len(rows)} groups of different prediction are too few to test calibration",
            advice="Use a score that takes more values.",
        )
    off = (bad - rows * predicted) ** 2
    variance = rows * predicted * (1 - predicted)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(off == 0, 0.0, off / variance)
    statistic = float(terms.sum())
    return HosmerLemeshow(statistic, degrees, float(chdtrc(degrees, statistic)), len(rows))


def calibration_line(
    label: ArrayLike, probability: ArrayLike, *, where: ArrayLike | None = None
) -> CalibrationLine:
    """The logistic regression of the outcome on the predicted log odds (Cox, Biometrika 45 (1958) 562-565).

    Raises `UsageError` as `inputs.labelled` does, for a probability outside [0, 1], where all predictions are
    equal, and where they separate the classes, so that no slope is finite.
    """
    rows = labelled(label, probability, where=where)
    if rows.score.min() < 0 or rows.score.max() > 1:
        raise UsageError(
            "a predicted probability lies outside 0 to 1",
            field="probability",
            advice="Give the probabilities, not the scores.",
        )
    held = np.clip(rows.score, _EDGE, 1 - _EDGE)
    odds = np.log(held / (1 - held))
    design = np.column_stack([np.ones(rows.n), odds])
    if np.ptp(odds) == 0:
        raise UsageError(
            "all predictions are equal, so no slope is fixed",
            field="probability",
            advice="Give the probabilities of a model that tells rows apart.",
        )
    theta, covariance = _logistic(design, rows.label, np.zeros(rows.n))
    shift, _ = _logistic(design[:, :1], rows.label, odds)
    reach = Z95 * np.sqrt(np.diag(covariance))
    (intercept, slope), (low, slope_low), (high, slope_high) = (
        each.tolist() for each in (theta, theta - reach, theta + reach)
    )
    return CalibrationLine(intercept, low, high, slope, slope_low, slope_high, float(shift[0]))


def _logistic(design: Floats, label: NDArray[np.int64], offset: Floats) -> tuple[Floats, Floats]:
    """Maximum likelihood by Newton with halved steps; coefficients and their covariance."""
    theta = np.zeros(design.shape[1])
    loss = _loss(design, label, offset, theta)
    for _ in range(100):
        p = 1 / (1 + np.exp(-(offset + design @ theta)))
        information = design.T @ (design * (p * (1 - p))[:, None])
        if not np.linalg.cond(information) < 1 / np.finfo(np.float64).eps:
            break
        step = np.linalg.solve(information, design.T @ (label - p))
        while (after := _loss(design, label, offset, theta + step)) > loss + 1e-9 * abs(loss):
            step = step / 2
        theta, loss = theta + step, after
        if np.abs(step).max() < 1e-10 * max(1.0, np.abs(theta).max()):
            return theta, np.asarray(np.linalg.inv(information))
    raise UsageError(
        "the predictions separate defaults from other firms, so that no calibration line is finite",
        field="probability",
        advice="Evaluate on more rows; a perfect separation is more often a leak than a model.",
    )


def _loss(design: Floats, label: NDArray[np.int64], offset: Floats, theta: Floats) -> float:
    z = offset + design @ theta
    return math.fsum(np.logaddexp(0.0, z) - label * z)
