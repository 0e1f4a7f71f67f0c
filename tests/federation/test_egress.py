"""One exit: nothing leaves but a message that flows, written down before it leaves."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

import pytest

from crypto.envelope import Binding, SessionKeys
from crypto.private import Private
from crypto.sealed import MaskedWords, RowMarks, TorusWords
from federation.egress import Egress, Guard
from federation.errors import EgressRefused, PeerSilent
from federation.ids import AGGREGATOR, PartyId
from federation.journal import Entry
from federation.message import Flow, Message, Role
from federation.messages.logistic import GramShare, LogitRange, MaskedLogit
from federation.messages.round import Prepared, TrainingRows
from federation.rehearsal import Ungoverned
from tests.federation.samples import every_message

ROLES = {
    PartyId("bank"): Role.LABEL,
    PartyId("platform"): Role.HELPER,
    PartyId("public"): Role.FEATURE,
    AGGREGATOR: Role.AGGREGATOR,
}
BANK, PLATFORM, PUBLIC = (PartyId(name) for name in ("bank", "platform", "public"))


class Log:
    """A journal and a transport that write into one list, so that their order shows; each may fail."""

    def __init__(self, journal: Exception | None = None, transport: Exception | None = None) -> None:
        self.events: list[tuple[str, PartyId, Any]] = []
        self._journal, self._transport = journal, transport

    def append(self, entry: Entry) -> None:
        if self._journal is not None:
            raise self._journal
        self.events.append(("journal", entry.to, entry))

    def send(self, to: PartyId, envelope: bytes) -> None:
        if self._transport is not None:
            raise self._transport
        self.events.append(("transport", to, envelope))

    def receive(self, sender: PartyId, timeout: float) -> bytes:
        raise NotImplementedError

    def end(self, cause: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def exit_of(me: PartyId, log: Log) -> Egress:
    keys = SessionKeys(me, Binding("run", 1, bytes(32)), {p: p.encode().ljust(32) for p in ROLES if p != me})
    return Egress(Guard(me, ROLES), keys, log, log, "credit-scoring", Ungoverned())


def test_the_guard_lets_through_what_a_message_declares_and_nothing_else() -> None:
    def stands_for(declared: Role, role: Role) -> bool:
        return declared is role or (declared is Role.PARTY and role is not Role.AGGREGATOR)

    def allowed(flow: Flow, sender: Role, to: Role) -> bool:
        return stands_for(flow.sender, sender) and stands_for(flow.to, to)

    seen = set()
    for kind in every_message().values():
        for sender, sender_role in ROLES.items():
            for to, to_role in ROLES.items():
                if sender == to:
                    continue
                expected = any(allowed(flow, sender_role, to_role) for flow in kind.FLOWS)
                seen.add(expected)
                if expected:
                    Guard(sender, ROLES).check(sender, to, kind)
                else:
                    with pytest.raises(EgressRefused):
                        Guard(sender, ROLES).check(sender, to, kind)
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("me", "to", "message"),
    [
        (PLATFORM, AGGREGATOR, MaskedLogit(TorusWords(bytes(4)))),  # Meant for the label party.
        (PLATFORM, PUBLIC, MaskedLogit(TorusWords(bytes(4)))),
        (PUBLIC, BANK, MaskedLogit(TorusWords(bytes(4)))),  # The helper's message.
        (PLATFORM, BANK, LogitRange(1)),  # The label party's message.
        (PUBLIC, AGGREGATOR, GramShare(MaskedWords(bytes(8)))),
        (BANK, AGGREGATOR, TrainingRows(RowMarks(8, b"\x01"))),
        (AGGREGATOR, BANK, Prepared(1)),
        (BANK, BANK, Prepared(1)),  # To itself.
        (BANK, PartyId("stranger"), Prepared(1)),
    ],
)
def test_a_message_that_does_not_flow_there_leaves_no_trace_outside(
    me: PartyId, to: PartyId, message: Message
) -> None:
    log = Log()
    with pytest.raises(EgressRefused):
        exit_of(me, log).send(to, message)
    assert log.events == []


@pytest.mark.parametrize(
    "thing", [b"rows", "rows", 3, [1.0], {"a": 1}, None, Private(b"rows"), TorusWords(bytes(4)), Message]
)
def test_what_is_no_message_is_refused_at_run_time(thing: object) -> None:
    log = Log()
    with pytest.raises(EgressRefused, match="is not a message"):
        exit_of(PLATFORM, log).send(BANK, thing)  # type: ignore[arg-type]
    assert log.events == []


def test_a_message_class_that_nobody_registered_is_refused() -> None:
    class Homemade(Message):
        rows = (1.0, 2.0)

    log = Log()
    with pytest.raises(EgressRefused, match="does not flow"):
        exit_of(PLATFORM, log).send(BANK, Homemade())
    assert log.events == []


def test_a_message_that_holds_something_else_than_it_declares_is_refused() -> None:
    log = Log()
    with pytest.raises(EgressRefused):
        exit_of(PLATFORM, log).send(BANK, Prepared([0.1, 0.2]))  # type: ignore[arg-type]
    assert log.events == []


def test_the_journal_is_written_before_the_transport_sees_the_frame() -> None:
    log = Log()
    out = exit_of(PLATFORM, log)
    out.send(BANK, Prepared(3))
    (first, _, entry), (second, _, envelope) = log.events
    assert (first, second) == ("journal", "transport")
    digest = hashlib.sha256(envelope).hexdigest()
    bound = {"form": "control", "lineage": bytes(32).hex(), "verdict": bytes(32).hex(), "number": 0}
    assert entry == Entry("round/prepared", BANK, len(envelope), digest, "credit-scoring", **bound)
    assert out.sent == {"round/prepared": len(envelope)}


def test_when_the_transport_fails_the_line_is_there() -> None:
    log = Log(transport=PeerSilent("bank", "taking what was sent before", 1))
    with pytest.raises(PeerSilent):
        exit_of(PLATFORM, log).send(BANK, Prepared(3))
    assert [kind for kind, _, _ in log.events] == ["journal"]


def test_when_the_journal_cannot_be_written_nothing_leaves() -> None:
    log = Log(journal=OSError(28, "No space left on device"))
    out = exit_of(PLATFORM, log)
    with pytest.raises(OSError, match="No space"):
        out.send(BANK, Prepared(3))
    assert log.events == [] and not out.sent


def test_messages_of_several_threads_reach_the_wire_in_the_order_of_their_numbers() -> None:
    class Slow(Log):
        """Lets the other threads in between a frame's number and its way out."""

        def append(self, entry: Entry) -> None:
            time.sleep(0.001)
            super().append(entry)

    log = Slow()
    out = exit_of(PLATFORM, log)

    def many() -> None:
        for number in range(15):
            out.send(BANK, Prepared(number))

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    reader = SessionKeys(BANK, Binding("run", 1, bytes(32)), {PLATFORM: b"bank".ljust(32)})
    for kind, _, envelope in log.events:
        if kind == "transport":
            reader.open(PLATFORM, envelope)
    assert len(log.events) == 120


