"""The whole corpus: every violation seeded once, and the clean rounds that are played beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.border import audit, borders, egress, minimise, rights
from benchmarks.border.firms import clean
from benchmarks.border.mutations import Found, Mutation, World, verified
from benchmarks.border.playing import Played, founded, play, trusted
from benchmarks.border.scenes.common import NATIONAL
from benchmarks.progress import Say, silent
from federation.compliance.gathering import observed, planned
from federation.compliance.judging import judge
from federation.compliance.verdicts import Judgement
from federation.errors import IsthmusError
from federation.ids import PartyId
from federation.ledger.pack import Pack
from federation.ledger.reading import Reading
from federation.ledger.verify import verify
from parties.governance.shelf import Shelf

#: All mutations, in the order of the compliance research.
EVERYTHING: tuple[Mutation, ...] = (
    *egress.MUTATIONS,
    *minimise.MUTATIONS,
    *rights.MUTATIONS,
    *borders.MUTATIONS,
    *audit.MUTATIONS,
)


@dataclass(frozen=True, slots=True)
class Judged:
    """How one seeded violation ended. `found`: the rules that refused or found it."""

    name: str
    group: str
    rule: str
    found: tuple[str, ...]
    outcome: str  # "detected", "missed", or "declared limit"
    told: str


def judged(mutations: Sequence[Mutation], folder: Path, say: Say = silent) -> list[Judged]:
    """Each of the mutations seeded in turn, in one federation below `folder`, and how it ended."""
    if not mutations:
        return []
    world, found = World(folder), []
    for mutation in mutations:
        say(mutation.name)
        try:
            seeded = mutation.seed(world)
        except IsthmusError as error:  # Seeding failed: told as missed, with the cause.
            seeded = Found((), f"could not be seeded: {error.cause}")
        found.append(_judge(mutation, seeded))
    return found


def false_alarm(number: int, folder: Path) -> str | None:
    """Play clean round `number`: what was refused or found in it; None when nothing was."""
    case = clean(number)
    sandbox = founded(case, folder)
    played = play(sandbox)
    name = f"{number} ({case.kind}, {len(case.tables)} parties)"
    if played.cause is not None:
        return f"{name}: {played.cause.cause}"
    apart = [party for party in sandbox.parties if not played.reconciled(party).agrees]
    if apart:
        return f"{name}: guard log and carrier differ at {', '.join(apart)}"
    packs = list(played.packs().values())
    found = verified(packs, trusted(sandbox))
    if found.rules:
        return f"{name}: {found.told}"
    failed = sorted({*_judged(played, packs).failed()} - {NATIONAL})
    return f"{name}: {', '.join(failed)} fail" if failed else None


def _judged(played: Played, packs: Sequence[Pack]) -> Judgement:
    """The clean round by the rule packs, as its own manifests, grants and evidence have it."""
    sandbox, plan = played.sandbox, played.sandbox.plan
    shelves = {party: Shelf(home) for party, home in sandbox.parties.items()}
    manifests = {party: shelf.manifest(plan.parties[party].dataset) for party, shelf in shelves.items()}
    grants = [kept.grant for shelf in shelves.values() for kept in shelf.grants()]
    case = planned(plan, manifests, grants, date=dt.datetime.now(dt.UTC).date())
    report = verify(packs, trusted(sandbox))
    captured = {pack.party: played.reconciled(PartyId(pack.party)) for pack in packs}
    return judge(observed(case, report, [Reading(pack) for pack in packs], reconciled=captured))


def _judge(mutation: Mutation, found: Found) -> Judged:
    detected = mutation.rule in found.rules
    outcome = "detected" if detected else "declared limit" if mutation.limit else "missed"
    return Judged(mutation.name, mutation.group, mutation.rule, found.rules, outcome, found.told)
