"""L-BFGS over vectors that are split by party: only inner products are shared (vector-free L-BFGS).

Each party keeps its block of the steps s_i, gradient changes y_i and gradient g. Once an iteration the
parties add up the Gram matrix of (s_1..s_m, y_1..y_m, g); the label party runs the two-loop recursion on
it and sends back the direction as coefficients over these vectors (Chen, Wang, Zhou, NIPS 2014).

What each role learns:
    label party   the Gram matrix: its own part, and the sum of the other parts (with one other party, that
                  party's part)
    the others    the coefficients, and whether the step goes on, back or to the end
    nobody        a vector of another party
"""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from crypto.sealed import DisclosedNumbers, MaskedWords, WireRefused
from federation.message import Role
from federation.messages.logistic import Direction, GramShare, Move
from federation.session import Session
from parties.logistic.series import LADDER, Floats

#: Fixed point of the Gram words: 2^-48 steps; the sum over all parties stays below 2^15, so it never wraps.
_SCALE = float(1 << 48)
_LARGEST_SUM = float(1 << 15)
#: First step and later scale of the inverse Hessian, in units of 1 / (p (1 - p)): block-whitened features
#: make the Hessian near p (1 - p) times the identity, and correlation between blocks makes it smaller.
_FIRST, _LATER = 1.5, 1.75
#: The gradient is near when its norm is within this factor of the tolerance.
_NEAR = 5
#: The first trust region: a root mean square change of the logits by this much.
_FIRST_RADIUS = 2.0


@dataclass
class Block:
    """One party's block of the optimisation."""

    theta: Floats
    steps: list[Floats] = field(default_factory=list)
    changes: list[Floats] = field(default_factory=list)
    gradient: Floats | None = None
    before: Floats | None = None  # theta at the point before
    gradient_before: Floats | None = None

    def observe(self, gradient: Floats) -> None:
        """Take the gradient at `theta`; remember the step that led here."""
        if self.before is not None and self.gradient_before is not None:
            self.steps.append(self.theta - self.before)
            self.changes.append(gradient - self.gradient_before)
        self.gradient = gradient

    def vectors(self) -> Floats:
        """(2 m + 1) x d: s_1..s_m, y_1..y_m, g."""
        if self.gradient is None:
            raise ValueError("no gradient was observed yet")
        return np.array([*self.steps, *self.changes, self.gradient])

    def move(self, direction: Direction) -> None:
        """Step as the label party says."""
        vectors = self.vectors()
        coefficients = np.array(direction.coefficients.values)
        if coefficients.shape != (len(vectors),):
            raise WireRefused("Direction: one coefficient for each vector was expected")
        start, gradient = self.theta, vectors[-1]
        if direction.move is Move.RETREAT:
            if self.before is None or self.gradient_before is None:
                raise WireRefused("Direction: there is no earlier point to go back to")
            start, gradient = self.before, self.gradient_before
        self.before, self.gradient_before = start, gradient
        self.theta = start - coefficients @ vectors


@dataclass(frozen=True, slots=True)
class Iteration:
    """What the label party knows of an iteration: the norm of the whole mean gradient, and the rung."""

    iteration: int
    gradient_norm: float
    rung: int


def share_gram(session: Session, block: Block, iteration: int) -> None:
    """Helper and further parties: send my part of the Gram matrix, masked among us."""
    words = _fixed(_gram(block), len(session.seating.parties))
    partners = frozenset(session.others(Role.HELPER, Role.FEATURE))
    mask = session.masks.words(f"gram|{iteration}", frozenset(map(str, partners)), len(words))
    session.send(session.seating.playing(Role.LABEL), GramShare(MaskedWords.of(words + mask)))


