"""Conducting a round: from the submitted plan to the last receipt, or to one cause that everybody is told.

wait until every party is online -> open the session at the exchange -> deliver the signed orders
-> sit in the session as the aggregator (progress, matching, sums) -> collect receipts and replies

A horizontal round survives the loss of a party, of a line or of this service: another attempt begins, with
fresh keys and masks, and the parties go on from what they have kept (`parties.horizontal.joining`). It waits
for all parties of the plan as long as the plan says, then goes on with those that are there if these are
`minimum_parties` or more; one that comes later joins in another attempt.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from crypto.codes import Code, coded, parted
from crypto.errors import IsthmusError, Refusal
from federation import files
from federation.clock import timestamp
from federation.coordinator.home import CoordinatorHome
from federation.coordinator.notary import kept
from federation.coordinator.record import Recorder, RoundStatus
from federation.coordinator.seat import AggregatorSeat
from federation.errors import PeerFailure, PeerSilent, SessionEnded, UsageError
from federation.exchange.frames import plain_cause
from federation.flower.replies import FailedReply, Reply
from federation.governance.guard.aggregator import AggregatorPolicy
from federation.governance.guard.party import Attempt
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.journal import FileJournal
from federation.ledger.keeping import keep_decided, keep_members
from federation.messages.round import Step
from federation.order import TAKEN_BEFORE, Order
from federation.plan import Plan, parse
from federation.roster import Roster
from federation.session import Seating, open_session
from federation.transport.exchange import ExchangeTransport
from federation.transport.interface import Transport

_LOOK_SECONDS = 0.3
#: How long the reply of the party that ended a session may come after the others'. Flower polls every 3 s.
_FIRST_HAND_SECONDS = 15.0
#: How long replies are waited for once the session is over. The session said what there is to say, and
#: Flower hands a message out once: one whose answer is lost on the line is not sent again.
_REPLY_SECONDS = 45.0
#: For the same reason an order is delivered again to a party that shows no sign of having it. A party takes
#: an attempt once, so the second copy of an order that did arrive does nothing.
_DELIVER_AGAIN_SECONDS = 20.0
_MOST_DELIVERIES = 4
#: How long the exchange keeps a session open that was opened to be ended.
_INTERRUPTED_SECONDS = 60.0
#: Seconds between two looks for parties that were missing when the attempt began.
_WELCOME_SECONDS = 2.0


class ControlPlane(Protocol):
    """What a round needs of Flower; `federation.flower.server_app.Control` is one, and says more."""

    @property
    def plan_id(self) -> str:
        """The round that was submitted. From outside: looked up, never trusted."""

    @property
    def run_id(self) -> int:
        """Flower's number for the run."""

    def online(self) -> Mapping[int, str]:
        """The nodes that are online now: id -> since when."""

    def deliver(self, node_id: int, payload: bytes) -> None:
        """Queue one payload for a node."""

    def collect(self, timeout: float) -> dict[int, Reply]:
        """The replies that came since the last call, by node; empty after `timeout` seconds without one."""

    def forget(self) -> None:
        """Wait no longer for replies that are due."""

    def returned(self) -> frozenset[int]:
        """The nodes whose forgotten reply has come since the last call."""


class _PartyFailed(PeerFailure):
    """A party's reply says why it stopped; `again` where it was another role's absence that stopped it."""

    code = Code.PARTY_FAILED

    def __init__(self, what: str, *, advice: str, code: Code | None, again: bool) -> None:
        super().__init__(what, advice=advice, code=code)
        self.again = again


class _NobodyCame(PeerSilent):
    """A party did not come online in time, and without it there are too few."""


class Cancelled(PeerFailure):
    """The coordinator's operator cancelled the round."""

    code = Code.CANCELLED
    advice = "Launch it again when you are ready."


