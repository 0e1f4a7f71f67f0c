"""A seat's side of the exchange: one gRPC stream that may break, a session that does not notice.

Two threads serve a seat. One holds the stream, reads it, and makes it anew when it breaks; the other is
gRPC's own, which draws the frames to send from `_frames`. The caller's threads only touch the lanes.
"""

from __future__ import annotations

import datetime as dt
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc

from crypto.certificates import AGGREGATOR_NAME, certificate_name, check_issued_by
from crypto.codes import Code
from federation.errors import (
    IdentityRefused,
    IsthmusError,
    MessageRefused,
    PeerSilent,
    SessionEnded,
    UsageError,
)
from federation.exchange.frames import (
    INCARNATION_BYTES,
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
    parse,
    plain_cause,
)
from federation.exchange.service import CHANNEL_OPTIONS, METHOD
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.transport.interface import LEFT
from federation.transport.lanes import (
    ACK_SECONDS,
    ENVELOPE_BYTES,
    WINDOW_BYTES,
    Incoming,
    Outgoing,
    envelope_of,
    pieces_of,
)

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
_END_SECONDS = 5.0
_LEAVE_SECONDS = 5.0
_OPEN_PAUSE = 0.25

#: Seconds after the last frame during which the sending thread looks for due acknowledgements by itself,
#: so that a frame that comes in need not wake it.
_BUSY_SECONDS = 0.25

_OPTIONS = (
    *CHANNEL_OPTIONS,
    # The name in the certificate is checked, not the address: see `crypto.certificates`.
    ("grpc.ssl_target_name_override", AGGREGATOR_NAME),
    # A new channel starts without the back-off of the one that broke.
    ("grpc.use_local_subchannel_pool", 1),
    # The configured address is the only one that a seat connects to.
    ("grpc.enable_http_proxy", 0),
)


@dataclass(eq=False, slots=True)
class _Peer:
    """Another seat as this one sees it."""

    name: PartyId
    outgoing: Outgoing
    incoming: Incoming
    presence: Presence | None = None  # None: it has not come yet.
    incarnation: bytes = NO_GENERATION
    sending: threading.Lock = field(default_factory=threading.Lock)
    cut_short: bool = False  # An envelope was put in part: nothing can follow it.


