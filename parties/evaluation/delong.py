"""The area under the ROC curve, its error, and the difference of two areas on the same rows.

DeLong, DeLong & Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
characteristic curves", Biometrics 44 (1988) 837-845; computed from midranks in O(n log n) as in Sun & Xu,
"Fast implementation of DeLong's algorithm", IEEE Signal Processing Letters 21 (2014) 1389-1393.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from parties.evaluation.inputs import Z95, Labelled, labelled


@dataclass(frozen=True, slots=True)
class AucEstimate:
    """An AUC in [0, 1], its standard error and its 95 % interval (normal, cut at 0 and 1).

    Where the two classes do not overlap at all the estimated error is 0: the interval then says
    nothing about other rows.
    """

    auc: float
    standard_error: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """The fields by name, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """AUC of one score less AUC of another on the same rows, with its 95 % interval.

    `p` is two-sided, for the hypothesis that the areas are equal.
    """

    difference: float
    low: float
    high: float
    p: float
    n: int
    bad: int

    def as_dict(self) -> dict[str, float | int]:
        """The fields by name, ready for JSON."""
        return asdict(self)


def auc(rows: Labelled) -> AucEstimate:
    """The chance that a bad firm scores above a good one (a tie counts a half), by DeLong's estimate."""
    of_bad, of_good = _components(rows)
    area = float(of_bad.mean())
    error = math.sqrt(_variance(of_bad, of_good))
    return AucEstimate(area, error, max(0.0, area - Z95 * error), min(1.0, area + Z95 * error))


def paired_difference(
    label: ArrayLike, score: ArrayLike, baseline: ArrayLike, *, where: ArrayLike | None = None
) -> PairedDifference:
    """How much better `score` ranks than `baseline` does on the same rows.

    The correlation of the two is accounted for: the variance is that of the differences of the rows'
    components, so it is exactly 0 where both scores order the rows alike (then p is 1).
    Raises `UsageError` as `inputs.labelled` does.
    """
    rows = labelled(label, score, where=where)
    bad_a, good_a = _components(rows)
    bad_b, good_b = _components(labelled(label, baseline, where=where))
    difference = float(bad_a.mean() - bad_b.mean())
    error = math.sqrt(_variance(bad_a - bad_b, good_a - good_b))
    low, high = max(-1.0, difference - Z95 * error), min(1.0, difference + Z95 * error)
    return PairedDifference(difference, low, high, _two_sided_p(difference, error), rows.n, rows.bad)


def _two_sided_p(difference: float, error: float) -> float:
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return math.erfc(abs(difference) / error / math.sqrt(2))


def _components(rows: Labelled) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """DeLong's structural components: V10 for every bad row and V01 for every good one, in row order.

    V10 of a bad row is the share of good rows that it scores above, V01 of a good row the share of bad
    rows that score above it; ties count a half. Sun & Xu, equations 11 to 14.
    """
    is_bad = rows.label == 1
    bad, good = rows.score[is_bad], rows.score[~is_bad]
    among_all = _midranks(rows.score)
    of_bad = (among_all[is_bad] - _midranks(bad)) / good.size
    of_good = 1.0 - (among_all[~is_bad] - _midranks(good)) / bad.size
    return of_bad, of_good


def _midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1; equal values share the mean of the ranks that they take up."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks


def _variance(of_bad: NDArray[np.float64], of_good: NDArray[np.float64]) -> float:
    return float(of_bad.var(ddof=1) / of_bad.size + of_good.var(ddof=1) / of_good.size)
