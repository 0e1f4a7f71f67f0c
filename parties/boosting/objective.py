"""Logistic loss, and what a split of a node gains: XGBoost's formulas (Chen and Guestrin, KDD 2016).

A node with sums G of gradients and H of hessians has the weight w = -G / (H + l2), cut to the bounds that
monotone splits above it leave, and the score -(2 G w + (H + l2) w^2). A split gains its children's scores
less the node's own. Names and edge cases follow `src/tree/split_evaluator.h` and `param.h` of XGBoost 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from parties.logistic.scoring import probability

Floats: TypeAlias = npt.NDArray[np.float64]
Marks: TypeAlias = npt.NDArray[np.bool_]

#: A split that gains less is none, whatever the plan's gamma.
LEAST_GAIN = 1e-6
#: No row's hessian is smaller, so that a leaf of certain rows still has a weight.
LEAST_HESSIAN = 1e-16


def base_logit(labels: npt.NDArray[np.int8]) -> float:
    """Where boosting starts: the log odds of the share of ones, itself kept away from 0 and 1."""
    share = min(max(float(labels.mean()), 1e-6), 1 - 1e-6)
    return float(np.log(share / (1 - share)))


def gradients(logits: Floats, labels: npt.NDArray[np.int8]) -> tuple[Floats, Floats]:
    """First and second derivative of each row's loss by its logit: g in (-1, 1), h in (0, 1/4]."""
    p = probability(logits)
    return p - labels, np.maximum(p * (1 - p), LEAST_HESSIAN)


def log_loss(logits: Floats, labels: npt.NDArray[np.int8]) -> float:
    """The mean of -ln p(label)."""
    return float(np.mean(np.logaddexp(0.0, logits) - labels * logits))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between what a node's weight must lie, because of monotone splits above it."""

    low: float = -np.inf
    high: float = np.inf


@dataclass(frozen=True, slots=True)
class Best:
    """The split of a node that gains most: which candidate, how much, and what its sides weigh."""

    candidate: int
    gain: float
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Rules:
    """The plan's regularisation: XGBoost's lambda, gamma and min_child_weight."""

    l2: float = 1.0
    gamma: float = 0.0
    min_child_weight: float = 1.0

    def weights(self, g: Floats, h: Floats, bounds: Bounds = Bounds()) -> Floats:
        """The weight of each node with sums g and h; zero where its hessians are too few."""
        enough = (h >= self.min_child_weight) & (h > 0)
        free = np.divide(-g, h + self.l2, out=np.zeros(np.shape(g)), where=enough)
        return np.clip(free, bounds.low, bounds.high)

    def scores(self, g: Floats, h: Floats, weights: Floats) -> Floats:
        """What the nodes of these weights take off the loss, twice."""
        return np.asarray(-(2 * g * weights + (h + self.l2) * weights**2))

    def best(
        self,
        total: tuple[float, float],
        left_g: Floats,
        left_h: Floats,
        offered: Marks,
        ordered: Marks,
        bounds: Bounds = Bounds(),
    ) -> Best | None:
        """The best of C candidates for one node with sums `total`; None where none is worth a split.

        `left_g`, `left_h` (C,): sums of the rows that each candidate sends left. `ordered`: those whose left
        side may not weigh more than the right one. Of equal gains the first counts.
        """
        g, h = np.array([total[0]]), np.array([total[1]])
        right_g, right_h = total[0] - left_g, total[1] - left_h
        left, right = self.weights(left_g, left_h, bounds), self.weights(right_g, right_h, bounds)
        parent = self.scores(g, h, self.weights(g, h, bounds))
        gain = self.scores(left_g, left_h, left) + self.scores(right_g, right_h, right) - parent
        least = max(self.min_child_weight, LEAST_HESSIAN)
        allowed = offered & (left_h >= least) & (right_h >= least) & ~(ordered & (left > right))
        gain = np.where(allowed, gain, -np.inf)
        if not len(gain) or (best := int(np.argmax(gain))) < 0 or gain[best] <= LEAST_GAIN:
            return None
        if gain[best] < self.gamma:
            return None
        return Best(best, float(gain[best]), float(left[best]), float(right[best]))
