"""The aggregator's seat in a session: it hears where everyone is, matches tags, and takes receipts.

It holds no key that opens anything but what is sent to it.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict

from crypto.errors import IsthmusError
from crypto.sealed import WireRefused
from crypto.summation.schemes import protection
from federation.coordinator.record import Recorder
from federation.errors import PeerSilent, SessionEnded
from federation.ids import PartyId
from federation.messages.alignment import RingTags
from federation.messages.round import Progress, Receipt
from federation.messages.sum import Upload
from federation.plan import Plan
from federation.protocols.matching import common_rows
from federation.secure_sum.adder import Adder
from federation.session import Session

#: Seconds between two looks at the sums that wait.
_LOOK_SECONDS = 0.5
#: Of a message's patience: the aggregator knows who is missing, and should say so before members give up.
_BEFORE_THE_MEMBERS = 0.9


class AggregatorSeat:
    """What the aggregator does in a session: hear where everyone is, match tags, add sealed vectors."""

    def __init__(self, session: Session, plan: Plan, recorder: Recorder) -> None:
        self._session = session
        self._plan = plan
        self._recorder = recorder
        self._lock = threading.Lock()
        self._tags: dict[PartyId, RingTags] = {}
        self._adder = Adder(session, protection(plan.sum.protection, seeded=plan.sum.seeded))

    def pause(self) -> None:
        """Ask the members of a horizontal round to stop after the training round that they are in."""
        self._adder.pause()

    def listen(self) -> None:
        """Until every party has sent its receipt. Raises what ended the session, first-hand where known."""
        parties = self._session.seating.parties
        with ThreadPoolExecutor(len(parties)) as pool:
            hearing = [pool.submit(self._hear, party) for party in parties]
            silent = self._watch_sums(hearing)
            errors = [error for each in hearing if (error := each.exception()) is not None]
        if silent is not None:
            raise silent
        if errors:
            raise next((e for e in errors if not isinstance(e, SessionEnded)), errors[0])

    def _watch_sums(self, hearing: list[Future[None]]) -> PeerSilent | None:
        """Until all are heard to the end: end the session when a sum waits too long for a party's vector."""
        while wait(hearing, _LOOK_SECONDS).not_done:
            try:
                self._adder.check_waits(self._plan.deadlines.message_seconds * _BEFORE_THE_MEMBERS)
            except PeerSilent as error:
                self._session.end(error.cause)
                return error
        return None

    def _hear(self, party: PartyId) -> None:
        try:
            while True:
                message = self._session.receive(
                    party, Progress, RingTags, Upload, Receipt, patience=self._plan.deadlines.run_seconds
                )
                if isinstance(message, Progress):
                    self._progress(party, message)
                elif isinstance(message, RingTags):
                    self._match(party, message)
                elif isinstance(message, Upload):
                    self._adder.take(party, message)
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
        """Keep the tags; when all sets of a consortium are here, tell each of its parties its own rows."""
        ring = self._session.seating.fellows(maker)
        with self._lock:
            expected = ring[(ring.index(maker) + 1) % len(ring)]
            if message.owner != expected or message.owner in self._tags:
                raise WireRefused("RingTags: of another set than the one due", party=maker)
            self._tags[message.owner] = message
            if not all(party in self._tags for party in ring):
                return
            tags = {party: self._tags[party].tags for party in ring}
        for party, rows in common_rows(tags, self._plan.alignment.minimum_intersection).items():
            self._session.send(party, rows)


def _receipt(message: Receipt) -> dict[str, object]:
    fields = asdict(message)
    fields["journal_head"] = message.journal_head.hex()
    return fields
