"""The second witness of what left: each frame as its carrier saw it, against the guard log, to the byte.

The guard log is written by the program itself. A capture stands outside it, between a party's process and the
exchange, and notes of each frame to whom it goes, its size and its SHA-256: sealed, so it can read nothing.
Where both tell the same frames, the guard log has everything that went that way.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from federation.errors import MessageRefused
from federation.exchange.frames import Data, parse
from federation.ids import PartyId
from federation.journal import Entry


@dataclass(frozen=True, slots=True, order=True)
class Frame:
    """One sealed envelope on its way: to whom, how many bytes, their SHA-256 in hexadecimal."""

    to: PartyId
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What guard log and capture come to. `unlogged`: seen and not logged; `unseen`: logged and not seen."""

    guard_bytes: int
    captured_bytes: int
    unlogged: tuple[Frame, ...]
    unseen: tuple[Frame, ...]

    @property
    def agrees(self) -> bool:
        """Whether both tell the same frames, and so the same bytes (T-EGRESS-RECONCILE)."""
        return not self.unlogged and not self.unseen and self.guard_bytes == self.captured_bytes


@dataclass
class Stream:
    """What one seat puts on its way to the exchange in one session, put together again from its pieces.

    `beside` counts the bytes of the exchange's own frames (joining, acknowledging, leaving) and headers.
    """

    frames: list[Frame] = field(default_factory=list)
    beside: int = 0
    messages: int = 0
    _taken: dict[PartyId, int] = field(default_factory=dict)
    _pieces: dict[PartyId, list[bytes]] = field(default_factory=dict)

    def take(self, raw: bytes) -> None:
        """One frame of the exchange. A piece that is sent again is counted beside, not twice.

        Raises `MessageRefused` for bytes that are no such frame, and for a piece that leaves one out.
        """
        outer = parse(raw)
        self.messages += 1
        if not isinstance(outer, Data):
            self.beside += len(raw)
            return
        to, taken = outer.recipient, self._taken.get(outer.recipient, 0)
        if outer.sequence > taken + 1:
            raise MessageRefused("a piece of an envelope was left out", party=outer.sender)
        if outer.sequence <= taken:
            self.beside += len(raw)
            return
        self._taken[to] = outer.sequence
        self.beside += len(raw) - len(outer.body)
        pieces = self._pieces.setdefault(to, [])
        pieces.append(bytes(outer.body))
        if outer.last:
            envelope = b"".join(self._pieces.pop(to))
            self.frames.append(Frame(to, len(envelope), hashlib.sha256(envelope).hexdigest()))


def reconcile(entries: Iterable[Entry], frames: Iterable[Frame]) -> Reconciled:
    """Compare the lines of a guard log with the frames that a capture saw, each as often as it is there."""
    logged = Counter(Frame(entry.to, entry.size, entry.sha256) for entry in entries)
    seen = Counter(frames)
    return Reconciled(
        _bytes(logged), _bytes(seen), tuple((seen - logged).elements()), tuple((logged - seen).elements())
    )


def _bytes(frames: Counter[Frame]) -> int:
    return sum(frame.size * count for frame, count in frames.items())
