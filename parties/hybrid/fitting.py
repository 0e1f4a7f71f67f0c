"""One party's part in the rounds: its consortium's fit, held to the shared coefficients, then the mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crypto.private import Private
from federation.plan import Plan
from federation.session import Session
from parties.hybrid.counterparts import Crossing
from parties.hybrid.rows import HybridRows
from parties.logistic.hidden import HiddenGradient, LabelGradient
from parties.logistic.training import Stopping, Trained, train
from parties.round.vertical import gradient_side, training_labels

Floats = npt.NDArray[np.float64]

#: Gradients that bring the intercept to the shared coefficients: secant steps, each worth two digits or more.
INTERCEPT_STEPS = 3
#: The farthest that one of them moves it, in log odds.
_FARTHEST = 2.0


@dataclass(frozen=True, slots=True)
class Coefficients:
    """One party's part of a model: weights (d,) of its encoded features; the intercept at the label party."""

    weights: Floats
    intercept: float | None

    def logits(self, encoded: Private[Floats]) -> Private[Floats]:
        """This party's part of the logit of each row of `encoded` (n x d)."""
        part: Floats = encoded.open_locally() @ self.weights
        return Private(part if self.intercept is None else part + self.intercept)


@dataclass(frozen=True, slots=True)
class HybridFit:
    """`alone`: the consortium's own model, of round 1; `shared`: the mean that all counterparts hold.

    `iterations`: gradients over all rounds. `converged`: whether every fit did, known to the label party.
    """

    alone: Coefficients
    shared: Coefficients
    iterations: int
    converged: bool | None


class Fitting:
    """The rounds at one party. `session` is the whole one: each fit takes a view of it for its consortium."""

    def __init__(
        self,
        session: Session,
        crossing: Crossing,
        plan: Plan,
        rows: HybridRows,
        listener: Callable[[int], None] = lambda iteration: None,
    ) -> None:
        self._session = session
        self._crossing = crossing
        self._plan = plan
        self._rows = rows
        self._listener = listener
        encoded = rows.encoded.open_locally()[rows.training]
        self._whitened: Floats = rows.whitening.apply(encoded)
        # Of the logits by given coefficients what the whitened directions can say: they are orthonormal over
        # the rows. What is left lies in directions that a row has nearly to itself, or is rounding.
        self._directions: Floats = self._whitened.T @ (encoded * rows.encoding.trained) / len(encoded)
        labels = training_labels(rows)
        self._labels = labels
        self._intercept: float | None = None
        if labels is not None:
            share = float(labels.open_locally().mean())
            self._intercept = float(np.log(share / (1 - share)))
        self._iterations = 0

    def run(self) -> HybridFit:
        """All rounds, then the intercept. All counterparts get the same shared weights."""
        shared = np.zeros(len(self._rows.encoding.scales))
        alone: Coefficients | None = None
        converged = True
        for number in range(1, self._plan.training.rounds + 1):
            side = self._side(f"fit {number}")
            change, trained = self._fit(side, shared, pulled=number > 1)
            alone = alone or Coefficients(change, self._intercept)
            converged = converged and bool(trained.converged)
            self._crossing.meet(number)
            mean = self._crossing.mean_change(number, Private(change), self._rows.training_rows)
            shared = shared + mean
        if alone is None:
            raise ValueError("a plan has at least one round")
        self._settle_intercept(self._side("intercept"), shared)
        at_label = self._labels is not None
        return HybridFit(
            alone,
            Coefficients(shared, self._intercept),
            self._iterations,
            converged if at_label else None,
        )

    def _side(self, purpose: str) -> HiddenGradient:
        """This seat in a view of the consortium alone, with keys and masks of its own."""
        own = self._session.seating.fellows(self._session.me)
        features = self._whitened
        if self._labels is not None:
            features = np.hstack([np.ones((len(features), 1)), features])
        inside = self._session.among(own, purpose)
        return gradient_side(inside, features, self._labels, self._rows.widths)

    def _fit(self, side: HiddenGradient, shared: Floats, *, pulled: bool) -> tuple[Floats, Trained]:
        """The change (d,) of this party's coefficients, by its consortium's fit from `shared`.

        Directions that nothing is trained in here do not change.
        """
        model, whitening = self._plan.model, self._rows.whitening
        held = self._directions @ shared
        strength = self._plan.training.mu * self._rows.training_rows if pulled else 0.0
        penalty, pull = whitening.penalty(model.l2 + strength), whitening.penalty(strength) @ held
        start = held
        if self._intercept is not None:
            penalty, pull = np.pad(penalty, ((1, 0), (1, 0))), np.concatenate([[0.0], pull])
            start = np.concatenate([[self._intercept], held])
        stopping = Stopping(model.tolerance, model.max_iterations)
        before = self._iterations
        trained = train(side, penalty, start, stopping, lambda i: self._listener(before + i), pull)
        self._iterations += trained.iterations
        block = trained.theta
        if self._intercept is not None:
            self._intercept, block = float(block[0]), block[1:]
        return whitening.unwhiten(block - held), trained

    def _settle_intercept(self, side: HiddenGradient, shared: Floats) -> None:
        """Bring the mean residual of the training rows at the `shared` coefficients to 0, by secant steps."""
        held = self._directions @ shared
        slope = side.positives * (1 - side.positives) if isinstance(side, LabelGradient) else 0.0
        last: tuple[float, float] | None = None
        for _ in range(INTERCEPT_STEPS):
            self._iterations += 1
            self._listener(self._iterations)
            if self._intercept is None:
                side.gradient(held)
                continue
            residual = float(side.gradient(np.concatenate([[self._intercept], held])).open_locally()[0])
            if last is not None and self._intercept != last[0]:
                secant = (residual - last[1]) / (self._intercept - last[0])
                slope = secant if secant > 0 else slope
            last = self._intercept, residual
            self._intercept -= float(np.clip(residual / slope, -_FARTHEST, _FARTHEST))