def test_the_journal_and_the_wire_hold_nothing_of_the_content() -> None:
    log = Log()
    exit_of(PLATFORM, log).send(BANK, MaskedLogit(TorusWords(b"91330100MA27XYZ12Q!!")))
    assert all(b"MA27XYZ" not in str(event).encode() for event in log.events)


def test_between_consortia_goes_only_what_may_cross() -> None:
    seats = {PartyId(name): Role.LABEL for name in ("bank-a", "bank-b")} | {PartyId("public-a"): Role.FEATURE}
    consortia = {PartyId("bank-a"): "a", PartyId("public-a"): "a", PartyId("bank-b"): "b"}
    guard = Guard(PartyId("bank-a"), {**seats, AGGREGATOR: Role.AGGREGATOR}, consortia)
    for kind in every_message().values():
        for flow in kind.FLOWS:
            if flow.sender.covers(Role.LABEL) and flow.to.covers(Role.LABEL):
                if kind.CROSSES:
                    guard.check(PartyId("bank-a"), PartyId("bank-b"), kind)
                else:
                    with pytest.raises(EgressRefused, match="does not cross"):
                        guard.check(PartyId("bank-a"), PartyId("bank-b"), kind)
    guard.check(PartyId("bank-a"), PartyId("public-a"), Prepared)
    with pytest.raises(EgressRefused, match="does not cross"):
        guard.check(PartyId("bank-b"), PartyId("public-a"), Prepared)
