"""The outer frame between a seat and the exchange: who, to whom, which piece; never what is inside.

Layout, version 1: version (u8), kind (u8), then the kind's fields in the order of its class. Integers
are big-endian; a name is a u8 length and ASCII; a cause is a u16 length and UTF-8; a body is the rest.
The form is canonical: bytes that `parse` accepts are the bytes that `encode` makes of the result.
"""

from __future__ import annotations

import enum
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from crypto.codes import Code
from federation.errors import MessageRefused, UsageError
from federation.ids import AGGREGATOR, PartyId, RunId, party_id

VERSION = 1

#: The largest body of one data frame, in bytes: small enough that a short message is not held up long.
CHUNK_BYTES = 1 << 20

#: The largest frame, in bytes: a body and the longest header.
FRAME_BYTES = CHUNK_BYTES + 4096

#: Bytes of a seat's incarnation: random, new for each transport, so that a seat that came back with its
#: place in every queue is told from one that lost it.
INCARNATION_BYTES = 16

#: "No session seen yet" in the field of `Join` that names the session's generation.
NO_GENERATION = bytes(INCARNATION_BYTES)

_CAUSE_BYTES = 500
_MAX_TTL_SECONDS = 30 * 24 * 3600
_MAX_MEMBERS = 64
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


class Presence(enum.IntEnum):
    """Where a seat is: joined, broken off (it may come back within the grace), or gone for good."""

    HERE = 1
    AWAY = 2
    LEFT = 3


