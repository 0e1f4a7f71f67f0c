"""From a plan to what its run releases: the events by which one run is charged to a data set.

    unit "record"  each party adds the noise itself, in every training step (DP-SGD, Abadi et al. 2016), so
                   the bound holds against everybody and hangs on nobody. A step takes each training row by a
                   coin of probability batch_size / rows; noise_multiplier is relative to record_clip.
    unit "party"   each party adds all of its own noise to its update, inside the integers of the sum of each
                   round; noise_multiplier is relative to the clip of an update. Every party takes part in
                   every round, so sampling hides nothing.

The statistics before training are charged with the noise that their caller draws (`Release`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from crypto import accounting
from crypto.accounting import DiscreteGaussian, Event, Gaussian, SampledGaussian
from crypto.codes import Code
from federation.errors import PlanRefused
from federation.plan import Plan
from parties.privacy.charge import Charge


@dataclass(frozen=True, slots=True)
class Noised:
    """What of a plan decides the cost of its run."""

    unit: Literal["none", "record", "party"]
    noise_multiplier: float
    delta: float
    epsilon: float
    rounds: int
    local_epochs: int
    batch_size: int
    patience: int = 0
    validation_share: float = 0.0

    @staticmethod
    def of(plan: Plan) -> Noised:
        """The fields of a whole plan."""
        privacy, training = plan.privacy, plan.training
        return Noised(
            unit=privacy.unit,
            noise_multiplier=privacy.noise_multiplier,
            delta=privacy.delta,
            epsilon=privacy.epsilon,
            rounds=training.rounds,
            local_epochs=training.local_epochs,
            batch_size=training.batch_size,
            patience=training.patience,
            validation_share=training.validation_share,
        )

    def after(self, rounds: int) -> Noised:
        """The same plan ended after so many rounds, for settling. 0: nothing was trained."""
        return dataclasses.replace(self, rounds=rounds)


@dataclass(frozen=True, slots=True)
class Release:
    """A sum of counts before training: its L2 sensitivity to one unit, and this party's noise, in counts."""

    sensitivity: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Grid:
    """How an update becomes integers: `levels` for the clip, in so many `coordinates`; `sigma` of this
    party's own noise, in grid units.
    """

    levels: int
    coordinates: int
    sigma: float


def plan_events(
    plan: Noised, rows: int, statistics: Sequence[Release] = (), grid: Grid | None = None
) -> tuple[Event, ...]:
    """The events of one run of `plan` over `rows` training rows of one party (those for validation aside).

    `grid` at party level: counted are the integers that are really summed, whose rounding adds to the
    sensitivity; without it `noise_multiplier` is taken at its word. Empty where the plan adds no noise.
    Steps are counted as batches of a shuffled order would be, rounded up; a trainer that takes fewer steps,
    or has a lower rate, settles for less.
    """
    if plan.unit == "none":
        return ()
    before = [DiscreteGaussian(release.sigma, release.sensitivity) for release in statistics]
    training: list[Event] = []
    if plan.rounds:
        training = _record_steps(plan, rows) if plan.unit == "record" else _party_rounds(plan, grid)
    return accounting.composed([*before, *training])


def _record_steps(plan: Noised, rows: int) -> list[Event]:
    if rows < 1:
        return []
    steps = plan.rounds * plan.local_epochs * math.ceil(rows / plan.batch_size)
    rate = plan.batch_size / rows
    if rate >= 1:
        return [Gaussian(plan.noise_multiplier, steps)]
    return [SampledGaussian(rate, plan.noise_multiplier, steps)]


def _party_rounds(plan: Noised, grid: Grid | None) -> list[Event]:
    if grid is None:
        return [Gaussian(plan.noise_multiplier, plan.rounds)]
    sensitivity = accounting.rounded_sensitivity(grid.levels, grid.coordinates)
    return [DiscreteGaussian(grid.sigma, sensitivity, plan.rounds)]


def check_plan(plan: Noised, events: Sequence[Event], party: str) -> float:
    """The epsilon of the run by itself at the plan's delta; `PlanRefused` when the plan allows less."""
    epsilon = accounting.epsilon(events, plan.delta)
    if epsilon > plan.epsilon:
        raise PlanRefused(
            f"this run would tell epsilon {epsilon:.3g} of one {plan.unit} at delta {plan.delta:g}; "
            f"the plan allows {plan.epsilon:g}",
            party=party,
            field="privacy.epsilon",
            advice="Raise privacy.noise_multiplier, plan fewer rounds, or raise privacy.epsilon in the plan.",
            code=Code.EPSILON,
        )
    return epsilon


def charge(plan: Plan, run: str, dataset: str, events: Sequence[Event]) -> Charge:
    """The charge of `run` of `plan` to this party's data set, for the ledger."""
    return Charge(
        run=run,
        plan=plan.digest.hex(),
        purpose=plan.purpose,
        dataset=dataset,
        protects=plan.privacy.unit,
        events=tuple(events),
        delta=plan.privacy.delta,
    )


def uncounted(plan: Noised) -> tuple[str, ...]:
    """What a run of this plan tells of the data without noise, one sentence each; for reports and logs."""
    if plan.unit == "none":
        return ("everything: this plan adds no noise",)
    found = ["the figures of its evaluation are exact"]
    if plan.patience and plan.validation_share:
        found.append("early stopping: the validation loss of each round is an exact sum over all parties")
    return tuple(found)
