"""The figures that every scorecard committee asks for first, and everything one report says of a score."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from parties.evaluation.curves import GainRow, RocCurve, caught_among_worst, gain_table, roc_curve
from parties.evaluation.delong import auc
from parties.evaluation.inputs import Labelled, labelled
from parties.evaluation.ks import ks


@dataclass(frozen=True, slots=True)
class Discrimination:
    """AUC, KS and Gini (2 AUC - 1) with 95 % intervals, over `n` rows of which `bad` defaulted.

    `ks_cutoff` is in the score's own unit: the lowest score on the worse side of the widest gap.
    """

    auc: float
    auc_low: float
    auc_high: float
    ks: float
    ks_low: float
    ks_high: float
    ks_cutoff: float
    gini: float
    gini_low: float
    gini_high: float
    n: int
    bad: int

    def as_dict(self) -> dict[str, float | int]:
        """The fields by name, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One score on one set of rows: figures, ROC curve, gain by decile, defaults caught among the worst."""

    figures: Discrimination
    roc: RocCurve
    gain: tuple[GainRow, ...]
    caught_worst_10: float
    caught_worst_20: float

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, nested, ready for JSON."""
        return asdict(self)


def evaluate(
    label: ArrayLike,
    score: ArrayLike,
    rng: np.random.Generator,
    *,
    where: ArrayLike | None = None,
    draws: int = 500,
) -> Evaluation:
    """How well `score` (higher is worse) tells the rows of `label` 1 from those of 0: figures and curves.

    `where` is a boolean mask: evaluate these rows only (the smallest firms, say). `rng` feeds the
    bootstrap of KS alone; the same seed gives the same interval. Raises `UsageError` where the rows are
    of one class or fewer than ten, a label is neither 0 nor 1 or a score is not finite.
    """
    rows = labelled(label, score, where=where)
    return Evaluation(
        figures=_figures(rows, rng, draws),
        roc=roc_curve(rows),
        gain=gain_table(rows),
        caught_worst_10=caught_among_worst(rows, 0.1),
        caught_worst_20=caught_among_worst(rows, 0.2),
    )


def _figures(rows: Labelled, rng: np.random.Generator, draws: int) -> Discrimination:
    area, gap = auc(rows), ks(rows, rng, draws=draws)
    return Discrimination(
        auc=area.auc,
        auc_low=area.low,
        auc_high=area.high,
        ks=gap.ks,
        ks_low=gap.low,
        ks_high=gap.high,
        ks_cutoff=gap.cutoff,
        gini=2 * area.auc - 1,
        gini_low=2 * area.low - 1,
        gini_high=2 * area.high - 1,
        n=rows.n,
        bad=rows.bad,
    )
