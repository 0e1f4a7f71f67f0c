"""All seats of one session in one process: for tests, the sandbox and simulation."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from federation.errors import PeerSilent, SessionEnded, UsageError
from federation.exchange.frames import plain_cause
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.transport.interface import LEFT

#: Sees every envelope before it is handed over: (sender, to, envelope). What it raises, `send` raises.
Tap = Callable[[PartyId, PartyId, bytes], None]

#: Bytes that may wait for one recipient from one sender: the exchange's window and inbox together, so
#: that a protocol which would stall there stalls here too.
CAPACITY = 128 << 20


class MemoryExchange:
    """The meeting place of one session's seats, without a network.

    The aggregator always has a seat. `tap` sees every envelope in the sender's thread; `capacity` is in
    bytes per (sender, recipient); `send_timeout` in seconds is how long `send` waits for room.
    """

    def __init__(
        self,
        run: RunId,
        members: Iterable[PartyId],
        tap: Tap | None = None,
        *,
        capacity: int = CAPACITY,
        send_timeout: float = 120.0,
    ) -> None:
        self.run = run
        self.members = frozenset(members) | {AGGREGATOR}
        self._tap = tap
        self._capacity = capacity
        self._send_timeout = send_timeout
        self._changed = threading.Condition()
        self._lanes: dict[tuple[PartyId, PartyId], _Lane] = {}
        self._seats: dict[PartyId, MemorySeat] = {}
        self._left: set[PartyId] = set()
        self._ended: tuple[PartyId, str] | None = None

    def seat(self, party: PartyId) -> MemorySeat:
        """The seat of `party`; always the same one. Raises `UsageError` for a name that is no member."""
        if party not in self.members:
            raise UsageError(
                f"{party} is not a member of this session", advice="Name it among the session's members."
            )
        with self._changed:
            if party not in self._seats:
                self._seats[party] = MemorySeat(self, party)
                self._changed.notify_all()
            return self._seats[party]

    def _send(self, me: PartyId, to: PartyId, envelope: bytes) -> None:
        self._check_peer(me, to)
        if self._tap is not None:
            self._tap(me, to, envelope)
        deadline = time.monotonic() + self._send_timeout
        with self._changed:
            lane = self._lane(me, to)
            while True:
                self._check_open(me)
                if to in self._left:
                    raise SessionEnded(to, LEFT)
                if not lane.waiting or lane.size + len(envelope) <= self._capacity:
                    break
                self._wait(deadline, to, "taking what was sent before", self._send_timeout)
            lane.waiting.append(bytes(envelope))
            lane.size += len(envelope)
            self._changed.notify_all()

    def _receive(self, me: PartyId, sender: PartyId, timeout: float) -> bytes:
        self._check_peer(me, sender)
        deadline = time.monotonic() + timeout
        with self._changed:
            lane = self._lane(sender, me)
            while True:
                self._check_open(me)
                if lane.waiting:
                    break
                if sender in self._left:
                    raise SessionEnded(sender, LEFT)
                self._wait(deadline, sender, "sending a message", timeout)
            envelope = lane.waiting.popleft()
            lane.size -= len(envelope)
            self._changed.notify_all()
            return envelope

    def _wait_for(self, me: PartyId, members: Iterable[PartyId], timeout: float) -> None:
        wanted = set(members) - {me}
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                self._check_open(me)
                for gone in sorted(wanted & self._left):
                    raise SessionEnded(gone, LEFT)
                missing = sorted(wanted - self._seats.keys())
                if not missing:
                    return
                self._wait(deadline, ", ".join(missing), "joining the session", timeout)

    def _present(self) -> frozenset[PartyId]:
        with self._changed:
            return frozenset(self._seats.keys() - self._left)

    def _end(self, me: PartyId, cause: str) -> None:
        with self._changed:
            if self._ended is None and me not in self._left:
                self._ended = (me, plain_cause(cause))
                self._lanes.clear()
                self._changed.notify_all()

    def _close(self, me: PartyId) -> None:
        with self._changed:
            self._left.add(me)
            self._changed.notify_all()

    def _check_peer(self, me: PartyId, peer: PartyId) -> None:
        if peer == me or peer not in self.members:
            raise UsageError(
                f"{peer} is not another member of this session", advice="Name a member of the session."
            )

    def _check_open(self, me: PartyId) -> None:
        if me in self._left:
            raise UsageError("this seat was closed", advice="Open a new session.")
        if self._ended is not None:
            raise SessionEnded(*self._ended)

    def _lane(self, sender: PartyId, recipient: PartyId) -> _Lane:
        return self._lanes.setdefault((sender, recipient), _Lane())

    def _wait(self, deadline: float, peer: str, doing: str, seconds: float) -> None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise PeerSilent(peer, doing, seconds)
        self._changed.wait(remaining)


class _Lane:
    """What waits on the way from one seat to another, in order."""

    __slots__ = ("size", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()
        self.size = 0


class MemorySeat:
    """One seat at a `MemoryExchange`; a `Transport`."""

    def __init__(self, exchange: MemoryExchange, me: PartyId) -> None:
        self._exchange = exchange
        self.me = me

    def send(self, to: PartyId, envelope: bytes) -> None:
        """See `Transport.send`. Raises `SessionEnded` by `to` when that seat has left."""
        self._exchange._send(self.me, to, envelope)

    def receive(self, sender: PartyId, timeout: float) -> bytes:
        """See `Transport.receive`. Raises `SessionEnded` by `sender` when it left and nothing waits."""
        return self._exchange._receive(self.me, sender, timeout)

    def wait_for(self, members: Iterable[PartyId], timeout: float) -> None:
        """Return when all `members` have come; `PeerSilent` naming those missing after `timeout` s."""
        self._exchange._wait_for(self.me, members, timeout)

    def members_present(self) -> frozenset[PartyId]:
        """The seats that are taken now, this one among them."""
        return self._exchange._present()

    def end(self, cause: str) -> None:
        """See `Transport.end`."""
        self._exchange._end(self.me, cause)

    def close(self) -> None:
        """See `Transport.close`. What was sent stays receivable."""
        self._exchange._close(self.me)
