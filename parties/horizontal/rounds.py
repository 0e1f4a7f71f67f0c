"""The training rounds of a horizontal run at one member: train, sum, step, keep; again until it is enough.

    1. With strategy = "scaffold" a first protected sum gives the mean gradient at the shared vector: what the
       member's own lacks of it corrects each of its steps (`training`).
       The member trains the shared vector on its own rows (`training`) and cuts the change to L2 norm
       `sum.clip`: what it trained on moves the sum by no more than that, whatever it is.
    2. A protected sum gives every member the mean of the changes: weighed by training rows without noise,
       each member alike with noise, where weights would tell exact numbers of rows; in "scaffold" what
       belongs to one code of a column by the rows with that code (`shares`). With `robust.groups` above 1
       it is the median of such means over groups (`combining`).
    3. Every member takes the same step (`federation.flower.strategies`): all hold the same vector after it.
    4. Without noise a second sum gives the mean log loss of the vector before the step; `training.patience`
       rounds without a lower one end the training, and the best vector is taken.
    5. Each member looks at what it may see of the others' changes, for its own people (`screening`).

What each role learns: the members, the mean of the changes and the mean loss of every round, over all of them
(docs/security.md says what a sum tells of its parts), and with groups what `combining` lists; with "scaffold"
also the mean gradient of every round, which is exact: that of the first round tells how many rows with each
code of a column are bad, over all members. The aggregator, how long the model is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crypto.codes import Code
from crypto.private import Private
from federation.errors import PeerFailure
from federation.flower.strategies import ServerOptimiser
from federation.plan import Plan
from federation.secure_sum.interface import Floats
from parties.horizontal.combining import Combining
from parties.horizontal.examples import Examples
from parties.horizontal.kept import Kept
from parties.horizontal.screening import Screen
from parties.horizontal.state import Best, Point, RoundState
from parties.horizontal.training import LocalTrainer, Validation
from parties.horizontal.vector import clip_norm

#: The largest mean log loss that is told, and the most that one member's rows weigh in the mean.
_MOST_LOSS, _MOST_WEIGHT = 10.0, 1.0e6
#: Losses and weights are summed as whole numbers of hundredths.
_PARTS = 100


class RoundPaused(PeerFailure):
    """The members stop after a round that all of them have, so that another party can join them."""

    code = Code.ROUND_PAUSED
    advice = "Nothing is to be done: the round goes on."


def train_together(
    plan: Plan,
    combining: Combining,
    trainer: LocalTrainer,
    judged: Private[Examples],
    weight: float,
    kept: Kept,
    state: RoundState,
    at_round: Callable[[int], None],
    screen: Screen | None = None,
    paused: Callable[[], bool] = lambda: False,
) -> RoundState:
    """Train from `state` to the plan's last round, or to where it stops early; the state then.

    `judged`: the rows that the loss is told of. `weight`: this member's share of all training rows, at most
    1. `at_round` is called with the number of each round as it begins. `screen`: what looks at the changes.
    """
    optimiser = ServerOptimiser.of(
        plan.training.strategy, learning_rate=plan.training.server_learning_rate, mu=plan.training.mu
    )
    optimiser.restore(state.optimiser)
    while not is_over(plan, state):
        number = state.number + 1
        at_round(number)
        correction = _correction(plan, combining, trainer, number, state.vector, weight)
        update = trainer.run(state.vector, number, kept.personal(state.number), correction)
        if trainer.personal_size:
            kept.keep_personal(number, update.personal)
        change = Private(clip_norm(update.delta.open_locally(), plan.sum.clip))
        shares = None if trainer.shares is None else Private(trainer.shares.values)
        combined = combining.combine(f"round {number}", change, weight, shares)
        own = _Own(trainer, state, judged, kept)
        loss = _mean_loss(plan, combining, f"loss {number}", own)
        vector = optimiser.step(number, state.vector, combined.change)
        best = _better(plan, state, loss)
        # Summed exactly: all members must get the same number, and a BLAS adds in an order of its own.
        point = Point(number, loss, math.sqrt(math.fsum(np.square(combined.change))))
        after = state.after(vector, optimiser.to_dict(), point, best)
        if screen is not None:
            weighed = (
                change if shares is None else Private(change.open_locally() * shares.open_locally() / weight)
            )
            screen.look(number, combined, weighed, after.history[0].update_norm, own.loss_after)
        state = after
        kept.keep(state)
        if paused() and not is_over(plan, state):
            raise RoundPaused(f"paused after training round {number}, for another party to join")
    return state


def _correction(
    plan: Plan, combining: Combining, trainer: LocalTrainer, number: int, vector: Floats, weight: float
) -> Private[Floats] | None:
    """What this member's gradient at `vector` (size,) lacks of the mean; None without "scaffold"."""
    if trainer.shares is None:
        return None
    own = trainer.gradient(vector).open_locally()
    summed = Private(clip_norm(own, plan.sum.clip))
    mean = combining.combine(f"gradient {number}", summed, weight).change
    return Private(np.where(trainer.shares.known, mean - own, 0.0))


def is_over(plan: Plan, state: RoundState) -> bool:
    """Whether there is no round left to train: the last is done, or the loss has not fallen for long."""
    patience, best = plan.training.patience, state.best
    waited = best is not None and state.number - best.number >= patience > 0
    return state.number >= plan.training.rounds or waited


def final_vector(plan: Plan, state: RoundState) -> Floats:
    """The vector that the run gives: the last, or the best where the plan stops early."""
    return state.vector if state.best is None or not plan.training.patience else state.best.vector


@dataclass(frozen=True, slots=True, repr=False)
class _Own:
    """This member's rows under the vector of `state`, as it was before the round's step."""

    trainer: LocalTrainer
    state: RoundState
    judged: Private[Examples]
    kept: Kept

    def validate(self, change: Floats | None = None) -> Validation | None:
        """How the vector, or the vector and a change (n,), does on the judged rows; None without any."""
        if not len(self.judged.open_locally()):
            return None
        vector = self.state.vector if change is None else self.state.vector + change
        merged = self.trainer.merged(vector, self.kept.personal(self.state.number))
        return self.trainer.validate(merged, self.judged).open_locally()

    def loss_after(self, change: Floats) -> float | None:
        found = self.validate(change)
        return None if found is None else found.loss


def _mean_loss(plan: Plan, combining: Combining, label: str, own: _Own) -> float | None:
    """The mean log loss of the shared vector over all members' judged rows; None with noise on."""
    if plan.privacy.unit != "none":
        return None
    weighed, weights = 0.0, 0.0
    found = own.validate()
    if found is not None:
        weights = min(found.weight, _MOST_WEIGHT)
        weighed = min(found.loss, _MOST_LOSS) * weights
    parts = np.array([round(_PARTS * weighed), round(_PARTS * weights)], dtype=np.int64)
    total = combining.everybody.counts(label, Private(parts), int(_PARTS * _MOST_LOSS * _MOST_WEIGHT))
    return float(total[0] / total[1]) if total[1] > 0 else None


def _better(plan: Plan, state: RoundState, loss: float | None) -> Best | None:
    """The best so far; the vector that was judged is the one before the step."""
    if not plan.training.patience or loss is None:
        return None
    best = state.best
    if best is not None and best.loss <= loss:
        return best
    return Best(state.number, loss, state.vector)
