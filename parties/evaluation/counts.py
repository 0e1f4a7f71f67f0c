"""Every figure of a score from counts alone: rows and defaults in bins of it.

What is lost is the order of the rows within a bin. Figures that depend on it take each bin for one tied
score; AUC is given with the bounds that any order within the bins would keep.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crypto.errors import UsageError
from parties.evaluation.calibration import CalibrationBin, wilson
from parties.evaluation.cap import CapCurve, cap_curve
from parties.evaluation.discrimination import Evaluation, evaluate
from parties.evaluation.goodness import HosmerLemeshow, of_groups
from parties.evaluation.inputs import Labelled, labelled

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BinCounts:
    """The bins of a score, ascending: lowest score, rows, defaults and mean prediction of each (b values)."""

    floors: Floats
    rows: Counts
    bad: Counts
    predicted: Floats

    def __post_init__(self) -> None:
        """Raises `UsageError` where a count cannot be or a bin's scores are not above those before it."""
        sizes = {part.shape for part in (self.floors, self.rows, self.bad, self.predicted)}
        possible = len(sizes) == 1 and ((self.bad >= 0) & (self.bad <= self.rows)).all()
        if not (possible and (np.diff(self.floors) > 0).all() and np.isfinite(self.predicted).all()):
            raise UsageError(
                "the counts of a score's bins do not fit together",
                advice="Give for each bin its lowest score, ascending, its rows and the defaults among them.",
            )

    def labelled(self) -> Labelled:
        """The rows that the counts stand for, each with its bin's lowest score.

        Raises `UsageError` where fewer than two rows are of one class.
        """
        good = self.rows - self.bad
        label = np.repeat(np.tile([0, 1], len(self.rows)), np.column_stack([good, self.bad]).ravel())
        return labelled(label, np.repeat(self.floors, self.rows))

    def auc_bounds(self) -> tuple[float, float]:
        """The smallest and the largest AUC that rows in these bins can have.

        They are equal where no bin holds both classes, and their middle is the AUC of the bins.
        """
        good = self.rows - self.bad
        below = np.concatenate(([0], np.cumsum(good)[:-1]))
        pairs = float(self.bad.sum()) * float(good.sum())
        return float(self.bad @ below) / pairs, float(self.bad @ (below + good)) / pairs


@dataclass(frozen=True, slots=True)
class BinnedEvaluation:
    """A score's figures from counts: `evaluation` and `cap` take a bin's rows for tied; the AUC of the rows
    lies between `auc_least` and `auc_most`. `hosmer_lemeshow` is None where the score is no probability."""

    evaluation: Evaluation
    auc_least: float
    auc_most: float
    cap: CapCurve
    calibration: tuple[CalibrationBin, ...]
    hosmer_lemeshow: HosmerLemeshow | None

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, nested, ready for JSON."""
        return {
            "evaluation": self.evaluation.as_dict(),
            "auc_least": self.auc_least,
            "auc_most": self.auc_most,
            "cap": self.cap.as_dict(),
            "calibration": [asdict(each) for each in self.calibration],
            "hosmer_lemeshow": None if self.hosmer_lemeshow is None else self.hosmer_lemeshow.as_dict(),
        }


def evaluate_counts(counts: BinCounts, rng: np.random.Generator, *, draws: int = 500) -> BinnedEvaluation:
    """Discrimination and calibration from `counts`; `rng` feeds the bootstrap of KS.

    Calibration needs predictions within [0, 1]; of other scores it is left empty. Raises `UsageError` as
    `discrimination.evaluate` does.
    """
    rows = counts.labelled()
    least, most = counts.auc_bounds()
    probable = counts.predicted.min() >= 0 and counts.predicted.max() <= 1
    sizes, bad = counts.rows.astype(np.float64), counts.bad.astype(np.float64)
    return BinnedEvaluation(
        evaluate(rows.label, rows.score, rng, draws=draws),
        least,
        most,
        cap_curve(rows),
        tuple(_bin(*each) for each in zip(*_listed(counts), strict=True)) if probable else (),
        of_groups(sizes, bad, counts.predicted) if probable else None,
    )


def _listed(counts: BinCounts) -> tuple[list[int], list[int], list[float]]:
    return counts.rows.tolist(), counts.bad.tolist(), counts.predicted.tolist()


def _bin(rows: int, bad: int, predicted: float) -> CalibrationBin:
    return CalibrationBin(rows, predicted, bad / rows, *wilson(bad, rows))
