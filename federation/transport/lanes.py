"""Exactly once and in order, between two seats, over streams that break: the arithmetic, without a wire.

A lane is one direction between two seats. Pieces count from 1; the recipient takes only the piece that
comes next, acknowledges cumulatively, and drops everything else: what is missing is sent again from the
first unacknowledged piece when a stream is back. (Go-back-N, see RFC 3366, is enough: a live stream loses
nothing.) Not thread-safe: the transport holds its lock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from federation.errors import MessageRefused
from federation.exchange.frames import CHUNK_BYTES

#: Unacknowledged bytes that a sender keeps for one peer, and that wait unread at the peer at least
#: before it stops acknowledging. Both ends use the same number.
WINDOW_BYTES = 64 << 20

#: The largest envelope, in bytes.
ENVELOPE_BYTES = 1 << 30

#: What one piece costs besides its body, so that many empty messages are bounded too.
_OVERHEAD = 256

#: Seconds within which a piece is acknowledged when no data goes the other way to carry it.
ACK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of an envelope; `body` is a view of the caller's bytes, at most 1 MiB."""

    sequence: int
    last: bool
    body: memoryview

    @property
    def cost(self) -> int:
        """Bytes that it takes of a window."""
        return len(self.body) + _OVERHEAD


class Outgoing:
    """What this seat has for one peer and the peer has not acknowledged."""

    def __init__(self, window: int = WINDOW_BYTES) -> None:
        self._window = window
        self._pieces: deque[Piece] = deque()
        self._sent = 0  # How many of the pieces were put on the stream that is up now.
        self._cost = 0
        self._sequence = 0
        self.acknowledged = 0

    @property
    def empty(self) -> bool:
        """Whether the peer has everything."""
        return not self._pieces

    @property
    def unsent(self) -> bool:
        """Whether a piece waits to be put on the stream."""
        return self._sent < len(self._pieces)

    def has_room(self, size: int) -> bool:
        """Whether a piece of `size` bytes fits the window now; an empty window takes any piece."""
        return not self._pieces or self._cost + size + _OVERHEAD <= self._window

    def put(self, body: memoryview, last: bool) -> None:
        """Add one piece; the caller has seen that there is room."""
        self._sequence += 1
        piece = Piece(self._sequence, last, body)
        self._pieces.append(piece)
        self._cost += piece.cost

    def next(self) -> Piece:
        """The piece to put on the stream now; the caller has seen that one is unsent."""
        piece = self._pieces[self._sent]
        self._sent += 1
        return piece

    def acknowledge(self, sequence: int) -> bool:
        """Forget the pieces up to `sequence`; whether that made progress.

        Raises `MessageRefused` for the acknowledgement of a piece that was never made.
        """
        if sequence > self._sequence:
            raise MessageRefused("a peer acknowledged what it was not sent")
        if sequence <= self.acknowledged:
            return False
        self.acknowledged = sequence
        while self._pieces and self._pieces[0].sequence <= sequence:
            self._cost -= self._pieces.popleft().cost
            self._sent = max(0, self._sent - 1)
        return True

    def rewind(self) -> None:
        """A stream is new at this end or the other: send everything unacknowledged again."""
        self._sent = 0


class Incoming:
    """What came from one peer: pieces on their way to be an envelope, envelopes not yet read."""

    def __init__(self, window: int = WINDOW_BYTES, envelope_limit: int = ENVELOPE_BYTES) -> None:
        self._window = window
        self._envelope_limit = envelope_limit
        self._pieces: list[bytes | memoryview] = []
        self._size = 0
        self._ready: deque[list[bytes | memoryview]] = deque()
        self._ready_cost = 0
        self._arrived = 0  # The last piece taken, in sequence.
        self._held = 0  # Cost of what was taken and may not be acknowledged yet.
        self._may_acknowledge = 0
        self._told = 0  # The last acknowledgement that went out.
        self._ack_at: float | None = None
        self._unacknowledged = 0

    @property
    def ready(self) -> bool:
        """Whether a whole envelope waits."""
        return bool(self._ready)

    def accept(self, sequence: int, last: bool, body: bytes | memoryview, now: float) -> bool:
        """Take the piece when it is the next one; whether an envelope became whole by it.

        Any other piece is dropped, as is one beyond the window, which no honest peer sends. Raises
        `MessageRefused` when the envelope grows beyond the limit. `now` is in seconds.
        """
        cost = len(body) + _OVERHEAD
        if sequence != self._arrived + 1 or (self._held and self._held + cost > self._window):
            self._ack_at = now  # The peer may have missed the acknowledgement: say it again.
            return False
        self._size += len(body)
        if self._size > self._envelope_limit:
            raise MessageRefused("an envelope is longer than envelopes may be")
        self._arrived = sequence
        self._held += cost
        self._pieces.append(body)
        if last:
            self._finish()
        self._allow(now)
        return last

    def take(self, now: float) -> list[bytes | memoryview]:
        """The pieces of the next envelope, for `envelope_of`; the caller has seen that one is ready."""
        pieces = self._ready.popleft()
        self._ready_cost -= _cost_of(pieces)
        self._allow(now)
        return pieces

    def acknowledgement(self) -> int:
        """The sequence to acknowledge with what goes out now."""
        self._told = self._may_acknowledge
        self._unacknowledged = 0
        self._ack_at = None
        return self._told

    def ack_at(self) -> float | None:
        """When an acknowledgement of its own is due, if none is carried before; None when none is."""
        return self._ack_at

    def must_acknowledge(self, now: float) -> None:
        """A stream is new at this end or the other: the last acknowledgement may be lost."""
        self._ack_at = now

    def _finish(self) -> None:
        self._ready.append(self._pieces)
        self._ready_cost += _cost_of(self._pieces)
        self._pieces = []
        self._size = 0

    def _allow(self, now: float) -> None:
        """Let what is held be acknowledged, unless too much waits unread."""
        if self._ready_cost > self._window or not self._held:
            return
        self._unacknowledged += self._held
        self._held = 0
        self._may_acknowledge = self._arrived
        due = now if self._unacknowledged >= self._window // 8 else now + ACK_SECONDS
        self._ack_at = due if self._ack_at is None else min(due, self._ack_at)


def _cost_of(pieces: list[bytes | memoryview]) -> int:
    return sum(map(len, pieces)) + _OVERHEAD * len(pieces)


def envelope_of(pieces: list[bytes | memoryview]) -> bytes:
    """The envelope that the pieces make; copied once."""
    return bytes(pieces[0]) if len(pieces) == 1 else b"".join(pieces)


def pieces_of(envelope: bytes) -> list[memoryview]:
    """The envelope as views of at most 1 MiB; an empty envelope is one empty piece."""
    view = memoryview(envelope)
    return [view[start : start + CHUNK_BYTES] for start in range(0, len(view), CHUNK_BYTES)] or [view]
