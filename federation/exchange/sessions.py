"""Who sits in which session: what the exchange knows, decided without a network.

Nothing here looks into a body, and nothing is kept of a frame once it is in its recipient's mailbox.
A frame for a seat that is away is dropped: its sender still has it, and is told when the seat is back.

Everything runs on one event loop; `call_later` is that loop's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from crypto.codes import Code, coded
from crypto.errors import Refusal
from federation.exchange.frames import (
    NO_GENERATION,
    Ack,
    Data,
    End,
    Frame,
    Join,
    Leave,
    Open,
    Presence,
    Seen,
    Welcome,
    encode,
    plain_cause,
)
from federation.exchange.mailbox import Mailbox
from federation.exchange.service import Reason
from federation.ids import AGGREGATOR, PartyId, RunId

_log = logging.getLogger(__name__)

#: How many ended sessions are remembered, so that a seat which comes late learns why.
_REMEMBERED = 256
#: How long a seat of an earlier generation waits to hear why the session was opened anew.
_ANEW_SECONDS = 2.0


class StreamRefused(Refusal):
    """The exchange closes one stream; the others go on."""

    code = Code.STREAM_REFUSED

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was relayed from one seat to another, repeats after a broken stream included."""

    frames: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Relayed:
    """What an exchange has relayed since it started, by sender and recipient, and its open sessions."""

    traffic: dict[tuple[PartyId, PartyId], Traffic]
    open: int


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """One session as the exchange sees it. `ended` is None while it is open."""

    session: RunId
    members: tuple[PartyId, ...]
    present: frozenset[PartyId]
    left: frozenset[PartyId]
    ended: End | None
    traffic: dict[tuple[PartyId, PartyId], Traffic]


class Timer(Protocol):
    """A call that was put off and may be called off."""

    def cancel(self) -> None:
        """Call it off; nothing happens when it was made already."""


CallLater = Callable[[float, Callable[[], None]], Timer]


@dataclass(eq=False, slots=True)
class Seat:
    """One member's place in one session."""

    party: PartyId
    incarnation: bytes = NO_GENERATION
    mailbox: Mailbox | None = None  # None while the seat is away.
    left: bool = False
    departure: Timer | None = None

    def presence(self) -> Presence:
        """Where the seat is now."""
        if self.left:
            return Presence.LEFT
        return Presence.AWAY if self.mailbox is None else Presence.HERE


@dataclass(eq=False, slots=True)
class Session:
    """One session, open or remembered."""

    name: RunId
    generation: bytes
    seats: dict[PartyId, Seat]
    ended: End | None = None
    expiry: Timer | None = None
    traffic: dict[tuple[PartyId, PartyId], list[int]] = field(default_factory=dict)
    stale: list[Mailbox] = field(default_factory=list)  # of seats of an earlier generation, not answered yet

    def tell(self, frame: Frame, *, but: Seat | None = None) -> None:
        """Put a frame of the exchange's own into the mailbox of every seat that is here."""
        raw = encode(frame)
        for seat in self.seats.values():
            if seat.mailbox is not None and seat is not but:
                seat.mailbox.put_now(raw)

    def status(self) -> SessionStatus:
        """The session as it is now; later changes do not show in it."""
        return SessionStatus(
            self.name,
            tuple(self.seats),
            frozenset(seat.party for seat in self.seats.values() if seat.mailbox is not None),
            frozenset(seat.party for seat in self.seats.values() if seat.left),
            self.ended,
            {pair: Traffic(frames, size) for pair, (frames, size) in self.traffic.items()},
        )


@dataclass(frozen=True, slots=True, eq=False)
class Attachment:
    """A stream that holds a seat: what the server feeds and empties."""

    session: Session
    seat: Seat
    mailbox: Mailbox


