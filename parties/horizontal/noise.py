"""Noise in a horizontal round, and what it is charged for: written into the ledger before any of it is told.

    unit "record"   this party's own noise on each count of the statistics, and in each step of its training
    unit "party"    this party's own noise on the change of each round, inside the protected sum

Each party adds all of the noise that its own promise needs, so the promise holds whatever the others do. The
noise is drawn from a seed and from the very numbers that it is put on: an attempt that repeats a release
repeats it bit for bit, and one release is charged once.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from crypto.noise import discrete_gaussian
from crypto.private import Private
from crypto.summation.stream import KeyStream
from federation.plan import Plan
from federation.secure_sum.interface import Integers
from federation.secure_sum.member import SecureSum
from parties.horizontal.columns import Schema
from parties.horizontal.statistics import Noise, planned_releases
from parties.privacy.events import Grid, Noised, Release, charge, check_plan, plan_events
from parties.privacy.ledger import Ledger
from parties.round.work import Work

#: The noise on counts, in units of training's: counts are few and large, so more noise costs them little.
_STATISTICS = 4.0


def record_noise(plan: Plan, schema: Schema, seed: bytes, members: int) -> Noise | None:
    """This party's noise on counts with unit "record"; None with any other."""
    if plan.privacy.unit != "record":
        return None
    sigma = _sigma(plan, schema)

    def draw(plain: Integers) -> Integers:
        digest = hashlib.sha256(np.ascontiguousarray(plain).tobytes()).hexdigest()
        return discrete_gaussian(Fraction(sigma) ** 2, len(plain), KeyStream(seed, f"counts|{digest}"))

    return Noise(draw, sigma * math.sqrt(members))


def reserve(
    work: Work,
    ids: Private[Sequence[bytes]] | Private[tuple[bytes, ...]],
    schema: Schema,
    rows: int,
    sums: SecureSum | None = None,
    size: int = 0,
    content: str | None = None,
) -> None:
    """Charge the run to the data set; `PlanRefused` where the plan or the budget allows less.

    `rows`: this party's training rows. `sums` and `size`, the model's number of values, with unit "party".
    `content`: the digest of its table.
    """
    plan, order, dataset = work.plan, work.accepted.order, work.accepted.dataset
    noised = Noised.of(plan)
    releases = []
    if plan.privacy.unit == "record":
        sigma = _sigma(plan, schema)
        releases = [
            Release(release.l2_sensitivity, sigma) for release in planned_releases(schema, plan.columns)
        ]
    grid = None
    if plan.privacy.unit == "party" and sums is not None:
        noisy = sums.noise_grid(plan.privacy.noise_multiplier)
        grid = Grid(noisy.levels, size, noisy.sigma)
    events = plan_events(noised, rows, releases, grid)
    if events:
        check_plan(noised, events, work.me)
    Ledger.of(work.home, dataset, ids, content).reserve(charge(plan, order.run, dataset.name, events))


def settle(work: Work, ids: Private[tuple[bytes, ...]], content: str | None = None) -> None:
    """The run is over, and released what was reserved."""
    ledger = Ledger.of(work.home, work.accepted.dataset, ids, content)
    entry = next(entry for entry in ledger.balance().entries if entry.charge.run == work.accepted.order.run)
    ledger.settle(work.accepted.order.run, entry.charge.events)


def _sigma(plan: Plan, schema: Schema) -> float:
    """Standard deviation, in rows, of this party's noise on each count."""
    largest = max(release.l2_sensitivity for release in planned_releases(schema, plan.columns))
    return _STATISTICS * plan.privacy.noise_multiplier * largest