def conduct(
    home: CoordinatorHome,
    node_ids: Callable[[], Mapping[PartyId, int]],
    control: ControlPlane,
    stopping: Callable[[], bool] = lambda: False,
    trouble: Callable[[UsageError | None], None] = lambda error: None,
) -> None:
    """Conduct the submitted round that `control.plan_id` names. Raises what ended it; the status says so too.

    `stopping` says whether the service is being stopped: the round is ended then, and everybody told.
    `trouble` is told why the end cannot be written down, each time it was tried, and of None once it was.
    """
    run = RunId(control.plan_id)
    if run not in home.runs():
        raise UsageError(
            "no such round was submitted here", advice="Use `isthmus round launch`.", code=Code.NO_ROUND
        )
    folder = home.round_folder(run)
    status = RoundStatus.load(folder)
    if status.over:
        raise UsageError(f"{run} is over already", advice="Launch the plan again.", code=Code.ROUND_OVER)
    recorder = Recorder(folder, status)
    recorder.update(state="waiting", started=status.started or timestamp(), flower_run=control.run_id)
    cpu = time.process_time()
    try:
        _Round(home, folder, recorder, control, node_ids, stopping).conduct()
    except IsthmusError as error:
        state = "cancelled" if isinstance(error, Cancelled) else "failed"
        end = {"state": state, "cause": error.cause, "exit_code": error.exit_code}
        _write_end(recorder, stopping, trouble, ended=timestamp(), **end)
        raise
    except BaseException as error:
        cause = coded(Code.UNFORESEEN, f"internal error at the aggregator ({type(error).__name__})")
        _write_end(recorder, stopping, trouble, state="failed", cause=cause, exit_code=1, ended=timestamp())
        raise
    cpu_seconds = time.process_time() - cpu
    _write_end(recorder, stopping, trouble, state="finished", ended=timestamp(), cpu_seconds=cpu_seconds)


