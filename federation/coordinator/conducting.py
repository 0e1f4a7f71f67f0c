"""Conducting a round: from the submitted plan to the last receipt, or to one cause that everybody is told.

wait until every party is online -> open the session at the exchange -> deliver the signed orders
-> sit in the session as the aggregator (progress, matching) -> collect receipts and replies
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from crypto.errors import IsthmusError
from crypto.sealed import WireRefused
from federation import files
from federation.clock import timestamp
from federation.coordinator.home import CoordinatorHome
from federation.coordinator.record import Recorder, RoundStatus
from federation.errors import PeerFailure, PeerSilent, SessionEnded, UsageError
from federation.exchange.frames import plain_cause
from federation.flower.replies import FailedReply, Reply
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.journal import FileJournal
from federation.messages.alignment import RingTags
from federation.messages.round import Progress, Receipt
from federation.order import Order
from federation.plan import Plan, parse
from federation.protocols.matching import common_rows
from federation.roster import Roster
from federation.session import Seating, Session, open_session
from federation.transport.exchange import ExchangeTransport
from federation.transport.interface import Transport

_LOOK_SECONDS = 0.3
#: How long the reply of the party that ended a session may come after the others'. Flower polls every 3 s.
_FIRST_HAND_SECONDS = 15.0
#: How long the exchange keeps a session open that was opened to be ended.
_INTERRUPTED_SECONDS = 60.0


class ControlPlane(Protocol):
    """What a round needs of Flower; `federation.flower.server_app.Control` is one, and says more."""

    @property
    def plan_id(self) -> str:
        """The round that was submitted. From outside: looked up, never trusted."""

    @property
    def run_id(self) -> int:
        """Flower's number for the run."""

    def online(self) -> frozenset[int]:
        """The ids of the nodes that are online now."""

    def deliver(self, node_id: int, payload: bytes) -> None:
        """Queue one payload for a node."""

    def collect(self, timeout: float) -> dict[int, Reply]:
        """The replies that came since the last call, by node; empty after `timeout` seconds without one."""


class Cancelled(PeerFailure):
    """The coordinator's operator cancelled the round."""

    advice = "Launch it again when you are ready."


