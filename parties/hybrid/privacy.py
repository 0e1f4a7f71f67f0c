"""What a hybrid round costs a data set, written into its ledger before anything leaves.

Inside the consortium the round tells what a vertical one does: nothing bounds it, and a data set with a
budget refuses it. What crosses with noise has a bound, which stands in the ledger as a charge of its own.

A party's rows move the changes of every place of its consortium, since all of them are fitted together. So
against other consortia whose parties join hands a round is P releases, one for each place: replacing all
changes of the consortium by zeros moves each by at most sum.clip.

What a bound costs here: two countries of 440 training rows and three places gain 0.009 of AUC (0.775 to
0.784). With one round and a clip of 1.5, noise_multiplier 0.1 leaves a quarter of that gain, at epsilon 230
and delta 1e-5; 0.3 (epsilon 44) ends 0.04 below a country's own model.
So between two consortia noise blurs what one learns of the other's coefficients, and promises no more. Three
or more, whose sum hides each, need none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crypto.accounting import Event
from crypto.codes import Code
from crypto.summation.schemes import protection
from federation.errors import PlanRefused
from federation.plan import Plan
from federation.secure_sum.draws import noisy_grid
from parties.hybrid.encoding import width_of
from parties.privacy.charge import Charge
from parties.privacy.events import Grid, Noised, check_plan, plan_events
from parties.privacy.ledger import Ledger
from parties.round.rows import OwnTable
from parties.round.work import Work


@dataclass(frozen=True, slots=True)
class Cost:
    """What was reserved for what crosses: its `epsilon` at `delta`, and under which name."""

    run: str
    events: tuple[Event, ...]
    epsilon: float
    delta: float


def crossing_events(plan: Plan) -> tuple[Event, ...]:
    """All noisy sums of a whole run; empty where the plan adds no noise."""
    if plan.privacy.unit != "party":
        return ()
    homes = list(plan.consortia().values())
    places = homes.count(homes[0])
    scheme = protection(plan.sum.protection, seeded=plan.sum.seeded)
    noise = noisy_grid(scheme, len(set(homes)), plan.privacy.noise_multiplier)
    # No place has more features than all declared columns together.
    grid = Grid(noise.levels, width_of(plan.columns), noise.sigma)
    releases = Noised.of(plan).after(plan.training.rounds * places)
    return plan_events(releases, rows=0, grid=grid)


def reserve(work: Work, table: OwnTable) -> Cost | None:
    """Charge the round to this party's data set; what crosses with noise, or None where nothing does.

    Raises `PlanRefused` when the plan allows less than it costs, and for a data set with a budget.
    """
    plan, order, dataset = work.plan, work.accepted.order, work.accepted.dataset
    if dataset.privacy is not None:
        raise PlanRefused(
            "its data set has a privacy budget, and nothing bounds what a round tells inside a consortium",
            party=work.me,
            field="privacy.unit",
            advice='Plan shape = "horizontal", where noise bounds all that is told; or the owner takes '
            f"[datasets.{dataset.name}.privacy] out of party.toml.",
            code=Code.BUDGET_UNBOUNDED,
        )
    ledger = Ledger.of(work.home, dataset, table.ids, table.digest)
    events = crossing_events(plan)
    epsilon = check_plan(Noised.of(plan), events, work.me) if events else 0.0
    ledger.reserve(_charge(work, order.run, ()))
    if not events:
        return None
    # An attempt that is made again draws other noise: another charge.
    run = f"{order.run}/crossing-{order.attempt}"
    ledger.reserve(_charge(work, run, events))
    return Cost(run, events, epsilon, plan.privacy.delta)


def settle(work: Work, table: OwnTable, cost: Cost | None) -> None:
    """All that was reserved was released."""
    if cost is not None:
        Ledger.of(work.home, work.accepted.dataset, table.ids, table.digest).settle(cost.run, cost.events)


def _charge(work: Work, run: str, events: Sequence[Event]) -> Charge:
    plan = work.plan
    return Charge(
        run=run,
        plan=plan.digest.hex(),
        purpose=plan.purpose,
        dataset=work.accepted.dataset.name,
        protects="party" if events else "none",
        events=tuple(events),
        delta=plan.privacy.delta,
    )