@dataclass(frozen=True, slots=True)
class Open:
    """Aggregator to exchange: this session exists, for these members and so long; I take my seat in it.

    The opener's incarnation is the session's generation.
    """

    session: RunId
    incarnation: bytes
    ttl_seconds: int
    members: tuple[PartyId, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """Seat to exchange: I take (or take again) my seat, in the generation I know, if I know one."""

    session: RunId
    party: PartyId
    incarnation: bytes
    generation: bytes


@dataclass(frozen=True, slots=True)
class Welcome:
    """Exchange to seat: you are in; these are the members."""

    session: RunId
    generation: bytes
    members: tuple[PartyId, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """Exchange to seat: where another seat is now. `HERE` asks for what it has not acknowledged."""

    session: RunId
    party: PartyId
    incarnation: bytes
    presence: Presence


@dataclass(frozen=True, slots=True)
class Data:
    """Seat to seat: one piece of an envelope. Sequences count from 1 per (sender, recipient)."""

    session: RunId
    sender: PartyId
    recipient: PartyId
    sequence: int
    acknowledged: int  # The sender has everything from the recipient up to this sequence.
    last: bool  # The envelope is complete with this piece.
    body: bytes | memoryview


@dataclass(frozen=True, slots=True)
class Ack:
    """Seat to seat: the sender of this has everything from the recipient up to `acknowledged`."""

    session: RunId
    sender: PartyId
    recipient: PartyId
    acknowledged: int


@dataclass(frozen=True, slots=True)
class End:
    """Seat to exchange and exchange to seats: the session is over, ended by `by` because of `cause`."""

    session: RunId
    by: PartyId
    cause: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Seat to exchange: I am done; the others may go on without me."""

    session: RunId
    party: PartyId


Frame = Open | Join | Welcome | Seen | Data | Ack | End | Leave

_KINDS: tuple[type, ...] = (Open, Join, Welcome, Seen, Data, Ack, End, Leave)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS, start=1)}
_DATA = _NUMBERS[Data]
_DATA_TAIL = struct.Struct("!QQB")


def encode(frame: Frame) -> bytes:
    """The bytes of a frame. A data frame's body is copied once."""
    head = bytes((VERSION, _NUMBERS[type(frame)])) + _name(frame.session)
    match frame:
        case Data():
            tail = _DATA_TAIL.pack(frame.sequence, frame.acknowledged, frame.last)
            return b"".join((head, _name(frame.sender), _name(frame.recipient), tail, frame.body))
        case Ack():
            return head + _name(frame.sender) + _name(frame.recipient) + _u64(frame.acknowledged)
        case Open():
            return head + frame.incarnation + struct.pack("!I", frame.ttl_seconds) + _names(frame.members)
        case Join():
            return head + _name(frame.party) + frame.incarnation + frame.generation
        case Welcome():
            return head + frame.generation + _names(frame.members)
        case Seen():
            return head + _name(frame.party) + frame.incarnation + bytes((frame.presence,))
        case End():
            cause = frame.cause.encode()
            return head + _name(frame.by) + struct.pack("!H", len(cause)) + cause
        case Leave():
            return head + _name(frame.party)


def parse(raw: bytes) -> Frame:
    """The frame in `raw`; a data frame's body is a view of `raw`, not a copy.

    Raises `MessageRefused` when `raw` is not exactly one well-formed frame of this version.
    """
    if len(raw) > FRAME_BYTES:
        raise MessageRefused("a frame is longer than frames may be", code=Code.MESSAGE_SIZE)
    reader = _Reader(raw)
    if reader.u8() != VERSION:
        raise MessageRefused("a frame is of another version", code=Code.MESSAGE_VERSION)
    number = reader.u8()
    if number == _DATA:
        return _parse_data(reader)
    parser = _PARSERS.get(number)
    if parser is None:
        raise MessageRefused("a frame is of an unknown kind")
    frame = parser(reader)
    reader.finish()
    return frame


def plain_cause(text: str) -> str:
    """`text` as a cause that may travel: one printable line of at most 500 bytes."""
    line = "".join(letter if letter.isprintable() else " " for letter in text).strip()
    return line.encode()[:_CAUSE_BYTES].decode(errors="ignore").strip() or "no cause given"


def run_name(text: str) -> RunId:
    """`text` as a session's name. Raises `MessageRefused` unless it is 1 to 128 of A-Z a-z 0-9 . _ : -"""
    if not _RUN.fullmatch(text):
        raise MessageRefused("a session's name is not well-formed")
    return RunId(text)


class _Reader:
    """Takes fields off the front of a frame; refuses what is not there."""

    __slots__ = ("_at", "_raw")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._raw):
            raise MessageRefused("a frame is cut short")
        taken = self._raw[self._at : end]
        self._at = end
        return taken

    def u8(self) -> int:
        return self.take(1)[0]

    def unsigned(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def text(self) -> str:
        try:
            return self.take(self.u8()).decode("ascii")
        except UnicodeDecodeError:
            raise MessageRefused("a frame's name is not ASCII") from None

    def session(self) -> RunId:
        return run_name(self.text())

    def seat(self) -> PartyId:
        name = self.text()
        if name == AGGREGATOR:
            return AGGREGATOR
        try:
            return party_id(name)
        except UsageError:
            raise MessageRefused("a frame names no possible party") from None

    def seats(self) -> tuple[PartyId, ...]:
        members = tuple(self.seat() for _ in range(self.u8()))
        if not members or len(members) > _MAX_MEMBERS or len(set(members)) != len(members):
            raise MessageRefused("a frame's list of members is empty, too long or repeats a name")
        return members

    def incarnation(self) -> bytes:
        return self.take(INCARNATION_BYTES)

    def own_incarnation(self) -> bytes:
        incarnation = self.incarnation()
        if incarnation == NO_GENERATION:
            raise MessageRefused("a seat's incarnation is empty")
        return incarnation

    def presence(self) -> Presence:
        try:
            return Presence(self.u8())
        except ValueError:
            raise MessageRefused("a frame's presence is unknown") from None

    def cause(self) -> str:
        try:
            cause = self.take(self.unsigned(2)).decode()
        except UnicodeDecodeError:
            raise MessageRefused("a cause is not UTF-8") from None
        if cause != plain_cause(cause):
            raise MessageRefused("a cause is not one short printable line")
        return cause

    def rest(self) -> memoryview:
        rest = memoryview(self._raw)[self._at :]
        self._at = len(self._raw)
        return rest

    def finish(self) -> None:
        if self._at != len(self._raw):
            raise MessageRefused("a frame is followed by bytes that do not belong to it")


def _parse_data(reader: _Reader) -> Data:
    session, sender, recipient = reader.session(), reader.seat(), reader.seat()
    sequence, acknowledged, last = _DATA_TAIL.unpack(reader.take(_DATA_TAIL.size))
    body = reader.rest()
    if last > 1 or sequence == 0:
        raise MessageRefused("a data frame's header is out of range")
    if len(body) > CHUNK_BYTES or (not body and not last):
        raise MessageRefused("a data frame's body is too long, or empty before the end")
    return Data(session, sender, recipient, sequence, acknowledged, bool(last), body)


def _parse_open(reader: _Reader) -> Open:
    frame = Open(reader.session(), reader.own_incarnation(), reader.unsigned(4), reader.seats())
    if not 1 <= frame.ttl_seconds <= _MAX_TTL_SECONDS:
        raise MessageRefused("a session's time to live is not between a second and 30 days")
    return frame


def _parse_join(reader: _Reader) -> Join:
    return Join(reader.session(), reader.seat(), reader.own_incarnation(), reader.incarnation())


def _parse_welcome(reader: _Reader) -> Welcome:
    return Welcome(reader.session(), reader.incarnation(), reader.seats())


def _parse_seen(reader: _Reader) -> Seen:
    return Seen(reader.session(), reader.seat(), reader.incarnation(), reader.presence())


def _parse_ack(reader: _Reader) -> Ack:
    return Ack(reader.session(), reader.seat(), reader.seat(), reader.unsigned(8))


def _parse_end(reader: _Reader) -> End:
    return End(reader.session(), reader.seat(), reader.cause())


def _parse_leave(reader: _Reader) -> Leave:
    return Leave(reader.session(), reader.seat())


_PARSERS: dict[int, Callable[[_Reader], Frame]] = {
    _NUMBERS[Open]: _parse_open,
    _NUMBERS[Join]: _parse_join,
    _NUMBERS[Welcome]: _parse_welcome,
    _NUMBERS[Seen]: _parse_seen,
    _NUMBERS[Ack]: _parse_ack,
    _NUMBERS[End]: _parse_end,
    _NUMBERS[Leave]: _parse_leave,
}


def _name(name: str) -> bytes:
    return bytes((len(name),)) + name.encode("ascii")


def _names(names: tuple[PartyId, ...]) -> bytes:
    return bytes((len(names),)) + b"".join(map(_name, names))


def _u64(value: int) -> bytes:
    return value.to_bytes(8)