def conduct(
    home: CoordinatorHome,
    node_ids: Callable[[], Mapping[PartyId, int]],
    control: ControlPlane,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Conduct the submitted round that `control.plan_id` names. Raises what ended it; the status says so too.

    `stopping` says whether the service is being stopped: the round is ended then, and everybody told.
    """
    run = RunId(control.plan_id)
    if run not in home.runs():
        raise UsageError("no such round was submitted here", advice="Use `isthmus round launch`.")
    folder = home.round_folder(run)
    status = RoundStatus.load(folder)
    if status.over:
        raise UsageError(f"{run} is over already", advice="Launch the plan again.")
    recorder = Recorder(folder, status)
    recorder.update(
        state="waiting", started=timestamp(), attempt=status.attempt + 1, flower_run=control.run_id
    )
    cpu = time.process_time()
    try:
        _Round(home, folder, recorder, control, node_ids, stopping).conduct()
    except IsthmusError as error:
        state = "cancelled" if isinstance(error, Cancelled) else "failed"
        recorder.update(state=state, cause=error.cause, exit_code=error.exit_code, ended=timestamp())
        raise
    except BaseException as error:
        cause = f"internal error at the aggregator ({type(error).__name__})"
        recorder.update(state="failed", cause=cause, exit_code=1, ended=timestamp())
        raise
    recorder.update(state="finished", ended=timestamp(), cpu_seconds=time.process_time() - cpu)


def end_interrupted(home: CoordinatorHome) -> list[RunId]:
    """End the rounds that a service left behind when it was killed; their names.

    Their status says so, and a party that still waits at the exchange, which must run already, is told.
    A round that was submitted and not begun is left for the executor.
    """
    ended = []
    for run in home.runs():
        folder = home.round_folder(run)
        status = RoundStatus.load(folder)
        if status.state not in ("waiting", "running"):
            continue
        error = PeerFailure(
            "the federation's service was killed before the round was over", advice="Launch the plan again."
        )
        meeting = RunId(f"{run}.{status.attempt}")
        transport = _aggregator_seat(home, meeting, list(status.parties), _INTERRUPTED_SECONDS)
        try:
            transport.end(error.cause)  # Opens the session anew, which seats of the old one hear as its end.
        finally:
            transport.close()
        failed = {"state": "failed", "cause": error.cause, "exit_code": error.exit_code}
        Recorder(folder, status).update(**failed, ended=timestamp())
        ended.append(run)
    return ended


def _aggregator_seat(
    home: CoordinatorHome, meeting: RunId, parties: list[PartyId], ttl: float, patience: float = 30.0
) -> ExchangeTransport:
    return ExchangeTransport(
        AGGREGATOR,
        meeting,
        str(home.settings().exchange),
        files.read(home.authority_file),
        files.read(home.tls_certificate_file),
        files.read_secret(home.tls_key_file),
        members=parties,
        ttl=ttl,
        send_timeout=patience,
    )


class _Round:
    def __init__(
        self,
        home: CoordinatorHome,
        folder: Path,
        recorder: Recorder,
        control: ControlPlane,
        node_ids: Callable[[], Mapping[PartyId, int]],
        stopping: Callable[[], bool],
    ) -> None:
        self._home = home
        self._folder = folder
        self._recorder = recorder
        self._control = control
        self._node_ids = node_ids
        self._stopping = stopping
        self._run = recorder.status.run
        self._plan: Plan = parse(files.read(folder / "plan.json"))
        self._deadline = time.monotonic() + self._plan.deadlines.run_seconds

    def conduct(self) -> None:
        roster = self._home.roster()
        nodes = self._wait_online(roster)
        seating = self._seating(roster)
        transport = self._open_exchange(seating)
        try:
            self._recorder.update(state="running")
            self._deliver(roster, nodes)
            with ThreadPoolExecutor(1) as seat:
                sitting = seat.submit(self._sit, transport, seating)
                try:
                    self._watch(nodes, transport, sitting)
                    self._wait_for_receipts(sitting)
                except BaseException as error:
                    # Before the pool waits for the seat, which waits for the end.
                    transport.end(_told(error))
                    raise
        except BaseException as error:
            transport.end(_told(error))
            raise
        finally:
            transport.close()

    # -- before the session ------------------------------------------------------------------------

    def _wait_online(self, roster: Roster) -> dict[PartyId, int]:
        """Node ids of all parties once they are online; `PeerSilent` naming those that are not."""
        wanted = [PartyId(name) for name in self._plan.parties]
        roster.check_admitted(wanted)  # Again: a member may have been removed since the launch.
        patience = self._plan.deadlines.join_seconds
        until = time.monotonic() + patience
        while True:
            self._check_cancelled()
            nodes, online = self._node_ids(), self._control.online()
            here = [party for party in wanted if nodes.get(party) in online]
            for party in here:
                if self._recorder.status.parties[party].state == "waiting":
                    self._recorder.update_party(party, state="online")
            missing = [party for party in wanted if party not in here]
            if not missing:
                return {party: nodes[party] for party in wanted}
            if time.monotonic() > until:
                raise PeerSilent(", ".join(missing), "coming online", patience)
            time.sleep(_LOOK_SECONDS)

    def _open_exchange(self, seating: Seating) -> ExchangeTransport:
        deadlines = self._plan.deadlines
        return _aggregator_seat(
            self._home,
            seating.meeting,
            [PartyId(name) for name in self._plan.parties],
            deadlines.run_seconds,
            deadlines.message_seconds,
        )

    def _deliver(self, roster: Roster, nodes: Mapping[PartyId, int]) -> None:
        identity = self._home.identity()
        needed = {PartyId(name): roster.members[PartyId(name)] for name in self._plan.parties}
        for party, node in nodes.items():
            order = Order(
                self._run,
                self._recorder.status.attempt,
                party,
                self._plan,
                Roster(roster.federation, needed),
            )
            self._control.deliver(node, order.seal(identity))

    # -- while it runs -----------------------------------------------------------------------------

    def _watch(self, nodes: Mapping[PartyId, int], transport: Transport, sitting: Future[None]) -> None:
        """Until every party has replied: pass on a refusal, a cancellation, the deadline."""
        party_of = {node: party for party, node in nodes.items()}
        waiting = set(nodes)
        failures: dict[PartyId, IsthmusError] = {}
        first_failed = 0.0
        while waiting:
            self._check_cancelled()
            if time.monotonic() > self._deadline:
                raise PeerSilent(
                    ", ".join(sorted(waiting)), "finishing the round", self._plan.deadlines.run_seconds
                )
            for node, reply in self._control.collect(_LOOK_SECONDS).items():
                party = party_of[node]
                waiting.discard(party)
                if isinstance(reply, FailedReply):
                    self._recorder.update_party(party, state="failed")
                    failures[party] = _failure(party, reply)
                    first_failed = first_failed or time.monotonic()
                    transport.end(failures[party].cause)  # Idempotent: the first cause stands.
                else:
                    self._recorder.update_party(party, state="done")
            if failures and sitting.done():
                first_hand = _first_hand(sitting.exception(), failures)
                if first_hand is not None:
                    raise first_hand
                if time.monotonic() > first_failed + _FIRST_HAND_SECONDS:
                    break
        if failures:
            raise _first_hand(sitting.exception(), failures) or next(iter(failures.values()))

    def _wait_for_receipts(self, sitting: Future[None]) -> None:
        """Every party has replied, so its receipt is on the way, or what the seat met is raised."""
        patience = self._plan.deadlines.message_seconds
        try:
            sitting.result(patience)
        except FutureTimeout:
            raise PeerSilent(", ".join(self._plan.parties), "sending its receipt", patience) from None

    def _check_cancelled(self) -> None:
        if (self._folder / "cancel").exists():
            raise Cancelled("the coordinator cancelled the round")
        if self._stopping():
            raise Cancelled("the federation's service was stopped")

    # -- the aggregator's seat ---------------------------------------------------------------------

    def _sit(self, transport: Transport, seating: Seating) -> None:
        journal = FileJournal(self._folder / "journal.jsonl")
        try:
            session = open_session(AGGREGATOR, self._home.identity(), seating, transport, journal)
            _Seat(session, self._plan, self._recorder).listen()
        finally:
            journal.close()

    def _seating(self, roster: Roster) -> Seating:
        plan = self._plan
        parties = {PartyId(name): roster.members[PartyId(name)].identity for name in plan.parties}
        return Seating(
            run=self._run,
            attempt=self._recorder.status.attempt,
            plan_digest=plan.digest,
            purpose=plan.purpose,
            roles=plan.roles(),
            identities={**parties, AGGREGATOR: self._home.identity().public},
            patience=plan.deadlines.message_seconds,
            consortia=plan.consortia(),
        )


class _Seat:
    """What the aggregator does in a session: hear where everyone is, match tags, take receipts."""

    def __init__(self, session: Session, plan: Plan, recorder: Recorder) -> None:
        self._session = session
        self._plan = plan
        self._recorder = recorder
        self._lock = threading.Lock()
        self._tags: dict[PartyId, RingTags] = {}
        self._stepped: dict[str, float] = {}

    def listen(self) -> None:
        parties = self._session.seating.parties
        with ThreadPoolExecutor(len(parties)) as pool:
            hearing = [pool.submit(self._hear, party) for party in parties]
            errors = [error for each in hearing if (error := each.exception()) is not None]
        if errors:
            raise next((e for e in errors if not isinstance(e, SessionEnded)), errors[0])

    def _hear(self, party: PartyId) -> None:
        try:
            while True:
                message = self._session.receive(
                    party, Progress, RingTags, Receipt, patience=self._plan.deadlines.run_seconds
                )
                if isinstance(message, Progress):
                    self._progress(party, message)
                elif isinstance(message, RingTags):
                    self._match(party, message)
                elif isinstance(message, Receipt):
                    self._recorder.update_party(
                        party, receipt=_receipt(message), bytes_sent=message.bytes_sent
                    )
                    return
        except IsthmusError as error:
            self._session.end(error.cause)
            raise
        except BaseException:
            self._session.end("internal error at the aggregator")
            raise

    def _progress(self, party: PartyId, message: Progress) -> None:
        self._recorder.update_party(
            party,
            state="running",
            step=message.step.value,
            iteration=message.iteration,
            bytes_sent=message.bytes_sent,
        )

    def _match(self, maker: PartyId, message: RingTags) -> None:
        """Keep the tags; when all sets are here, tell each party its own rows."""
        parties = self._session.seating.parties
        ready = False
        with self._lock:
            expected = parties[(parties.index(maker) + 1) % len(parties)]
            if message.owner != expected or message.owner in self._tags:
                raise WireRefused("RingTags: of another set than the one due", party=maker)
            self._tags[message.owner] = message
            ready = len(self._tags) == len(parties)
        if ready:
            tags = {party: told.tags for party, told in self._tags.items()}
            for party, rows in common_rows(tags, self._plan.alignment.minimum_intersection).items():
                self._session.send(party, rows)
            self._tags.clear()


def _first_hand(ended: BaseException | None, failures: Mapping[PartyId, IsthmusError]) -> IsthmusError | None:
    """Of all that was raised the failure that the others only tell of; None while its reply is on the way.

    `ended` is what the aggregator's seat met: every reply but one says that somebody ended the session.
    """
    if not isinstance(ended, SessionEnded):
        return ended if isinstance(ended, IsthmusError) else None
    if ended.by in failures:
        return failures[PartyId(ended.by)]
    if ended.by == AGGREGATOR:
        # Ended here, for a refusal that came over Flower; or by the exchange, which lost a party.
        refusals = (
            failure for failure in failures.values() if plain_cause(failure.cause) == ended.given_cause
        )
        return next(refusals, ended)
    return None


def _told(error: BaseException) -> str:
    return error.cause if isinstance(error, IsthmusError) else "internal error at the aggregator"


def _failure(party: PartyId, reply: FailedReply) -> IsthmusError:
    error = PeerFailure(
        reply.cause if party in reply.cause else f"{party}: {reply.cause}",
        advice=f"Ask {party} to run `isthmus party status`, which tells its own people more.",
    )
    error.exit_code = reply.exit_code if reply.exit_code in (2, 3, 4) else 4
    return error


def _receipt(message: Receipt) -> dict[str, object]:
    fields = asdict(message)
    fields["journal_head"] = message.journal_head.hex()
    return fields