def _write_end(
    recorder: Recorder,
    stopping: Callable[[], bool],
    trouble: Callable[[UsageError | None], None],
    **end: object,
) -> None:
    """Write down how a round ended, for as long as it takes a full disk to be cleared.

    No other round could be submitted there meanwhile. Where the service is stopped first, the round is ended
    when it starts again (`end_interrupted`).
    """
    while True:
        try:
            recorder.update(**end)
        except UsageError as error:
            trouble(error)
            if stopping():
                raise
            time.sleep(_LOOK_SECONDS)
        else:
            trouble(None)
            return


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A round that a killed service left behind; `resumed` where it is to be submitted again."""

    run: RunId
    resumed: bool


def end_interrupted(home: CoordinatorHome) -> list[Interrupted]:
    """End the attempts that a service left behind when it was killed, and what becomes of their rounds.

    A party that still waits at the exchange, which must run already, is told. A horizontal round is to be
    submitted again, and goes on; any other has failed, and its status says so. A round that was submitted and
    not begun is left for the executor.
    """
    found = []
    for run in home.runs():
        folder = home.round_folder(run)
        status = RoundStatus.load(folder)
        if status.state not in ("waiting", "running"):
            continue
        error = PeerFailure(
            "the federation's service was killed before the round was over",
            advice="Launch the plan again.",
            code=Code.SERVICE_STOPPED,
        )
        if status.attempt:
            meeting = RunId(f"{run}.{status.attempt}")
            transport = _aggregator_seat(home, meeting, list(status.parties), _INTERRUPTED_SECONDS)
            try:
                transport.end(
                    error.cause
                )  # Opens the session anew, which seats of the old one hear as its end.
            finally:
                transport.close()
        resumed = parse(files.read(folder / "plan.json")).shape == "horizontal"
        recorder = Recorder(folder, status)
        if resumed:
            recorder.update(state="submitted", interruptions=[*status.interruptions, error.cause])
        else:
            recorder.update(state="failed", cause=error.cause, exit_code=error.exit_code, ended=timestamp())
        found.append(Interrupted(run, resumed))
    return found


def _aggregator_seat(
    home: CoordinatorHome, meeting: RunId, parties: list[PartyId], ttl: float, patience: float = 30.0
) -> ExchangeTransport:
    return ExchangeTransport(
        AGGREGATOR,
        meeting,
        str(home.settings().exchange),
        home.authority(),
        home.tls_certificate(),
        home.tls_key(),
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
        self._looked = time.monotonic()
        self._seat: AggregatorSeat | None = None
        self._joining = ""  # Why the members of this attempt were asked to pause.
        self._orders: dict[PartyId, bytes] = {}
        self._digests: dict[PartyId, str] = {}
        self._delivered = (0, time.monotonic())  # how often in this attempt, and when last
        self._known: Counter[PartyId] = Counter()  # the copies that came to a party which had one before
        self._lost: dict[int, str] = {}  # node -> since when it was online before it was lost

    def conduct(self) -> None:
        """Attempt after attempt, until one comes to its end or fails in a way that another would too."""
        broken: PeerFailure | None = None
        attempt = self._recorder.status.attempt
        while True:
            try:
                self._attempt()
                return
            except _NobodyCame as error:
                if broken is None:
                    raise
                # What ended the last attempt is what everybody was told: who is idle again hears no more.
                self._recorder.update(interruptions=[*self._recorder.status.interruptions, error.cause])
                raise broken from error
            except PeerFailure as error:
                if not self._resumable(error):
                    raise
                if self._recorder.status.attempt == attempt:  # It could not begin, as without the SuperLink.
                    time.sleep(_LOOK_SECONDS)
                    continue
                broken, attempt = error, self._recorder.status.attempt
                causes = [*self._recorder.status.interruptions, self._joining or error.cause]
                self._recorder.update(state="waiting", interruptions=causes)
                self._joining = ""

    def _attempt(self) -> None:
        roster, self._seat = self._home.roster(), None
        for party in self._recorder.status.parties:
            self._recorder.update_party(party, state="waiting", step="")
        nodes = self._wait_online(roster)
        self._recorder.update(attempt=self._recorder.status.attempt + 1)
        seating = self._seating(roster, tuple(nodes))
        transport = self._open_exchange(seating)
        try:
            self._recorder.update(state="running")
            self._deliver(roster, nodes)
            with ThreadPoolExecutor(1) as seat:
                sitting = seat.submit(self._sit, transport, seating)
                try:
                    self._watch(nodes, transport, sitting)
                    self._wait_for_receipts(sitting, tuple(nodes))
                except BaseException as error:
                    # Before the pool waits for the seat, which waits for the end.
                    transport.end(_told(error))
                    raise
        except BaseException as error:
            transport.end(_told(error))
            self._control.forget()
            raise
        finally:
            transport.close()

    def _resumable(self, error: PeerFailure) -> bool:
        """Whether another attempt may succeed: somebody was lost, and nobody has refused anything."""
        return (
            self._plan.shape == "horizontal"
            and self._recorder.status.attempt < self._plan.most_attempts
            and (not isinstance(error, _PartyFailed) or error.again)
            and not isinstance(error, Cancelled | _NobodyCame)
            and time.monotonic() < self._deadline
        )

    # -- before the session ------------------------------------------------------------------------

    def _wait_online(self, roster: Roster) -> dict[PartyId, int]:
        """Node ids of those who take part: all parties, or enough of them once the plan's patience is over.

        Raises `PeerSilent` naming those that are missing.
        """
        wanted = [PartyId(name) for name in self._plan.parties]
        roster.check_admitted(wanted)  # Again: a member may have been removed since the launch.
        patience = self._plan.deadlines.join_seconds
        until = time.monotonic() + patience
        while True:
            self._check_cancelled()
            nodes = self._present()
            for party in nodes:
                if self._recorder.status.parties[party].state == "waiting":
                    self._recorder.update_party(party, state="online")
            missing = [party for party in wanted if party not in nodes]
            waited = time.monotonic() > until
            if not missing or (waited and self._enough(len(nodes))):
                return {party: nodes[party] for party in wanted if party in nodes}
            if waited:
                raise _NobodyCame(", ".join(missing), "coming online", patience)
            time.sleep(_LOOK_SECONDS)

    def _enough(self, present: int) -> bool:
        return self._plan.shape == "horizontal" and present >= self._plan.least_parties

    def _present(self) -> dict[PartyId, int]:
        """The parties that are online, with their nodes; not one that was lost and has not come back."""
        nodes, online = self._node_ids(), self._control.online()
        for node in self._control.returned():
            self._lost.pop(node, None)
        self._lost = {node: since for node, since in self._lost.items() if online.get(node, since) == since}
        return {
            party: node
            for name in self._plan.parties
            if (node := nodes.get(party := PartyId(name), -1)) in online and node not in self._lost
        }

    def _open_exchange(self, seating: Seating) -> ExchangeTransport:
        deadlines = self._plan.deadlines
        return _aggregator_seat(
            self._home,
            seating.meeting,
            list(seating.parties),
            deadlines.run_seconds,
            deadlines.message_seconds,
        )

    def _deliver(self, roster: Roster, nodes: Mapping[PartyId, int]) -> None:
        identity = self._home.identity()
        members = tuple(nodes)
        needed = Roster(roster.federation, {party: roster.members[party] for party in members})
        attempt = self._recorder.status.attempt
        for party, node in nodes.items():
            order = Order(self._run, attempt, party, self._plan, needed, members)
            self._orders[party], self._digests[party] = order.seal(identity), order.digest
            self._control.deliver(node, self._orders[party])
        self._delivered, self._known = (1, time.monotonic()), Counter()

    def _deliver_again(self, nodes: Mapping[PartyId, int]) -> None:
        """The orders of those that have told of no step yet, in case Flower lost them on the way."""
        times, last = self._delivered
        if times == _MOST_DELIVERIES or time.monotonic() < last + _DELIVER_AGAIN_SECONDS:
            return
        self._delivered = (times + 1, time.monotonic())
        for party, node in nodes.items():
            if not self._recorder.status.parties[party].step:
                self._control.deliver(node, self._orders[party])

    # -- while it runs -----------------------------------------------------------------------------

    def _watch(self, nodes: Mapping[PartyId, int], transport: Transport, sitting: Future[None]) -> None:
        """Until every party has replied: pass on a refusal, a cancellation, the deadline, a late comer."""
        party_of = {node: party for party, node in nodes.items()}
        waiting, unanswered = set(nodes), set[PartyId]()
        online = self._control.online()
        failures: dict[PartyId, IsthmusError] = {}
        first_failed = session_over = 0.0
        while waiting:
            self._check_cancelled()
            if time.monotonic() > self._deadline:
                raise PeerSilent(
                    ", ".join(sorted(waiting)), "finishing the round", self._plan.deadlines.run_seconds
                )
            if not failures:
                self._welcome(nodes)
                self._deliver_again({party: node for party, node in nodes.items() if party in waiting})
            for node, answer in self._control.collect(_LOOK_SECONDS).items():
                party = party_of[node]
                reply = self._ran_before(party) if answer == TAKEN_BEFORE else answer
                if reply is None:
                    continue
                if isinstance(reply, FailedReply) and reply.lost:
                    # Of a party that is gone the exchange tells; one that is there is in the session.
                    unanswered.add(party)
                    continue
                waiting.discard(party)
                if isinstance(reply, FailedReply):
                    self._recorder.update_party(party, state="failed")
                    failures[party] = _failure(party, reply)
                    if parted(reply.cause)[0] is Code.NODE_STOPPED:
                        # Flower may count it as online for a while.
                        self._lost[node] = online.get(node, "")
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
            if sitting.done():
                session_over = session_over or time.monotonic()
                if time.monotonic() > session_over + _REPLY_SECONDS or waiting <= unanswered:
                    break
        self._lost |= {nodes[party]: online.get(nodes[party], "") for party in waiting}
        if failures:
            raise _first_hand(sitting.exception(), failures) or next(iter(failures.values()))

    def _ran_before(self, party: PartyId) -> FailedReply | None:
        """A party had an order before: a failure if it says so of every copy and takes no step."""
        self._known[party] += 1
        if self._known[party] < self._delivered[0] or self._recorder.status.parties[party].step:
            return None
        attempt = self._recorder.status.attempt
        before = coded(Code.ALREADY_RAN, f"attempt {attempt} at {self._run} was run at {party} before")
        return FailedReply(Refusal.exit_code, before)

    def _welcome(self, nodes: Mapping[PartyId, int]) -> None:
        """Let the members pause when a party that this attempt lacks has come, and there is training left."""
        complete = len(nodes) == len(self._plan.parties) or self._joining
        if complete or time.monotonic() < self._looked + _WELCOME_SECONDS:
            return
        self._looked = time.monotonic()
        steps = {self._recorder.status.parties[party].step for party in nodes}
        if steps & {Step.EVALUATE.value, Step.DONE.value}:
            return
        late = [party for party in self._present() if party not in nodes]
        if late and self._seat is not None:
            self._joining = f"{', '.join(late)} has come, and the round goes on with it"
            self._seat.pause()

    def _wait_for_receipts(self, sitting: Future[None], members: tuple[PartyId, ...]) -> None:
        """Every party has replied, so its receipt is on the way, or what the seat met is raised."""
        patience = self._plan.deadlines.message_seconds
        try:
            sitting.result(patience)
        except FutureTimeout:
            raise PeerSilent(", ".join(members), "sending its receipt", patience) from None

    def _check_cancelled(self) -> None:
        if (self._folder / "cancel").exists():
            raise Cancelled("the coordinator cancelled the round")
        if self._stopping():
            raise Cancelled("the federation's service was stopped", code=Code.SERVICE_STOPPED)

    # -- the aggregator's seat ---------------------------------------------------------------------

    def _sit(self, transport: Transport, seating: Seating) -> None:
        policy = AggregatorPolicy(Attempt(self._plan, self._run, seating.roles))
        keep_members(self._folder, seating.identities, {})
        journal = FileJournal(self._folder / "journal.jsonl")
        try:
            with kept(self._home, seating, self._digests, journal.path) as notary:
                notary.begin(policy.evidence())
                session = open_session(AGGREGATOR, self._home.identity(), seating, transport, journal, policy)
                notary.witness(session)
                self._seat = AggregatorSeat(session, self._plan, self._recorder)
                self._seat.listen()
                notary.finish(session)
        finally:
            journal.close()
            decided = policy.evidence()
            keep_decided(self._folder, decided.policy, decided.entities, decided.verdicts)

    def _seating(self, roster: Roster, members: tuple[PartyId, ...]) -> Seating:
        plan = self._plan
        parties = {party: roster.members[party].identity for party in members}
        return Seating(
            run=self._run,
            attempt=self._recorder.status.attempt,
            plan_digest=plan.digest,
            purpose=plan.purpose,
            roles={seat: role for seat, role in plan.roles().items() if seat in (*members, AGGREGATOR)},
            identities={**parties, AGGREGATOR: self._home.identity().public},
            patience=plan.deadlines.message_seconds,
            consortia={party: name for party, name in plan.consortia().items() if party in parties},
        )


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
    if isinstance(error, IsthmusError):
        return error.cause
    return coded(Code.UNFORESEEN, "internal error at the aggregator")


def _failure(party: PartyId, reply: FailedReply) -> IsthmusError:
    code, told = parted(reply.cause)
    error = _PartyFailed(
        told if party in told else f"{party}: {told}",
        advice=f"Ask {party} to run `isthmus party status`, which tells its own people more.",
        code=code,
        again=reply.exit_code == PeerFailure.exit_code,
    )
    error.exit_code = reply.exit_code if reply.exit_code in (2, 3, 4) else 4
    return error
