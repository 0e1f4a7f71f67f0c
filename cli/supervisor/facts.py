"""What the pages show of a run. All of it comes from packs; nothing is judged here but by `verify`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from federation.governance.grant import Grant, Revocation
from federation.ledger.findings import Check, Report, State


@dataclass(frozen=True, slots=True)
class Flow:
    """What one role sent to another in one form, as its guard log says.

    origin, destination: places (ISO 3166-1); empty where not said. mechanism: by what a border was crossed.
    kinds: message type -> number of messages. size: bytes, sealed.
    """

    sender: str
    to: str
    form: str
    origin: str
    destination: str
    mechanism: str
    kinds: Mapping[str, int]
    size: int

    @property
    def messages(self) -> int:
        """How many."""
        return sum(self.kinds.values())

    @property
    def crosses(self) -> bool:
        """Whether sender and recipient are in different places, as far as it is said where they are."""
        return bool(self.origin and self.destination) and self.origin != self.destination


@dataclass(frozen=True, slots=True)
class Ground:
    """What a grant says makes a crossing lawful: until when, and which document shows it."""

    grant: str
    valid_until: dt.date
    evidence: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Crossing:
    """A flow over a border, and the grounds that the sender's grants give for it."""

    flow: Flow
    grounds: tuple[Ground, ...]


@dataclass(frozen=True, slots=True)
class Cosignature:
    """Who co-signed a checkpoint, and when."""

    name: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint of the role's ledger: over how many entries, and who co-signed it."""

    size: int
    root: str
    cosignatures: tuple[Cosignature, ...]


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many distinct requests one rule of the policy refused."""

    rule: str
    refused: int


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The guard's decisions: `messages` left on `allowed` distinct requests; `refused` did not leave."""

    messages: int
    allowed: int
    refused: int
    rules: tuple[RuleCount, ...]


@dataclass(frozen=True, slots=True)
class Planted:
    """The canaries of one attempt: committed to before, opened afterwards, found so often in what left."""

    attempt: int
    committed: str
    opened: bool
    hits: int


@dataclass(frozen=True, slots=True)
class Used:
    """What stands under one grant in the whole ledger of its owner.

    rounds: attempts and rounds, summed, as grants limit them. size: bytes that left.
    """

    runs: int
    rounds: int
    size: int


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant of the pack, whether it was taken back, and what was used of it."""

    grant: Grant
    revocation: Revocation | None
    used: Used


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of a role's ledger that is about the run, and who co-signed a checkpoint over it."""

    at: str
    role: str
    index: int
    kind: str
    fields: Mapping[str, object]
    digest: str
    cosigned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RolePack:
    """One role's pack of a run. `sha256`: of the file that was read."""

    role: str
    file: str
    sha256: str
    made_at: str
    software: Mapping[str, str]
    place: str
    fingerprint: str
    checks: tuple[Check, ...]
    verdicts: Verdicts
    checkpoints: tuple[Signed, ...]
    outside: tuple[str, ...]
    planted: tuple[Planted, ...]
    granted: tuple[Granted, ...]
    entries: int

    @property
    def state(self) -> State:
        """FAIL where any check of it failed, else UNKNOWN where any was not decided, else PASS."""
        found = {check.state for check in self.checks}
        return next((state for state in (State.FAIL, State.UNKNOWN) if state in found), State.PASS)

    @property
    def covered(self) -> int:
        """How many entries of its ledger somebody else has co-signed."""
        return max((each.size for each in self.checkpoints if each.cosignatures), default=0)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run, from all packs of it.

    key: its name in addresses. places: role -> place; empty where no pack says it. disputed: the roles that
    the packs do not agree on where they are.
    """

    key: str
    run: str
    federation: str
    plan: str
    purpose: str
    began: str
    ended: str
    outcome: str
    attempts: int
    rounds: int
    places: Mapping[str, str]
    disputed: tuple[str, ...]
    packs: tuple[RolePack, ...]
    flows: tuple[Flow, ...]
    crossings: tuple[Crossing, ...]
    events: tuple[Event, ...]
    report: Report

    @property
    def state(self) -> State:
        """As the report's."""
        return self.report.state

    @property
    def lacking(self) -> tuple[str, ...]:
        """The roles that took part and whose pack is not here: what they sent is not shown."""
        return tuple(sorted(set(self.places) - {pack.role for pack in self.packs}))

    @property
    def unplaced(self) -> tuple[str, ...]:
        """The roles of which no pack says where they are: whether a border was crossed cannot be told."""
        return tuple(name for name, place in self.places.items() if not place)

    @property
    def size(self) -> int:
        """Bytes that left, of the roles whose packs are here."""
        return sum(flow.size for flow in self.flows)

    @property
    def messages(self) -> int:
        """Messages that left, likewise."""
        return sum(flow.messages for flow in self.flows)

    @property
    def borders(self) -> tuple[tuple[str, str], ...]:
        """The borders that were crossed: (origin, destination)."""
        return tuple(sorted({(each.flow.origin, each.flow.destination) for each in self.crossings}))

    def pack(self, role: str) -> RolePack | None:
        """The pack of one role."""
        return next((pack for pack in self.packs if pack.role == role), None)


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that is no pack, or cannot be shown: which, why, and what to do."""

    file: str
    why: str
    advice: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything on the shelf."""

    runs: tuple[RunFacts, ...]
    unread: tuple[Unread, ...]

    @property
    def packs(self) -> int:
        """How many packs are shown."""
        return len({pack.file for run in self.runs for pack in run.packs})

    def run(self, key: str) -> RunFacts | None:
        """The run of that key."""
        return next((run for run in self.runs if run.key == key), None)
