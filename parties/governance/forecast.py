"""What of a plan would be refused at this party, and why, before anybody launches it. Nothing is written.

First what acceptance would say (`authority.look`), then what the guard would say of every message type that
the plan has for this party, to each recipient that it may go to. Sizes and contents are not known beforehand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from federation.egress import Guard
from federation.errors import EgressRefused, GrantRefused
from federation.governance.authorisation import Authorisation, Left
from federation.governance.guard.forms import form_of
from federation.governance.guard.party import UNDECIDED, Attempt, GuardPolicy
from federation.governance.guard.sizes import training_of, types_of
from federation.governance.terms import Operation
from federation.ids import AGGREGATOR, PartyId
from federation.message import REGISTRY
from federation.plan import Plan
from parties.governance.authority import look, needs_of
from parties.governance.knowing import pinned
from parties.governance.shelf import Shelf
from parties.home import PartyHome
from parties.round.acceptance import own_dataset


@dataclass(frozen=True, slots=True)
class Outlook:
    """One message type to one recipient: what it carries, and the rules that forbid it (none: it may go)."""

    type: str
    to: PartyId
    form: str
    of: tuple[str, ...]
    operation: str
    rules: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        return {
            "type": self.type,
            "to": self.to,
            "form": self.form,
            "of": list(self.of),
            "operation": self.operation,
            "rules": list(self.rules),
        }


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would happen to a plan at one party."""

    party: PartyId
    refusal: GrantRefused | None  # What acceptance would say, before anything is sent.
    messages: tuple[Outlook, ...]

    @property
    def refused(self) -> tuple[Outlook, ...]:
        """The messages that the guard would stop."""
        return tuple(each for each in self.messages if each.rules)

    @property
    def fine(self) -> bool:
        return self.refusal is None and not self.refused


def forecast(home: PartyHome, plan: Plan, now: dt.datetime | None = None) -> Forecast:
    """As of `now`. `UsageError` for a plan without this party, or files that cannot be read."""
    at, me = now or dt.datetime.now(dt.UTC), home.name()
    dataset = own_dataset(home, plan.parties[me].dataset)
    needs = needs_of(plan, tuple(map(PartyId, plan.parties)), me, dataset, pinned(home))
    refusal, left = None, Left()
    try:
        covered, _ = look(home, needs, at)
        left = covered.left
    except GrantRefused as error:
        refusal = error
    grants = tuple(
        each.grant
        for each in Shelf(home).grants()
        if each.revocation is None
        and each.grant.dataset == needs.dataset
        and each.grant.valid_from <= at < each.grant.valid_until
    )
    authorisation = Authorisation(
        manifest=Shelf(home).manifest(needs.dataset),
        grants=grants,
        places={to: place for grant in grants for to, place in grant.places.items()},
        purpose=plan.purpose,
        operations=needs.operations,
        columns=frozenset(needs.columns),
        left=left,
        revoked=lambda: None,
    )
    attempt = Attempt(plan, "forecast", plan.roles())
    guard = GuardPolicy(authorisation, attempt, me, today=at.date)
    return Forecast(me, refusal, tuple(_outlooks(guard, attempt, me, needs.operations)))


def _outlooks(
    guard: GuardPolicy, attempt: Attempt, me: PartyId, operations: frozenset[Operation]
) -> Iterator[Outlook]:
    flows = Guard(me, attempt.roles, attempt.plan.consortia())
    for name in sorted(types_of(attempt.plan, attempt.roles[me]) & REGISTRY.keys()):
        kind = REGISTRY[name]
        operation = kind.OPERATION or training_of(attempt.plan, kind)
        if kind.OF and operation not in operations:  # Such as points, where the owner does not share them.
            continue
        for to in [*(seat for seat in attempt.roles if seat not in (me, AGGREGATOR)), AGGREGATOR]:
            try:
                flows.check(me, to, kind)
            except EgressRefused:
                continue
            verdict = guard.forecast(to, kind)
            yield Outlook(
                name,
                to,
                form_of(attempt.plan, kind).value,
                tuple(use.value for use in kind.OF),
                operation.value,
                () if verdict.allowed else verdict.rules or (UNDECIDED,),
            )
