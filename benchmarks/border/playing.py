"""A whole round in this process, from the signed order to the co-signed end, and what its carrier saw.

Folders, orders, tables, guard, ledger, aggregator and messages are the product's own; Flower and the network
are missing. Every wait of the parties is bounded by the plan's patience.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.border.firms import Case
from federation import files, journal
from federation.addresses import Address
from federation.coordinator.home import CoordinatorHome
from federation.coordinator.notary import kept
from federation.coordinator.packing import packed as packed_by_coordinator
from federation.coordinator.record import PartyStatus, Recorder, RoundStatus
from federation.coordinator.rounds import new_run
from federation.coordinator.seat import AggregatorSeat
from federation.errors import IsthmusError, SessionEnded
from federation.governance.guard.aggregator import AggregatorPolicy
from federation.governance.guard.party import Attempt
from federation.governance.terms import Form, Use
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.journal import FileJournal
from federation.ledger import pack
from federation.ledger.keeping import keep_decided, keep_members
from federation.ledger.pack import Pack
from federation.order import Order
from federation.plan import Plan
from federation.roster import Roster
from federation.session import open_session
from federation.transport.capture import Frame, Reconciled, reconcile
from federation.transport.memory import MemoryExchange
from parties.governance.inspect.drafting import document
from parties.governance.packing import packed
from parties.governance.shelf import Shelf
from parties.participation import take_part
from parties.round.acceptance import Accepted, accept
from parties.sandbox.founding import Sandbox, found

#: The one grant of each party that is in force.
GRANT = "border"
_NOWHERE = Address("127.0.0.1", 1)  # Nothing listens: the round is played in this process.


@dataclass
class Played:
    """A round that was played: what went wrong at whom, and each frame that the carrier was handed."""

    sandbox: Sandbox
    run: RunId
    errors: dict[PartyId, IsthmusError] = field(default_factory=dict)
    frames: dict[PartyId, list[Frame]] = field(default_factory=dict)

    @property
    def cause(self) -> IsthmusError | None:
        """What went wrong first-hand; None when nothing did."""
        own = [error for error in self.errors.values() if not isinstance(error, SessionEnded)]
        return next(iter(own), None) or next(iter(self.errors.values()), None)

    def reconciled(self, party: PartyId) -> Reconciled:
        """A role's guard log against what the carrier was handed by it."""
        homes = {**self.sandbox.parties, AGGREGATOR: self.sandbox.coordinator}
        file = homes[party].round_folder(self.run) / "journal.jsonl"
        entries = journal.read(file) if file.exists() else []
        return reconcile(entries, self.frames.get(party, []))

    def packs(self) -> dict[str, Pack]:
        """Every role's evidence pack of the round."""
        now = dt.datetime.now(dt.UTC)
        made = {name: packed(home, self.run, now) for name, home in self.sandbox.parties.items()}
        made[AGGREGATOR] = packed_by_coordinator(self.sandbox.coordinator, self.run, now)
        return {name: pack.parse(data, f"{name}.zip") for name, data in made.items()}


def trusted(sandbox: Sandbox) -> dict[str, str]:
    """The fingerprints that a reader got from each role itself."""
    told = {str(name): home.identity().public.fingerprint for name, home in sandbox.parties.items()}
    return {**told, AGGREGATOR: sandbox.coordinator.identity().public.fingerprint}


def founded(case: Case, folder: Path) -> Sandbox:
    """The case's federation below `folder`: admissions, pins, manifests and grants as in earnest."""
    folder.mkdir(parents=True, exist_ok=True)
    now = dt.datetime.now(dt.UTC)
    sandbox = found(folder, case.datasets(folder), case.plan, _NOWHERE, _NOWHERE, now)
    for home in sandbox.parties.values():
        _permit_predicates(Shelf(home), now)
    return sandbox


