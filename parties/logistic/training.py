"""Training from every seat: gradient, inner products, direction, step; until the label party ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crypto.sealed import WireRefused
from federation.messages.logistic import Direction, Move
from parties.logistic.hidden import HiddenGradient, LabelGradient
from parties.logistic.optimiser import Block, Iteration, Optimiser, share_gram
from parties.logistic.series import Floats


@dataclass(frozen=True, slots=True)
class Stopping:
    """When training ends: the gradient's norm in units of p (1 - p) (about the error left in a whitened
    coefficient), or the most gradients."""

    tolerance: float = 5e-4
    most: int = 60


@dataclass(frozen=True, slots=True)
class Trained:
    """This party's block at the end. `history` and `converged` are known to the label party only."""

    theta: Floats
    iterations: int
    history: tuple[Iteration, ...] = ()
    converged: bool | None = None


def with_intercept(features: Floats, penalty: Floats, share: float) -> tuple[Floats, Floats, Floats]:
    """The label party's features and penalty with a column of ones before them, and where training starts.

    The intercept is not penalised. It starts at the log odds of `share`, the share of ones among the training
    labels, which is its best value while every other coefficient is zero.
    """
    ones = np.ones((len(features), 1))
    start = np.concatenate([[np.log(share / (1 - share))], np.zeros(features.shape[1])])
    return np.hstack([ones, features]), np.pad(penalty, ((1, 0), (1, 0))), start


def train(
    side: HiddenGradient,
    penalty: Floats,
    start: Floats,
    stopping: Stopping,
    listener: Callable[[int], None] = lambda iteration: None,
    pull: Floats | None = None,
) -> Trained:
    """Run the whole training from this party's seat.

    `penalty` (d x d): the L2 term is theta' penalty theta / 2, so that the optimum is scikit-learn's with
    C = 1 / l2. `pull` (d,): pull' theta is taken off it, so that with pull = penalty c the block is held to c
    and not to zero.
    """
    pull = np.zeros(len(start)) if pull is None else pull
    if isinstance(side, LabelGradient):
        return _lead(side, penalty, pull, start, stopping, listener)
    session, label = side.session, side.label
    block = Block(start)
    for iteration in range(1, stopping.most + 1):
        listener(iteration)
        block.observe(_penalised(side, penalty, pull, block))
        share_gram(session, block, iteration)
        direction = session.receive(label, Direction)
        block.move(direction)
        if direction.move is Move.FINISH:
            return Trained(block.theta, iteration)
    raise WireRefused(f"training did not end after {stopping.most} gradients", party=label)


def _lead(
    side: LabelGradient,
    penalty: Floats,
    pull: Floats,
    start: Floats,
    stopping: Stopping,
    listener: Callable[[int], None],
) -> Trained:
    optimiser = Optimiser(side.session, side.positives, stopping.tolerance, stopping.most)
    block = Block(start)
    for iteration in range(1, stopping.most + 1):
        listener(iteration)
        side.floor = optimiser.floor
        block.observe(_penalised(side, penalty, pull, block))
        direction = optimiser.decide(block, iteration, side.rung)
        block.move(direction)
        if direction.move is Move.FINISH:
            break
    return Trained(block.theta, len(optimiser.history), tuple(optimiser.history), optimiser.converged)


def _penalised(side: HiddenGradient, penalty: Floats, pull: Floats, block: Block) -> Floats:
    gradient = side.gradient(block.theta).open_locally()
    return np.asarray(gradient + (penalty @ block.theta - pull) / side.rows)
