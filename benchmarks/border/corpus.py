"""The whole corpus: every violation seeded once, and clean rounds beside it, counted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.border import audit, borders, egress, minimise, rights
from benchmarks.border.firms import clean
from benchmarks.border.mutations import Found, Mutation, World, verified
from benchmarks.border.playing import founded, play, trusted
from federation.errors import IsthmusError

Say = Callable[[str], None]

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


@dataclass(frozen=True, slots=True)
class Counts:
    """What the corpus comes to. `alarms`: what was refused or found in clean rounds, in words.

    In a clean round nothing is refused, guard log and carrier agree, and all evidence verifies.
    """

    seeded: int
    detected: int
    missed: int
    declared_limits: int
    clean_runs: int
    false_alarms: int
    mutations: tuple[Judged, ...] = ()
    alarms: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, object]:
        """The fields by name."""
        return asdict(self)


def run_corpus(
    clean_runs: int,
    mutations: Sequence[Mutation] | None = None,
    *,
    first: int = 0,
    say: Say = lambda line: None,
) -> Counts:
    """Seed the mutations (all, unless given), play `clean_runs` clean rounds from `first` on, and count."""
    chosen = EVERYTHING if mutations is None else tuple(mutations)
    with tempfile.TemporaryDirectory(prefix="isthmus-border-") as folder:
        judged = _judged(chosen, Path(folder) / "seeded", say)
        alarms: list[str] = []
        for number in range(first, first + clean_runs):
            say(f"clean round {number + 1 - first} of {clean_runs}")
            alarm = false_alarm(number, Path(folder) / f"clean-{number}")
            alarms += [] if alarm is None else [alarm]
    return Counts(
        seeded=len(judged),
        detected=sum(each.outcome == "detected" for each in judged),
        missed=sum(each.outcome == "missed" for each in judged),
        declared_limits=sum(each.outcome == "declared limit" for each in judged),
        clean_runs=clean_runs,
        false_alarms=len(alarms),
        mutations=tuple(judged),
        alarms=tuple(alarms),
    )


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
    found = verified(list(played.packs().values()), trusted(sandbox))
    return f"{name}: {found.told}" if found.rules else None


def _judged(mutations: Sequence[Mutation], folder: Path, say: Say) -> list[Judged]:
    if not mutations:
        return []
    world, judged = World(folder), []
    for mutation in mutations:
        say(mutation.name)
        try:
            found = mutation.seed(world)
        except IsthmusError as error:  # Seeding failed: told as missed, with the cause.
            found = Found((), f"could not be seeded: {error.cause}")
        judged.append(_judge(mutation, found))
    return judged


def _judge(mutation: Mutation, found: Found) -> Judged:
    detected = mutation.rule in found.rules
    outcome = "detected" if detected else "declared limit" if mutation.limit else "missed"
    return Judged(mutation.name, mutation.group, mutation.rule, found.rules, outcome, found.told)
