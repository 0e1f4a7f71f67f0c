"""Whether a predicted probability of default comes true as often as it says."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crypto.errors import UsageError
from parties.evaluation.inputs import Z95, labelled


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Rows of similar prediction: mean prediction, share that defaulted, its 95 % interval (Wilson 1927)."""

    rows: int
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """`brier` is the mean squared error of the probabilities; smaller is better.

    `brier_base` is what predicting the overall default rate for every row would score: a model whose
    `brier` is not below it has probabilities worth nothing.
    """

    brier: float
    brier_base: float
    bins: tuple[CalibrationBin, ...]

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)


def calibration(
    label: ArrayLike, probability: ArrayLike, *, where: ArrayLike | None = None, bins: int = 10
) -> Calibration:
    """Brier score (Brier 1950) and, by deciles of the prediction, predicted against observed.

    Rows of equal prediction share a bin, so there may be fewer than `bins`. Raises `UsageError` as
    `inputs.labelled` does, for a probability outside [0, 1] and for less than one bin.
    """
    if bins < 1:
        raise UsageError("calibration needs a bin", advice="Ask for ten bins.")
    rows = labelled(label, probability, where=where)
    if rows.score.min() < 0 or rows.score.max() > 1:
        raise UsageError(
            "a predicted probability lies outside 0 to 1",
            field="probability",
            advice="Give the probabilities, not the scores; or leave calibration out.",
        )
    edges = np.unique(np.quantile(rows.score, np.arange(1, bins + 1) / bins, method="inverted_cdf"))
    place = np.searchsorted(edges, rows.score)
    rate = rows.bad / rows.n
    return Calibration(
        float(np.mean((rows.score - rows.label) ** 2)),
        rate * (1 - rate),
        tuple(_bin(rows.score[place == each], rows.label[place == each]) for each in range(edges.size)),
    )


def _bin(predicted: NDArray[np.float64], label: NDArray[np.int64]) -> CalibrationBin:
    low, high = wilson(int(label.sum()), label.size)
    return CalibrationBin(int(label.size), float(predicted.mean()), float(label.mean()), low, high)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a proportion (Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212); `trials` >= 1."""
    share, z2 = successes / trials, Z95 * Z95
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    # At 0 and at all successes the formula gives the bound exactly, up to rounding.
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == trials else centre + half)
