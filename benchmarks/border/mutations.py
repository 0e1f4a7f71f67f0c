"""The corpus of violations: each seeded into a whole round that is clean without it, or into its evidence.

A mutation says which rule must stop or find it, and is judged by the rule that did. One whose `limit` is set
is known not to be found: it is run all the same, and told as a declared limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from benchmarks.border.firms import vertical
from benchmarks.border.playing import Played, founded, play, trusted
from federation.errors import EgressRefused, GrantRefused, IsthmusError
from federation.ids import PartyId
from federation.ledger.findings import State
from federation.ledger.pack import Pack
from federation.ledger.verify import verify
from parties.home import PartyHome

Group = Literal["egress", "minimisation", "rights", "borders", "audit"]
BANK, PLATFORM = PartyId("bank"), PartyId("platform")
_NOTHING = "nothing was refused or found"


@dataclass(frozen=True, slots=True)
class Found:
    """By which rules a seeded violation was refused or found; none where it was not."""

    rules: tuple[str, ...]
    told: str


class World:
    """A clean federation of two parties with a vertical plan, in which the mutations are seeded in turn."""

    def __init__(self, folder: Path) -> None:
        self.case = vertical(2026, model={"max_iterations": 2})
        self.sandbox = founded(self.case, folder)
        self.packs = self._packs()

    def home(self, party: PartyId) -> PartyHome:
        """The party's folder."""
        return self.sandbox.parties[party]

    @cached_property
    def trusted(self) -> Mapping[str, str]:
        """The fingerprints that a reader got from each role itself."""
        return trusted(self.sandbox)

    def _packs(self) -> Mapping[str, Pack]:
        """The evidence of a round that nothing was done to: without it no mutation would show anything."""
        played = play(self.sandbox)
        if played.cause is not None:
            raise played.cause
        packs = played.packs()
        found = verified(list(packs.values()), self.trusted)
        if found.rules:
            raise RuntimeError(f"the clean round does not verify: {found.told}")
        return packs


@dataclass(frozen=True, slots=True)
class Mutation:
    """One violation. `rule`: a rule of the guard or of acceptance, a control, or a check of the evidence."""

    name: str
    group: Group
    rule: str
    seed: Callable[[World], Found]
    limit: bool = False


def refusal(played: Played) -> Found:
    """The rule by which somebody refused in a played round."""
    refused = [error for error in played.errors.values() if isinstance(error, (EgressRefused, GrantRefused))]
    if refused:
        return Found(tuple(dict.fromkeys(error.rule for error in refused)), refused[0].cause)
    return Found((), _NOTHING if played.cause is None else f"ended by another cause: {played.cause.cause}")


def verified(packs: Sequence[Pack], trusted: Mapping[str, str]) -> Found:
    """The checks of the evidence that fail, or cannot be decided."""
    try:
        report = verify(packs, trusted)
    except IsthmusError as error:
        return Found(("container",), error.cause)
    bad = [check for check in report.checks if check.state in (State.FAIL, State.UNKNOWN)]
    return Found(tuple(dict.fromkeys(check.id for check in bad)), bad[0].outcome.told if bad else _NOTHING)
