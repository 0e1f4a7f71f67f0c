"""The parties' whole round in this process, over the in-memory transport: every frame and message in sight.

What runs is the product's own: the order is signed and checked, the tables are read, the session is opened,
the aggregator matches and records. Only Flower and the network are missing.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from crypto.envelope import SessionKeys
from crypto.errors import IsthmusError
from federation import files
from federation.clock import timestamp
from federation.coordinator.home import CoordinatorHome
from federation.coordinator.notary import kept
from federation.coordinator.record import PartyStatus, Recorder, RoundStatus
from federation.coordinator.rounds import new_run
from federation.coordinator.seat import AggregatorSeat
from federation.errors import SessionEnded
from federation.governance.guard.aggregator import AggregatorPolicy
from federation.governance.guard.party import Attempt
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.journal import FileJournal
from federation.ledger.keeping import keep_decided, keep_members
from federation.order import Order
from federation.plan import Plan, load
from federation.roster import Roster
from federation.session import open_session, unbound
from federation.transport.memory import MemoryExchange
from parties.home import PartyHome
from parties.participation import take_part
from parties.round.acceptance import Accepted, accept
from parties.sandbox.founding import Sandbox, plan_toml
from tests.system.federation import Federation


@dataclass
class Seen:
    """What each role got to see. `relayed`: every frame as the carrier has it; `opened`: role -> sender ->
    every message that this role could open, as it was encoded."""

    relayed: list[bytes] = field(default_factory=list)
    opened: dict[str, dict[str, list[bytes]]] = field(default_factory=dict)
    errors: dict[str, IsthmusError] = field(default_factory=dict)
    attempt: str = ""

    @property
    def run(self) -> RunId:
        """The run's name."""
        return RunId(self.attempt.partition("|")[0])

    @property
    def cause(self) -> IsthmusError:
        """What went wrong first-hand."""
        return next(error for error in self.errors.values() if not isinstance(error, SessionEnded))


def rehearse(
    federation: Federation, text: str, *, after: Seen | None = None, members: Sequence[str] | None = None
) -> Seen:
    """Play the plan in `text` with every party's own folder. What a role raises is kept in `errors`.

    `after`: another attempt at that run, by the same plan. `members`: who takes part, all by default.
    """
    seen, lock = Seen(), threading.Lock()
    coordinator = CoordinatorHome.open(federation.home)
    path = federation.folder / "rehearsed.toml"
    path.write_text(text)
    plan = load(path)
    run, attempt = new_run(dt.datetime.now(dt.UTC)), 1
    if after is not None:
        run, attempt = after.run, int(after.attempt.partition("|")[2]) + 1
    seen.attempt = f"{run}|{attempt}"
    roster = coordinator.roster()
    taking_part = [PartyId(name) for name in members or plan.parties]
    needed = Roster(roster.federation, {party: roster.members[party] for party in taking_part})

    def tap(sender: PartyId, to: PartyId, envelope: bytes) -> None:
        with lock:
            seen.relayed.append(envelope)

    exchange = MemoryExchange(run, taking_part, tap)
    accepted: dict[str, Accepted] = {}
    homes = {name: PartyHome.open(federation.party(name)) for name in taking_part}
    for name, home in homes.items():
        order = Order(run, attempt, PartyId(name), plan, needed, tuple(needed.members))
        try:
            accepted[name] = accept(home, order.seal(coordinator.identity()))
        except IsthmusError as refusal:
            seen.errors[name] = refusal
            return seen

    def play(name: str) -> None:
        try:
            take_part(homes[name], accepted[name], lambda _: exchange.seat(PartyId(name)))
        except IsthmusError as error:
            seen.errors[name] = error

    def sit() -> None:
        try:
            _aggregate(coordinator, plan, accepted, exchange)
        except IsthmusError as error:
            exchange.seat(AGGREGATOR).end(error.cause)
            seen.errors[AGGREGATOR] = error

    with _listening(seen), ThreadPoolExecutor(len(homes) + 1) as pool:
        for future in [pool.submit(sit), *(pool.submit(play, name) for name in homes)]:
            future.result()
    return seen


def rehearse_sandbox(sandbox: Sandbox) -> RoundStatus:
    """The final status of a sandbox's round, played in this process; nothing may go wrong in it."""
    places = SimpleNamespace(
        home=sandbox.coordinator.folder,
        folder=sandbox.folder,
        party=lambda name: sandbox.parties[name].folder,
    )
    seen = rehearse(cast(Federation, places), plan_toml(sandbox.plan))
    assert seen.errors == {}, seen.errors
    return replace(RoundStatus.load(sandbox.coordinator.round_folder(seen.run)), ended=timestamp())


def _aggregate(
    coordinator: CoordinatorHome, plan: Plan, accepted: Mapping[str, Accepted], exchange: MemoryExchange
) -> None:
    seating = next(iter(accepted.values())).seating
    folder: Path = coordinator.round_folder(seating.run)
    files.write(folder / "plan.json", plan.canonical())
    parties = {PartyId(name): PartyStatus() for name in plan.parties}
    recorder = Recorder(folder, RoundStatus(seating.run, plan.name, plan.digest.hex(), parties=parties))
    journal = FileJournal(folder / "journal.jsonl")
    try:
        transport = exchange.seat(AGGREGATOR)
        keep_members(folder, seating.identities, {})
        policy = AggregatorPolicy(Attempt(plan, seating.run, seating.roles))
        orders = {PartyId(name): taken.order.digest for name, taken in accepted.items()}
        with kept(coordinator, seating, orders, journal.path) as notary:
            notary.begin(policy.evidence())
            session = open_session(AGGREGATOR, coordinator.identity(), seating, transport, journal, policy)
            notary.witness(session)
            AggregatorSeat(session, plan, recorder).listen()
            notary.finish(session)
        decided = policy.evidence()
        keep_decided(folder, decided.policy, decided.entities, decided.verdicts)
    finally:
        journal.close()


@contextmanager
def _listening(seen: Seen) -> Iterator[None]:
    """Note every message that somebody opens: what that role holds in its hands."""
    opens, lock = SessionKeys.open, threading.Lock()

    def opened(self: SessionKeys, sender: str, envelope: bytes) -> bytes:
        message = opens(self, sender, envelope)
        with lock:
            seen.opened.setdefault(self._me, {}).setdefault(sender, []).append(unbound(message))
        return message

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SessionKeys, "open", opened)
        yield
