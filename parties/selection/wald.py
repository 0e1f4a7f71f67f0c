"""Standard errors and p-values of coefficients whose columns lie apart.

    L -> P   the Newton step of P's whitened coefficients to the optimum without penalty, and their covariance

What each role learns, beside what `information` tells:
    every party   estimate, standard error and p-value of each of its own coefficients, and their covariance
    label party   nothing more; it tells each party that party's own block
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from crypto.sealed import DisclosedNumbers, WireRefused
from federation.message import Role
from federation.messages.selection import CovarianceBlock
from federation.session import Session
from parties.selection.information import Information

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One coefficient over a standardised column: estimate without penalty, standard error, z and two-sided p
    (Wald). All but the estimate are None where the party's own columns repeat each other, so that the
    coefficient is one choice of many."""

    estimate: float
    standard_error: float | None
    z: float | None
    p: float | None

    def as_dict(self) -> dict[str, float | None]:
        """The fields by name, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, repr=False)
class OwnBlock:
    """A party's whitened coefficients `theta` (r,) at the optimum without penalty, and their covariance."""

    theta: Floats
    covariance: Floats

    def __repr__(self) -> str:
        return f"OwnBlock({len(self.theta)} coordinates)"


def tell_blocks(session: Session, found: Information, theta: Floats) -> OwnBlock:
    """The label party's side: each other party is told its block. `theta` is the label party's own block."""
    covariance = found.covariance()
    step = covariance @ found.gradient
    for party in session.others(Role.HELPER, Role.FEATURE):
        at = found.block(party)
        block = covariance[at, at]
        upper = block[np.triu_indices(len(block))]
        session.send(
            party,
            CovarianceBlock(DisclosedNumbers.of(step[at].tolist()), DisclosedNumbers.of(upper.tolist())),
        )
    at = found.block(session.me)
    return OwnBlock(theta + step[at], covariance[at, at])


def hear_block(session: Session, theta: Floats) -> OwnBlock:
    """The side of every other party; `theta` is its own block."""
    label = session.seating.playing(Role.LABEL)
    told = session.receive(label, CovarianceBlock)
    width = len(theta)
    if len(told.step.values) != width or len(told.upper.values) != width * (width + 1) // 2:
        raise WireRefused("CovarianceBlock: not of my coordinates", party=label)
    upper = np.zeros((width, width))
    upper[np.triu_indices(width)] = told.upper.values
    return OwnBlock(theta + np.array(told.step.values), upper + np.triu(upper, 1).T)


def coefficients(block: OwnBlock, turn: Floats) -> tuple[Coefficient, ...]:
    """Estimates over standardised columns from whitened ones, `turn` (d x r) as `Whitening.w`.

    At the label party `turn` has a first row and column for the intercept (`with_intercept_turn`).
    """
    estimate = turn @ block.theta
    variance = np.einsum("ij,jk,ik->i", turn, block.covariance, turn)
    fixed = np.abs(turn @ np.linalg.pinv(turn) - np.eye(len(turn))).max(axis=1) < 1e-6
    return tuple(
        tested(float(value), math.sqrt(max(spread, 0.0)) if one else None)
        for value, spread, one in zip(estimate, variance.tolist(), fixed, strict=True)
    )


def with_intercept_turn(turn: Floats) -> Floats:
    """`turn` with a coordinate before the others that is the intercept itself."""
    return np.block([[np.ones((1, 1)), np.zeros((1, turn.shape[1]))], [np.zeros((len(turn), 1)), turn]])


def tested(estimate: float, error: float | None) -> Coefficient:
    """By Wald's test; without an error there is none."""
    if not error:
        return Coefficient(estimate, None, None, None)
    z = estimate / error
    return Coefficient(estimate, error, z, math.erfc(abs(z) / math.sqrt(2)))
