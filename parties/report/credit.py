"""What a credit committee asks of a score beyond its ranking: calibration, grades, cut-offs, swaps.

All of it is computed from outcomes and scores of the rows held out of training, at whoever has both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from crypto.errors import UsageError
from parties.evaluation.cap import CapCurve, cap_curve
from parties.evaluation.goodness import (
    BrierParts,
    CalibrationLine,
    HosmerLemeshow,
    brier_parts,
    calibration_line,
    hosmer_lemeshow,
)
from parties.evaluation.grades import GradeTest, grade_tests
from parties.evaluation.inputs import labelled
from parties.logistic.scoring import probability
from parties.scorecard.cutoff import CutOff, cutoff_table
from parties.scorecard.scale import MasterScale
from parties.scorecard.swap import SwapSet, swap_set

Floats = npt.NDArray[np.float64]
T = TypeVar("T")

#: Shares of approvals at which the swap set is looked at.
APPROVALS = (0.5, 0.7, 0.8, 0.9)
#: Bins of the distribution of scores, and cut-offs in their table.
_BINS, _STEPS = 24, 10


@dataclass(frozen=True, slots=True)
class Distribution:
    """Good and bad firms between ascending edges of the score."""

    edges: tuple[float, ...]
    good: tuple[int, ...]
    bad: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Credit:
    """The figures, and in `absent` a sentence for each that these rows do not give.

    `unit` says what a score of `distribution` and `cutoffs` is; a higher one is better.
    """

    unit: str
    cap: CapCurve
    brier: BrierParts
    hosmer_lemeshow: HosmerLemeshow | None
    line: CalibrationLine | None
    grades: tuple[GradeTest, ...]
    distribution: Distribution
    cutoffs: tuple[CutOff, ...]
    swaps: tuple[SwapSet, ...]
    absent: tuple[str, ...]


def credit(
    outcomes: npt.NDArray[np.int8],
    fused: Floats,
    bank: Floats,
    points: Callable[[Floats], Floats] | None = None,
) -> Credit:
    """From outcomes (1 is bad) and logits of bad, by the fused model and the bank's own, of the same rows.

    `points` makes scores of logits; without it a score is the probability of no default.
    """
    absent: list[str] = []
    given = probability(fused)
    scores, before = (points(each) if points else 1 - probability(each) for each in (fused, bank))
    test = _or_absent("Hosmer-Lemeshow test", absent, lambda: _finite(hosmer_lemeshow(outcomes, given)))
    line = _or_absent("calibration line", absent, lambda: calibration_line(outcomes, given))
    return Credit(
        unit="points" if points else "probability of no default",
        cap=cap_curve(labelled(outcomes, fused)),
        brier=brier_parts(outcomes, given),
        hosmer_lemeshow=test,
        line=line,
        grades=_grades(outcomes, given),
        distribution=_distribution(scores, outcomes),
        cutoffs=cutoff_table(scores, outcomes, _STEPS),
        swaps=tuple(swap_set(scores, before, outcomes, share) for share in APPROVALS),
        absent=tuple(absent),
    )


def _or_absent(what: str, absent: list[str], compute: Callable[[], T]) -> T | None:
    try:
        return compute()
    except UsageError as error:
        absent.append(f"{what}: {error.what}")
        return None


def _finite(test: HosmerLemeshow) -> HosmerLemeshow:
    if not math.isfinite(test.statistic):
        raise UsageError(
            "a group that was given a probability of 0 or 1 came out otherwise",
            advice="Calibrate the model: no firm is certain to pay or to fail.",
        )
    return test


def _grades(outcomes: npt.NDArray[np.int8], given: Floats) -> tuple[GradeTest, ...]:
    table = MasterScale.geometric().table(given, outcomes)
    return grade_tests(
        [grade.name for grade in table],
        [grade.rows for grade in table],
        [grade.bad for grade in table],
        [grade.mean_probability or 0.0 for grade in table],
    )


def _distribution(scores: Floats, outcomes: npt.NDArray[np.int8]) -> Distribution:
    edges = np.histogram_bin_edges(scores, _BINS)
    good, bad = (np.histogram(scores[outcomes == each], edges)[0] for each in (0, 1))
    return Distribution(tuple(edges.tolist()), tuple(good.tolist()), tuple(bad.tolist()))
