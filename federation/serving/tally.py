"""What a service counted since it started: rounds by how they ended, and what went to and came from whom."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Sealed envelopes to and from one peer, and how long this role waited for that peer."""

    frames_sent: int = 0
    bytes_sent: int = 0
    frames_received: int = 0
    bytes_received: int = 0
    waits: int = 0
    wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Counted:
    """The tally at one moment. `last_seconds`: of the last round that ended."""

    rounds: dict[str, int] = field(default_factory=dict)
    peers: dict[str, Exchanged] = field(default_factory=dict)
    running: bool = False
    last_seconds: float | None = None


class Tally:
    """Counts. Safe from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rounds: Counter[str] = Counter()
        self._peers: defaultdict[str, Exchanged] = defaultdict(Exchanged)
        self._began: float | None = None
        self._at_begin = Exchanged()
        self._last: float | None = None

    def begun(self) -> None:
        """A round begins; there is one at a time."""
        with self._lock:
            self._began, self._at_begin = self._clock(), self._all()

    def ended(self, how: str) -> dict[str, float]:
        """The round ended: finished, failed, cancelled or stopped; what it came to, for the log.

        An order that is refused before its round begins counts as a round, and came to nothing.
        """
        with self._lock:
            self._rounds[how] += 1
            if self._began is None:
                return {}
            self._last, self._began = self._clock() - self._began, None
            before, after = asdict(self._at_begin), asdict(self._all())
            counts = {name: round(after[name] - before[name], 3) for name in after}
            # A role that counts nothing of a kind, as the aggregator no envelopes here, has nothing to say.
            return {
                "seconds": round(self._last, 3),
                **{name: count for name, count in counts.items() if count},
            }

    def sent(self, peer: str, size: int) -> None:
        """An envelope was handed over."""
        with self._lock:
            past = self._peers[peer]
            self._peers[peer] = replace(
                past, frames_sent=past.frames_sent + 1, bytes_sent=past.bytes_sent + size
            )

    def received(self, peer: str, size: int) -> None:
        """An envelope came."""
        with self._lock:
            past = self._peers[peer]
            self._peers[peer] = replace(
                past, frames_received=past.frames_received + 1, bytes_received=past.bytes_received + size
            )

    def waited(self, peer: str, seconds: float) -> None:
        """This role waited for an envelope, whether or not it came."""
        with self._lock:
            past = self._peers[peer]
            self._peers[peer] = replace(past, waits=past.waits + 1, wait_seconds=past.wait_seconds + seconds)

    def _all(self) -> Exchanged:
        """All peers together."""
        each = [asdict(exchanged) for exchanged in self._peers.values()]
        return Exchanged(**{name: sum(one[name] for one in each) for name in asdict(Exchanged())})

    def now(self) -> Counted:
        """What was counted up to now."""
        with self._lock:
            return Counted(dict(self._rounds), dict(self._peers), self._began is not None, self._last)