def _permit_predicates(shelf: Shelf, now: dt.datetime) -> None:
    """What an owner does for a plan of trees or of scorecards: permit predicates, and sign anew.

    A draft does not permit them: which of a party's rows fall on one side of a cut is for people to decide.
    """
    drafted = shelf.manifest("data")
    fields = {
        name: facts.model_copy(update={"egress": (*facts.egress, Form.PREDICATE)})
        if facts.use in (Use.FEATURE, Use.LABEL) and Form.PREDICATE not in facts.egress
        else facts
        for name, facts in drafted.fields.items()
    }
    permitted = drafted.model_copy(update={"fields": fields})
    files.write(shelf.manifest_file("data"), document(permitted, now).encode())
    (drawn,) = shelf.grants()
    (shelf.folder / "grants" / f"{drawn.grant.id}.dsse.json").unlink()
    shelf.put(drawn.grant.model_copy(update={"id": GRANT, "manifest_sha256": permitted.digest}))


def play(sandbox: Sandbox, plan: Plan | None = None) -> Played:
    """Play the sandbox's plan, or another one, to its end. A party that refuses the order is in `errors`."""
    plan = plan or sandbox.plan
    played = Played(sandbox, new_run(dt.datetime.now(dt.UTC)))
    coordinator, roster = sandbox.coordinator, sandbox.coordinator.roster()
    members = tuple(PartyId(name) for name in plan.parties)
    needed = Roster(roster.federation, {name: roster.members[name] for name in members})

    def tap(sender: PartyId, to: PartyId, envelope: bytes) -> None:
        seen = Frame(to, len(envelope), hashlib.sha256(envelope).hexdigest())
        played.frames.setdefault(sender, []).append(seen)

    exchange = MemoryExchange(played.run, members, tap)
    accepted: dict[PartyId, Accepted] = {}
    for name in members:
        order = Order(played.run, 1, name, plan, needed, members)
        try:
            accepted[name] = accept(sandbox.parties[name], order.seal(coordinator.identity()))
        except IsthmusError as refusal:
            played.errors[name] = refusal
            return played

    def take(name: PartyId) -> None:
        try:
            take_part(sandbox.parties[name], accepted[name], lambda _: exchange.seat(name))
        except IsthmusError as error:
            played.errors[name] = error

    def conduct() -> None:
        try:
            _aggregate(coordinator, plan, accepted, exchange)
        except IsthmusError as error:
            exchange.seat(AGGREGATOR).end(error.cause)
            played.errors[AGGREGATOR] = error

    with ThreadPoolExecutor(len(members) + 1) as pool:
        for future in [pool.submit(conduct), *(pool.submit(take, name) for name in members)]:
            future.result()
    return played


def _aggregate(
    coordinator: CoordinatorHome, plan: Plan, accepted: Mapping[PartyId, Accepted], exchange: MemoryExchange
) -> None:
    """The aggregator's side, as `federation.coordinator.conducting` plays it over the network."""
    seating = next(iter(accepted.values())).seating
    folder = coordinator.round_folder(seating.run)
    files.write(folder / "plan.json", plan.canonical())
    statuses = {PartyId(name): PartyStatus() for name in plan.parties}
    recorder = Recorder(folder, RoundStatus(seating.run, plan.name, plan.digest.hex(), parties=statuses))
    policy = AggregatorPolicy(Attempt(plan, seating.run, seating.roles))
    keep_members(folder, seating.identities, {})
    orders = {name: taken.order.digest for name, taken in accepted.items()}
    log = FileJournal(folder / "journal.jsonl")
    try:
        with kept(coordinator, seating, orders, log.path) as notary:
            notary.begin(policy.evidence())
            transport = exchange.seat(AGGREGATOR)
            session = open_session(AGGREGATOR, coordinator.identity(), seating, transport, log, policy)
            notary.witness(session)
            AggregatorSeat(session, plan, recorder).listen()
            notary.finish(session)
    finally:
        log.close()
        decided = policy.evidence()
        keep_decided(folder, decided.policy, decided.entities, decided.verdicts)