class ExchangeTransport:
    """One seat of one session at the exchange; a `Transport`.

    `address` is "host:port"; the certificate is the one the federation's authority issued to `me`. The
    aggregator gives `members` (the parties) and thereby opens the session, for `ttl` seconds. Connecting
    goes on in the background: the first call waits for it. `send_timeout` is how long `send` waits
    without any progress at the peer, `flush_timeout` how long `close` waits, both in seconds.

    Raises `UsageError` or `Refusal` when the certificate is not this seat's or not this federation's.
    """

    def __init__(
        self,
        me: PartyId,
        run: RunId,
        address: str,
        ca_pem: bytes,
        certificate_pem: bytes,
        key_pem: bytes,
        *,
        members: Iterable[PartyId] | None = None,
        ttl: float = 24 * 3600.0,
        send_timeout: float = 120.0,
        flush_timeout: float = 30.0,
        window: int = WINDOW_BYTES,
    ) -> None:
        self.me = me
        self.run = run
        self._address = address
        self._credentials = _credentials(me, ca_pem, certificate_pem, key_pem)
        if members is not None and me != AGGREGATOR:
            raise UsageError("only the aggregator opens a session", advice="Join without naming members.")
        self._opens = None if members is None else tuple(members)
        self._expires = time.monotonic() + ttl
        self._send_timeout = send_timeout
        self._flush_timeout = flush_timeout
        self._window = window
        self._incarnation = secrets.token_bytes(INCARNATION_BYTES)
        self._generation = NO_GENERATION
        self._check_hello()

        lock = threading.Lock()
        self._lock = lock
        self._changed = threading.Condition(lock)  # Something came: an envelope, room, a seat, the end.
        self._to_send = threading.Condition(lock)  # Something may go.
        self._peers: dict[PartyId, _Peer] = {}
        self._turn: list[_Peer] = []
        self._epoch = 0  # Counts streams: a sending thread of an old one stops.
        self._connected = False
        self._dozing = False
        self._ended: tuple[PartyId, str] | None = None
        self._ending: str | None = None
        self._failure: Callable[[], IsthmusError] | None = None
        self._closed = False
        self._left = False
        self._stop = threading.Event()
        self._finished = threading.Event()
        self._channel: Any = None
        self._thread = threading.Thread(target=self._keep_stream, name=f"seat {me}", daemon=True)
        self._thread.start()

    def send(self, to: PartyId, envelope: bytes) -> None:
        """Hand over one envelope of at most 1 GiB; returns when what is not yet acknowledged fits the window.

        Raises `PeerSilent` naming `to` when it takes nothing for `send_timeout` seconds (naming the
        aggregator when it is the exchange that cannot be reached), `SessionEnded`, also when `to` left.
        """
        if len(envelope) > ENVELOPE_BYTES:
            raise UsageError("an envelope may not exceed 1 GiB", advice="Send it in parts.")
        deadline = time.monotonic() + self._send_timeout
        with self._lock:
            peer = self._peer(to, deadline, self._send_timeout)
        if not peer.sending.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise PeerSilent(to, "taking an earlier message", self._send_timeout)
        try:
            self._put_all(peer, envelope)
        finally:
            peer.sending.release()

    def receive(self, sender: PartyId, timeout: float) -> bytes:
        """The next envelope from `sender`.

        Raises `PeerSilent` naming it after `timeout` seconds (naming the aggregator when it is the
        exchange that cannot be reached), `SessionEnded`, also when `sender` left and nothing waits.
        """
        deadline = time.monotonic() + timeout
        with self._lock:
            peer = self._peer(sender, deadline, timeout)
            while not peer.incoming.ready:
                if peer.presence is Presence.LEFT:
                    raise SessionEnded(sender, LEFT)
                self._wait(deadline, sender, "sending a message", timeout)
            now = time.monotonic()
            pieces = peer.incoming.take(now)
            due = peer.incoming.ack_at()
            if due is not None and due <= now:
                self._to_send.notify()
        return envelope_of(pieces)

    def wait_for(self, members: Iterable[PartyId], timeout: float) -> None:
        """Return when this seat has joined and all `members` are here.

        Raises `PeerSilent` naming those missing after `timeout` seconds, `SessionEnded`.
        """
        wanted = set(members) - {self.me}
        deadline = time.monotonic() + timeout
        with self._lock:
            self._await_welcome(deadline, timeout)
            peers = [self._peer(member, deadline, timeout) for member in sorted(wanted)]
            while missing := [peer for peer in peers if peer.presence is not Presence.HERE]:
                for peer in missing:
                    if peer.presence is Presence.LEFT:
                        raise SessionEnded(peer.name, LEFT)
                names = ", ".join(peer.name for peer in missing)
                self._wait(deadline, names, "joining the session", timeout)

    def members_present(self) -> frozenset[PartyId]:
        """The seats that are here now, this one among them; empty while this one is not connected."""
        with self._lock:
            if not self._connected:
                return frozenset()
            here = {peer.name for peer in self._peers.values() if peer.presence is Presence.HERE}
            return frozenset(here | {self.me})

    def end(self, cause: str) -> None:
        """End the session for every seat; wait at most 5 s until the exchange has taken it. Idempotent."""
        with self._lock:
            if self._over() or self._closed:
                return
            self._end_here(cause)
        self._finished.wait(_END_SECONDS)

    def close(self) -> None:
        """Leave: wait until the others have what was sent, then free the connection. Idempotent.

        Raises `PeerSilent` naming who has not, after `flush_timeout` seconds; the connection is freed.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._to_send.notify_all()
            self._changed.notify_all()
            silent = self._flush()
        if not silent:
            self._finished.wait(min(_LEAVE_SECONDS, self._flush_timeout) if self._peers else 0.0)
        self._stop.set()
        self._drop_stream()
        self._thread.join(_LEAVE_SECONDS)
        if silent:
            raise PeerSilent(", ".join(silent), "taking the last messages", self._flush_timeout)

    # What follows runs with the lock held, in the caller's threads.

    def _put_all(self, peer: _Peer, envelope: bytes) -> None:
        pieces = pieces_of(envelope)
        for number, body in enumerate(pieces, start=1):
            with self._lock:
                if peer.cut_short and number == 1:
                    raise PeerSilent(peer.name, "taking an earlier message", self._send_timeout)
                self._await_room(peer, len(body))
                peer.outgoing.put(body, number == len(pieces))
                peer.cut_short = number < len(pieces)
                self._to_send.notify()

    def _await_room(self, peer: _Peer, size: int) -> None:
        progress = peer.outgoing.acknowledged
        deadline = time.monotonic() + self._send_timeout
        while True:
            self._check_open()
            if peer.presence is Presence.LEFT:
                raise SessionEnded(peer.name, LEFT)
            if peer.outgoing.has_room(size):
                return
            if peer.outgoing.acknowledged != progress:
                progress = peer.outgoing.acknowledged
                deadline = time.monotonic() + self._send_timeout
            self._wait(deadline, peer.name, "taking what was sent before", self._send_timeout)

    def _peer(self, name: PartyId, deadline: float, seconds: float) -> _Peer:
        """The peer of that name, once this seat has joined."""
        self._await_welcome(deadline, seconds)
        if name not in self._peers:
            raise UsageError(
                f"{name} is not another member of this session", advice="Name a member of the session."
            )
        return self._peers[name]

    def _await_welcome(self, deadline: float, seconds: float) -> None:
        self._check_open()
        while not self._peers:
            self._wait(deadline, AGGREGATOR, f"opening the session at {self._address}", seconds)

    def _wait(self, deadline: float, peer: str, doing: str, seconds: float) -> None:
        """Wait for any change. Out of time, blame the peer, or the aggregator when this seat is cut off."""
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            if self._peers and not self._connected:
                raise PeerSilent(AGGREGATOR, f"answering again at {self._address}", seconds)
            raise PeerSilent(peer, doing, seconds)
        self._changed.wait(remaining)
        self._check_open()

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError("this seat was closed", advice="Open a new session.")
        if self._ended is not None:
            raise SessionEnded(*self._ended)
        if self._failure is not None:
            raise self._failure()

    def _over(self) -> bool:
        return self._ended is not None or self._failure is not None

    def _end_here(self, cause: str) -> None:
        self._ending = plain_cause(cause)
        self._ended = (self.me, self._ending)
        self._to_send.notify_all()
        self._changed.notify_all()

    def _unflushed(self) -> list[PartyId]:
        return [
            peer.name
            for peer in self._peers.values()
            if not peer.outgoing.empty and peer.presence is not Presence.LEFT
        ]

    def _flush(self) -> list[PartyId]:
        """Wait until the peers have everything; the names of those who do not, out of time."""
        deadline = time.monotonic() + self._flush_timeout
        while (silent := self._unflushed()) and not self._over():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return silent
            self._changed.wait(remaining)
        return []

    # The thread that holds the stream.

    def _keep_stream(self) -> None:
        try:
            self._hold_streams()
        finally:
            self._finished.set()
            self._drop_stream()

    def _hold_streams(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            with self._lock:
                if (self._over() and self._ending is None) or (self._closed and not self._peers):
                    return  # Nobody is owed a farewell.
                self._epoch += 1
                epoch = self._epoch
            code = self._hold_stream(epoch)
            with self._lock:
                had_joined = self._connected
                self._disconnect()
                if self._is_final(code):
                    return
            if code is grpc.StatusCode.NOT_FOUND:
                longest = _OPEN_PAUSE  # The session is not open yet: ask often, on the same connection.
            else:
                longest = _LONGEST_PAUSE
                self._drop_stream()
            self._stop.wait(_FIRST_PAUSE if had_joined else pause)
            pause = _FIRST_PAUSE if had_joined else min(2 * pause, longest)

    def _hold_stream(self, epoch: int) -> grpc.StatusCode:
        """Join, and take frames until the stream is over; how it ended."""
        try:
            with self._lock:
                if self._stop.is_set():
                    return grpc.StatusCode.CANCELLED
                if self._channel is None:
                    self._channel = grpc.secure_channel(self._address, self._credentials, options=_OPTIONS)
                call = self._channel.stream_stream(METHOD)(self._frames(epoch))
            for raw in call:
                frame = parse(raw)
                with self._lock:
                    self._take(frame)
        except grpc.RpcError as broken:
            code: grpc.StatusCode = broken.code()
            return code
        except MessageRefused as refused:
            return self._refuse_exchange(refused)
        return grpc.StatusCode.OK

    def _refuse_exchange(self, refused: MessageRefused) -> grpc.StatusCode:
        what = refused.what
        with self._lock:
            self._failure = lambda: MessageRefused(f"the exchange does not speak our language: {what}")
        return grpc.StatusCode.INTERNAL

    def _is_final(self, code: grpc.StatusCode) -> bool:
        """Whether the stream's end is the session's, for this seat. Sets what later calls raise."""
        told = self._ended is not None and self._ending is None
        gone = self._left and code in (grpc.StatusCode.OK, grpc.StatusCode.FAILED_PRECONDITION)
        if told or gone or self._failure is not None:
            return True
        failure = _FAILURES.get(code)
        if failure is None:
            return False
        self._ending = None
        self._failure = failure
        self._changed.notify_all()
        return True

    def _disconnect(self) -> None:
        self._connected = False
        self._epoch += 1  # Stops the thread that draws frames for the stream that is gone.
        for peer in self._peers.values():
            if peer.presence is Presence.HERE:
                peer.presence = Presence.AWAY
        self._to_send.notify_all()
        self._changed.notify_all()

    def _drop_stream(self) -> None:
        with self._lock:
            channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    # Frames that come; with the lock held.

    def _take(self, frame: Frame) -> None:
        if frame.session != self.run:
            raise MessageRefused("a frame is for another session")
        match frame:
            case Data() | Ack():
                self._take_piece(frame)
            case Seen():
                self._take_presence(frame)
            case Welcome():
                self._take_welcome(frame)
            case End():
                self._ending = None
                self._ended = self._ended or (frame.by, frame.cause)
                self._changed.notify_all()
                self._to_send.notify_all()
            case _:
                raise MessageRefused("a frame is not one that an exchange sends")

    def _take_piece(self, frame: Data | Ack) -> None:
        peer = self._peers.get(frame.sender)
        if peer is None or frame.recipient != self.me:
            raise MessageRefused("a frame is for another seat")
        now = time.monotonic()
        try:
            heard = peer.outgoing.acknowledge(frame.acknowledged)
            if isinstance(frame, Data):
                heard |= peer.incoming.accept(frame.sequence, frame.last, frame.body, now)
        except MessageRefused as refused:
            self._end_here(f"{peer.name} broke the transport's rules: {refused.what}")
            return
        due = peer.incoming.ack_at()
        if due is not None and (self._dozing or due <= now):
            self._to_send.notify()
        if heard:
            self._changed.notify_all()

    def _take_presence(self, frame: Seen) -> None:
        peer = self._peers.get(frame.party)
        if peer is None:
            raise MessageRefused("a frame speaks of a seat that is not a member")
        if peer.incarnation not in (NO_GENERATION, frame.incarnation):
            self._end_here(f"{peer.name} came back without its place in the session")
            return
        peer.incarnation = frame.incarnation
        peer.presence = frame.presence
        if frame.presence is Presence.HERE:
            peer.outgoing.rewind()
            # Goes out before any data: the peer then sends again only what is really missing.
            peer.incoming.must_acknowledge(time.monotonic())
        self._to_send.notify()
        self._changed.notify_all()

    def _take_welcome(self, frame: Welcome) -> None:
        if self._generation not in (NO_GENERATION, frame.generation) or self.me not in frame.members:
            raise MessageRefused("a welcome is for another session or seat")
        self._generation = frame.generation
        for name in frame.members:
            if name != self.me and name not in self._peers:
                self._peers[name] = _Peer(name, Outgoing(self._window), Incoming(self._window))
        self._turn = list(self._peers.values())
        self._connected = True
        self._to_send.notify()
        self._changed.notify_all()

    # Frames that go, drawn by gRPC's thread.

    def _frames(self, epoch: int) -> Iterator[bytes]:
        yield encode(self._hello())
        while True:
            with self._lock:
                frame = self._await_frame(epoch)
            if frame is None:
                return
            yield encode(frame)
            if isinstance(frame, Leave | End):
                return

    def _check_hello(self) -> None:
        try:
            parse(encode(self._hello()))
        except MessageRefused as refused:
            raise UsageError(
                f"such a session cannot be: {refused.what}",
                advice="Check the session's name, its members and its time to live.",
            ) from None

    def _hello(self) -> Frame:
        if self._opens is None:
            return Join(self.run, self.me, self._incarnation, self._generation)
        remaining = max(1, round(self._expires - time.monotonic()))
        return Open(self.run, self._incarnation, remaining, self._opens)

    def _await_frame(self, epoch: int) -> Frame | None:
        """The next frame for the stream `epoch`; None when that stream is gone."""
        idle_from = time.monotonic() + _BUSY_SECONDS
        while self._epoch == epoch and not self._stop.is_set():
            now = time.monotonic()
            frame = self._next_frame(now) if self._connected else None
            if frame is not None:
                self._dozing = False
                return frame
            dues = [due for peer in self._turn if (due := peer.incoming.ack_at()) is not None]
            self._dozing = not dues and now >= idle_from
            if self._dozing or not self._connected:
                self._to_send.wait()
            else:
                self._to_send.wait(max(0.0, min(dues, default=now + ACK_SECONDS) - now))
        return None

    def _next_frame(self, now: float) -> Frame | None:
        if self._ending is not None:
            return End(self.run, self.me, self._ending)
        here = [peer for peer in self._turn if peer.presence is Presence.HERE]
        for peer in here:
            due = peer.incoming.ack_at()
            if due is not None and (due <= now or self._closed) and not peer.outgoing.unsent:
                return Ack(self.run, self.me, peer.name, peer.incoming.acknowledgement())
        for peer in here:
            if peer.outgoing.unsent:
                self._turn.remove(peer)  # To the back: peers take turns, piece by piece.
                self._turn.append(peer)
                return self._data(peer)
        if self._closed and not self._unflushed():
            self._left = True
            return Leave(self.run, self.me)
        return None

    def _data(self, peer: _Peer) -> Data:
        piece = peer.outgoing.next()
        acknowledged = peer.incoming.acknowledgement()
        return Data(self.run, self.me, peer.name, piece.sequence, acknowledged, piece.last, piece.body)


def _credentials(
    me: PartyId, ca_pem: bytes, certificate_pem: bytes, key_pem: bytes
) -> grpc.ChannelCredentials:
    check_issued_by(certificate_pem, ca_pem, dt.datetime.now(dt.UTC))
    if certificate_name(certificate_pem) != me:
        raise UsageError(
            f"the certificate is not {me}'s",
            advice="Use the certificate that was issued to this role.",
            code=Code.CERTIFICATE_OF_OTHERS,
        )
    return grpc.ssl_channel_credentials(ca_pem, key_pem, certificate_pem)


def _not_admitted() -> IsthmusError:
    return IdentityRefused(
        "the exchange does not know this party's certificate",
        advice="Ask the coordinator whether the party is admitted: `isthmus federation members`.",
        code=Code.NOT_ADMITTED,
    )


def _not_a_member() -> IsthmusError:
    return IdentityRefused(
        "the exchange does not let this party into this session",
        advice="Ask the coordinator whether the plan names this party.",
        code=Code.NOT_IN_SESSION,
    )


def _taken() -> IsthmusError:
    return UsageError(
        "another process of this party holds its seat in the session",
        advice="Stop that process, or wait until its session has ended.",
        code=Code.FOLDER_HELD,
    )


def _not_understood() -> IsthmusError:
    return MessageRefused("the exchange does not understand this seat", code=Code.MESSAGE_VERSION)


def _gone() -> IsthmusError:
    return UsageError("this seat has left the session", advice="Open a new session.")


#: Ends of a stream after which trying again is no use.
_FAILURES: dict[grpc.StatusCode, Callable[[], IsthmusError]] = {
    grpc.StatusCode.UNAUTHENTICATED: _not_admitted,
    grpc.StatusCode.PERMISSION_DENIED: _not_a_member,
    grpc.StatusCode.ALREADY_EXISTS: _taken,
    grpc.StatusCode.INVALID_ARGUMENT: _not_understood,
    grpc.StatusCode.RESOURCE_EXHAUSTED: _not_understood,
    grpc.StatusCode.UNIMPLEMENTED: _not_understood,
    grpc.StatusCode.FAILED_PRECONDITION: _gone,
}
