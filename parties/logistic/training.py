"""Training from every seat: gradient, inner products, direction, step; until the label party ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crypto.sealed import WireRefused
from federation.messages.logistic import Direction, Move
from parties.logistic.hidden import HiddenGradient, LabelSide
from parties.logistic.optimiser import Block, Coordinator, Progress, share_gram
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
    history: tuple[Progress, ...] = ()
    converged: bool | None = None


def train(
    side: HiddenGradient,
    penalty: Floats,
    start: Floats,
    stopping: Stopping,
    listener: Callable[[int], None] = lambda iteration: None,
) -> Trained:
    """Run the whole training from this party's seat.

    `penalty` (d x d): the L2 term is theta' penalty theta / 2, so that the optimum is scikit-learn's with
    C = 1 / l2.
    """
    if isinstance(side, LabelSide):
        return _coordinate(side, penalty, start, stopping, listener)
    session, label = side.session, side.label
    block = Block(start)
    for iteration in range(1, stopping.most + 1):
        listener(iteration)
        block.observe(_penalised(side, penalty, block))
        share_gram(session, block, iteration)
        direction = session.receive(label, Direction)
        block.move(direction)
        if direction.move is Move.FINISH:
            return Trained(block.theta, iteration)
    raise WireRefused(f"training did not end after {stopping.most} gradients", party=label)


def _coordinate(
    side: LabelSide, penalty: Floats, start: Floats, stopping: Stopping, listener: Callable[[int], None]
) -> Trained:
    coordinator = Coordinator(side.session, side.positives, stopping.tolerance, stopping.most)
    block = Block(start)
    for iteration in range(1, stopping.most + 1):
        listener(iteration)
        side.floor = coordinator.floor
        block.observe(_penalised(side, penalty, block))
        direction = coordinator.decide(block, iteration, side.rung)
        block.move(direction)
        if direction.move is Move.FINISH:
            break
    return Trained(block.theta, len(coordinator.history), tuple(coordinator.history), coordinator.converged)


def _penalised(side: HiddenGradient, penalty: Floats, block: Block) -> Floats:
    gradient = side.gradient(block.theta).open_locally()
    return np.asarray(gradient + penalty @ block.theta / side.rows)