class Optimiser:
    """The label party's part: add up the Gram matrix, decide the move, compute the direction.

    Steps are bounded by a trust region in the root mean square change of the logits, and a step that
    overshoots its line's minimum is taken back: what it taught about the curvature stays.

    Nobody sees a logit, so nobody sees whether one leaves the period of the sine series. Therefore
    training ends only after the gradient was confirmed by a wider rung: when it first comes near the
    tolerance the floor goes up by one; if the norm jumps at that change, some logits had wrapped, and
    it goes up again.

    `tolerance` bounds the gradient's norm in units of p (1 - p), which is about the error that is left
    in a whitened coefficient.
    """

    def __init__(self, session: Session, positives: float, tolerance: float, most: int) -> None:
        self._session = session
        self._curvature = positives * (1 - positives)
        self._tolerance = tolerance * self._curvature
        self._most = most
        self._radius = _FIRST_RADIUS
        self._step = 0.0  # the length of the last step
        self._shortened = False
        self._near: Iteration | None = None  # where the gradient first came near, at the narrower rung
        self._best = math.inf
        self._best_at = 0
        self._unusable: set[int] = set()  # pairs that span a raised floor
        self.floor = 0
        self.history: list[Iteration] = []
        self.converged = False

    def decide(self, block: Block, iteration: int, rung: int) -> Direction:
        """One iteration's decision, sent to all and returned.

        Ends by tolerance, after `most` gradients, or when six gradients in a row were no better although a
        wider rung was tried: then the fixed point allows no more, and `converged` stays False.
        """
        gram = self._whole_gram(block)
        now = Iteration(iteration, math.sqrt(max(gram[-1, -1], 0.0)), rung)
        self.history.append(now)
        pairs = len(gram) // 2
        if self._floor_was_raised():
            self._unusable.add(pairs - 1)
        overshot = self._overshot(gram) and iteration < self._most
        if overshot:
            self._radius = max(0.5 * self._step, 1e-3)
            move = Move.RETREAT
        else:
            self._widen()
            self.converged = self._confirmed(now)
            over = self.converged or iteration >= self._most or self._stalled(now)
            move = Move.FINISH if over else Move.STEP
        coefficients = self._bounded(gram, from_before=overshot)
        direction = Direction(move, DisclosedNumbers.of(coefficients.tolist()))
        self._session.send_all(self._session.others(Role.HELPER, Role.FEATURE), direction)
        return direction

    def _whole_gram(self, block: Block) -> Floats:
        own = _gram(block)
        total = _fixed(own, len(self._session.seating.parties))
        others = self._session.others(Role.HELPER, Role.FEATURE)
        for party, share in self._session.gather(others, GramShare).items():
            if len(share.words) != len(total):
                raise WireRefused("GramShare: of another size than mine", party=party)
            total = total + share.words.words()
        return _unfixed(total, len(own))

    def _bounded(self, gram: Floats, *, from_before: bool) -> Floats:
        """The L-BFGS direction, shortened to the trust region."""
        scale = (_FIRST if len(gram) == 1 else _LATER) / self._curvature
        coefficients = two_loop(gram, scale, from_before=from_before, without=self._unusable)
        length = math.sqrt(max(float(coefficients @ gram @ coefficients), 0.0))
        self._shortened = length > self._radius
        self._step = min(length, self._radius)
        return coefficients * (self._step / length) if self._shortened else coefficients

    def _overshot(self, gram: Floats) -> bool:
        """Whether the last step went well past the minimum of its line: g_new' s > 0.9 (-g_old' s)."""
        pairs = len(gram) // 2
        if not pairs or self._floor_was_raised():
            return False
        slope = gram[pairs - 1, -1]
        slope_before = slope - gram[pairs - 1, 2 * pairs - 1]
        return bool(slope > 0.9 * -slope_before)

    def _widen(self) -> None:
        self._radius = 2 * self._radius if self._shortened else max(self._radius, 2 * self._step)

    def _floor_was_raised(self) -> bool:
        """Whether this gradient is the first on a wider rung that was asked for to confirm another."""
        return self._rung_changed() and self.history[-1].rung == self.floor

    def _rung_changed(self) -> bool:
        return len(self.history) > 1 and self.history[-1].rung != self.history[-2].rung

    def _stalled(self, now: Iteration) -> bool:
        """Whether nothing gets better any more. Unless the end was confirmed, a wider rung is tried first."""
        if now.gradient_norm < 0.9 * self._best:
            self._best, self._best_at = now.gradient_norm, now.iteration
        if now.iteration - self._best_at < 6:
            return False
        confirmed = self._near is not None and now.rung > self._near.rung
        if confirmed or now.rung == len(LADDER) - 1:
            return True
        self.floor = now.rung + 1
        self._best_at = now.iteration
        return False

    def _confirmed(self, now: Iteration) -> bool:
        widest = now.rung == len(LADDER) - 1
        if self._near is None or (now.rung == self._near.rung and not widest):
            if now.gradient_norm <= _NEAR * self._tolerance:
                self._near = now
                self.floor = now.rung + 1
            return widest and now.gradient_norm <= self._tolerance
        if self._floor_was_raised() and now.gradient_norm > 3 * self._near.gradient_norm:
            self._near = now
            self.floor = now.rung + 1
            return False
        return now.gradient_norm <= self._tolerance


def two_loop(
    gram: Floats, scale: float, *, from_before: bool = False, without: Set[int] = frozenset()
) -> Floats:
    """Coefficients of the L-BFGS direction H g over the vectors of `gram` (Nocedal & Wright, alg. 7.4).

    `gram`: (2 m + 1) square, in the order s_1..s_m, y_1..y_m, g. Pairs without positive curvature (at
    the noise of the fixed point) and those `without` are left out. `from_before`: g is the gradient at
    the point before the last step, that is g - y_m.
    """
    pairs = len(gram) // 2
    direction = np.zeros(len(gram))
    direction[-1] = 1.0
    if from_before:
        direction[2 * pairs - 1] = -1.0
    used = []
    for i in range(pairs):
        s_y, s_s, y_y = gram[i, pairs + i], gram[i, i], gram[pairs + i, pairs + i]
        if i not in without and s_y > 1e-6 * math.sqrt(s_s * y_y) and s_y > 8 / _SCALE:
            used.append(i)
    alphas = {}
    for i in reversed(used):
        alphas[i] = (gram[i] @ direction) / gram[i, pairs + i]
        direction[pairs + i] -= alphas[i]
    direction *= scale
    for i in used:
        beta = (gram[pairs + i] @ direction) / gram[i, pairs + i]
        direction[i] += alphas[i] - beta
    return direction


def _gram(block: Block) -> Floats:
    vectors = block.vectors()
    return np.asarray(vectors @ vectors.T)


def _fixed(gram: Floats, parties: int) -> npt.NDArray[np.uint64]:
    upper = gram[np.triu_indices(len(gram))]
    if not np.isfinite(upper).all() or np.abs(upper).max() >= _LARGEST_SUM / parties:
        raise WireRefused(
            "training diverged: an inner product is too large to share",
            advice="Raise `model.l2` in the plan, or leave out columns that separate the labels perfectly.",
        )
    return np.rint(upper * _SCALE).astype(np.int64).astype(np.uint64)


def _unfixed(words: npt.NDArray[np.uint64], size: int) -> Floats:
    gram = np.zeros((size, size))
    gram[np.triu_indices(size)] = words.astype(np.int64) / _SCALE
    return gram + np.triu(gram, 1).T
