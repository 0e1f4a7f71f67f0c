"""A whole round in this process, over the in-memory transport: every role a thread.

What runs is the product's own: the order is signed and checked, the tables are read, the session is opened,
the guard stands at each exit, the aggregator matches and records. Only Flower and the network are missing.
All roles share one memory, so it keeps nothing from anybody: it is for tests, benchmarks and dry runs. Every
wait of the parties is bounded by the plan's patience.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from federation import files
from federation.coordinator.home import CoordinatorHome
from federation.coordinator.notary import kept
from federation.coordinator.record import PartyStatus, Recorder, RoundStatus
from federation.coordinator.seat import AggregatorSeat
from federation.errors import IsthmusError
from federation.governance.guard.aggregator import AggregatorPolicy
from federation.governance.guard.party import Attempt
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.journal import FileJournal
from federation.ledger.keeping import keep_decided, keep_members
from federation.order import Order
from federation.plan import Plan
from federation.roster import Roster
from federation.session import open_session
from federation.transport.memory import MemoryExchange, Tap
from parties.home import PartyHome
from parties.participation import take_part
from parties.round.acceptance import Accepted, accept


def rehearse(
    coordinator: CoordinatorHome,
    homes: Mapping[PartyId, PartyHome],
    plan: Plan,
    run: RunId,
    *,
    attempt: int = 1,
    tap: Tap | None = None,
) -> dict[PartyId, IsthmusError]:
    """Play `plan` with the folders of those who take part; what each role raised, none where it finished.

    A party that refuses the order is alone in what is returned: nothing began then. The coordinator's round
    folder has the status of the run as it goes.
    """
    roster, errors = coordinator.roster(), {}
    needed = Roster(roster.federation, {party: roster.members[party] for party in homes})
    accepted: dict[PartyId, Accepted] = {}
    for name, home in homes.items():
        order = Order(run, attempt, name, plan, needed, tuple(needed.members))
        try:
            accepted[name] = accept(home, order.seal(coordinator.identity()))
        except IsthmusError as refusal:
            return {name: refusal}
    exchange = MemoryExchange(run, list(homes), tap)

    def play(name: PartyId) -> None:
        try:
            take_part(homes[name], accepted[name], lambda _: exchange.seat(name))
        except IsthmusError as error:
            errors[name] = error

    def sit() -> None:
        try:
            _aggregate(coordinator, plan, accepted, exchange)
        except IsthmusError as error:
            exchange.seat(AGGREGATOR).end(error.cause)
            errors[AGGREGATOR] = error

    with ThreadPoolExecutor(len(homes) + 1, thread_name_prefix="role") as pool:
        for future in [pool.submit(sit), *(pool.submit(play, name) for name in homes)]:
            future.result()
    return errors


def _aggregate(
    coordinator: CoordinatorHome, plan: Plan, accepted: Mapping[PartyId, Accepted], exchange: MemoryExchange
) -> None:
    """The aggregator's side, as `federation.coordinator.conducting` plays it over the network."""
    seating = next(iter(accepted.values())).seating
    folder = coordinator.round_folder(seating.run)
    files.write(folder / "plan.json", plan.canonical())
    parties = {PartyId(name): PartyStatus() for name in plan.parties}
    status = RoundStatus(seating.run, plan.name, plan.digest.hex(), "running", parties=parties)
    recorder = Recorder(folder, status)
    policy = AggregatorPolicy(Attempt(plan, seating.run, seating.roles))
    keep_members(folder, seating.identities, {})
    orders = {name: taken.order.digest for name, taken in accepted.items()}
    journal = FileJournal(folder / "journal.jsonl")
    try:
        with kept(coordinator, seating, orders, journal.path) as notary:
            notary.begin(policy.evidence())
            transport = exchange.seat(AGGREGATOR)
            session = open_session(AGGREGATOR, coordinator.identity(), seating, transport, journal, policy)
            notary.witness(session)
            AggregatorSeat(session, plan, recorder).listen()
            notary.finish(session)
    finally:
        journal.close()
        decided = policy.evidence()
        keep_decided(folder, decided.policy, decided.entities, decided.verdicts)