class Sessions:
    """All sessions of one exchange."""

    def __init__(self, call_later: CallLater, grace_seconds: float) -> None:
        self._call_later = call_later
        self._grace = grace_seconds
        self._open: dict[RunId, Session] = {}
        self._ended: dict[RunId, Session] = {}
        self._relayed: dict[tuple[PartyId, PartyId], Traffic] = {}

    def attach(self, name: PartyId, first: Frame) -> Attachment:
        """Seat the stream of the certificate `name`, by its first frame. Raises `StreamRefused`."""
        match first:
            case Open():
                _require(name == AGGREGATOR, Reason.NOT_YOURS)
                self._make(first)
                return self._sit(name, first.session, first.incarnation, first.incarnation)
            case Join():
                _require(name == first.party, Reason.NOT_YOURS)
                return self._sit(name, first.session, first.incarnation, first.generation)
        raise StreamRefused(Reason.MALFORMED)

    async def take(self, attachment: Attachment, frame: Frame, raw: bytes) -> None:
        """Do what a seated stream's frame asks. Raises `StreamRefused`."""
        session, seat = attachment.session, attachment.seat
        _require(frame.session == session.name, Reason.NOT_YOURS)
        if attachment.mailbox in session.stale:
            return  # What it says is of another session.
        match frame:
            case Data() | Ack():
                _require(frame.sender == seat.party, Reason.NOT_YOURS)
                await self._relay(session, frame, raw)
            case End():
                _require(frame.by == seat.party, Reason.NOT_YOURS)
                self._finish(session, frame)
            case Leave():
                _require(frame.party == seat.party, Reason.NOT_YOURS)
                self._leave(attachment)
            case _:
                raise StreamRefused(Reason.MALFORMED)

    def detach(self, attachment: Attachment) -> None:
        """The stream is gone. Unless another took its place, the seat has `grace_seconds` to return."""
        session, seat = attachment.session, attachment.seat
        attachment.mailbox.close()
        if seat.mailbox is not attachment.mailbox:
            return
        seat.mailbox = None
        if session.ended is None and not seat.left:
            session.tell(Seen(session.name, seat.party, seat.incarnation, Presence.AWAY))
            seat.departure = self._call_later(
                self._grace,
                lambda: self._finish(session, End(session.name, AGGREGATOR, f"{seat.party} left")),
            )

    def end(self, name: RunId, by: PartyId, cause: str) -> None:
        """End an open session for all its seats; nothing happens when there is none of that name."""
        session = self._open.get(name)
        if session is not None:
            self._finish(session, End(name, by, plain_cause(cause)))

    def cut(self) -> None:
        """Let every stream go and forget every timer; the sessions are not ended."""
        for session in self._open.values():
            _cancel(session.expiry)
            for seat in session.seats.values():
                _cancel(seat.departure)
                if seat.mailbox is not None:
                    seat.mailbox.close()
                    seat.mailbox = None

    def status(self) -> tuple[SessionStatus, ...]:
        """Every session that is open or still remembered, the oldest first."""
        return tuple(session.status() for session in (*self._ended.values(), *self._open.values()))

    def relayed(self) -> Relayed:
        """What was relayed since the start, in sessions that are forgotten too, and how many are open."""
        return Relayed(dict(self._relayed), len(self._open))

    def _make(self, order: Open) -> None:
        members = dict.fromkeys((AGGREGATOR, *order.members))
        known = self._open.get(order.session)
        if known is not None and known.generation == order.incarnation:
            _require(known.seats.keys() == members.keys(), Reason.MALFORMED)
            return
        if known is not None:
            self._finish(known, End(order.session, AGGREGATOR, "the coordinator opened the session anew"))
        past = self._ended.get(order.session)
        if past is not None and past.generation == order.incarnation:
            return  # It ended while its opener was cut off: `_sit` tells why.
        self._ended.pop(order.session, None)
        session = Session(order.session, order.incarnation, {party: Seat(party) for party in members})
        session.expiry = self._call_later(
            order.ttl_seconds,
            lambda: self._finish(
                session, End(session.name, AGGREGATOR, f"the session's {order.ttl_seconds} s ran out")
            ),
        )
        self._open[order.session] = session
        _log.info("session %s is open for %d members", session.name, len(members))

    def _sit(self, party: PartyId, name: RunId, incarnation: bytes, generation: bytes) -> Attachment:
        session = self._open.get(name) or self._ended.get(name)
        if session is None:
            raise StreamRefused(Reason.NOT_OPEN)
        seat = session.seats.get(party)
        if seat is None:
            raise StreamRefused(Reason.NOT_A_MEMBER)
        mailbox = Mailbox()
        attachment = Attachment(session, seat, mailbox)
        if session.ended is not None:
            mailbox.close(encode(session.ended))
            return attachment
        if generation not in (NO_GENERATION, session.generation):
            # A coordinator that was killed opens the session anew only to say why it is over: who comes
            # between the two hears that, as all others do.
            anew = encode(End(name, AGGREGATOR, "the coordinator opened the session anew"))
            session.stale.append(mailbox)
            self._call_later(_ANEW_SECONDS, lambda: mailbox.close(anew))
            return attachment
        _require(not seat.left, Reason.LEFT)
        _require(seat.incarnation in (NO_GENERATION, incarnation), Reason.TAKEN)
        self._replace(session, seat, mailbox, incarnation)
        return attachment

    def _replace(self, session: Session, seat: Seat, mailbox: Mailbox, incarnation: bytes) -> None:
        if seat.mailbox is not None:
            seat.mailbox.close()  # The old stream is dead and does not know it yet.
        _cancel(seat.departure)
        seat.departure = None
        seat.incarnation = incarnation
        seat.mailbox = mailbox
        mailbox.put_now(encode(Welcome(session.name, session.generation, tuple(session.seats))))
        for other in session.seats.values():
            if other is not seat and other.incarnation != NO_GENERATION:
                mailbox.put_now(encode(Seen(session.name, other.party, other.incarnation, other.presence())))
        session.tell(Seen(session.name, seat.party, incarnation, Presence.HERE), but=seat)

    async def _relay(self, session: Session, frame: Data | Ack, raw: bytes) -> None:
        seat = session.seats.get(frame.recipient)
        if seat is None or frame.recipient == frame.sender:
            raise StreamRefused(Reason.MALFORMED)
        if seat.mailbox is None:
            return
        if isinstance(frame, Data):
            traffic = session.traffic.setdefault((frame.sender, frame.recipient), [0, 0])
            traffic[0] += 1
            traffic[1] += len(frame.body)
            pair = frame.sender, frame.recipient
            past = self._relayed.get(pair, Traffic(0, 0))
            self._relayed[pair] = Traffic(past.frames + 1, past.bytes + len(frame.body))
        try:
            await seat.mailbox.put(raw, self._grace)
        except TimeoutError:
            cause = coded(Code.PEER_SILENT, f"{seat.party} took nothing for {self._grace:g} s")
            self._finish(session, End(session.name, AGGREGATOR, cause))

    def _leave(self, attachment: Attachment) -> None:
        session, seat = attachment.session, attachment.seat
        seat.left = True
        seat.mailbox = None
        attachment.mailbox.close()
        session.tell(Seen(session.name, seat.party, seat.incarnation, Presence.LEFT))
        if all(other.left for other in session.seats.values()):
            self._finish(session, End(session.name, AGGREGATOR, "every seat has left"))

    def _finish(self, session: Session, end: End) -> None:
        if session.ended is not None:
            return
        session.ended = end
        _cancel(session.expiry)
        raw = encode(end)
        for mailbox in session.stale:
            mailbox.close(raw)
        for seat in session.seats.values():
            _cancel(seat.departure)
            if seat.mailbox is not None:
                seat.mailbox.close(raw)
                seat.mailbox = None
        if self._open.get(session.name) is session:
            del self._open[session.name]
        self._ended[session.name] = session
        while len(self._ended) > _REMEMBERED:
            del self._ended[next(iter(self._ended))]
        _log.info("session %s was ended by %s: %s", end.session, end.by, end.cause)


def _require(condition: bool, reason: Reason) -> None:
    if not condition:
        raise StreamRefused(reason)


def _cancel(timer: Timer | None) -> None:
    if timer is not None:
        timer.cancel()
