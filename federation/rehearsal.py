"""A whole session in this process: every seat a thread, over the in-memory transport.

For tests, benchmarks and dry runs. The session, the exit, the envelopes and the codec are the product's own:
the network is missing, and unless policies are given nobody's manifest and grants stand behind it. The seats
trust one another's memory, so it promises nothing about secrecy.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from crypto.codes import Code, coded
from crypto.identity import Identity
from federation.egress import NO_LINEAGE, Binding, Policy
from federation.errors import IsthmusError, SessionEnded
from federation.governance.terms import Form
from federation.ids import PartyId, RunId
from federation.journal import MemoryJournal
from federation.message import Message, Role
from federation.session import Seating, Session, open_session
from federation.transport.memory import MemoryExchange, Tap

T = TypeVar("T")


class Ungoverned:
    """The policy of a rehearsal: every message that flows may leave, bound to no grant and to no verdict.

    No party's node has it: there a session opens with the policy of `federation.governance.guard` alone.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def permit(self, to: PartyId, message: Message, encoded: bytes) -> Binding:
        return self._binding(message.carried().form)

    def greet(self, to: PartyId, greeting: bytes) -> Binding:
        return self._binding(Form.CONTROL)

    def heard(self, sender: PartyId, message: Message) -> None:
        return None

    def holds(self, rows: int) -> None:
        return None

    def _binding(self, form: Form) -> Binding:
        return Binding((), "rehearsal", next(self._numbers), NO_LINEAGE, form, bytes(32))


#: What one seat does with its open session.
Part = Callable[[Session], T]


@dataclass
class Rehearsed(Generic[T]):
    """What is left when every seat has played its part, by seat."""

    results: dict[PartyId, T] = field(default_factory=dict)
    sessions: dict[PartyId, Session] = field(default_factory=dict)
    journals: dict[PartyId, MemoryJournal] = field(default_factory=dict)
    #: Processor seconds of the seat's thread, opening the session included; what other threads or worker
    #: processes computed for it is not in it.
    cpu_seconds: dict[PartyId, float] = field(default_factory=dict)

    def bytes_by_type(self) -> dict[str, int]:
        """Sealed bytes that left all seats, by message type, greetings included."""
        sizes: Counter[str] = Counter()
        for journal in self.journals.values():
            for entry in journal.entries:
                sizes[entry.type] += entry.size
        return dict(sorted(sizes.items()))


def seat_everyone(
    roles: Mapping[PartyId, Role],
    identities: Mapping[PartyId, Identity],
    *,
    run: RunId,
    plan_digest: bytes = bytes(32),
    patience: float = 60.0,
) -> Seating:
    """The seating of a session that no signed plan stands behind."""
    return Seating(
        run=run,
        attempt=1,
        plan_digest=plan_digest,
        purpose="rehearsal",
        roles=dict(roles),
        identities={party: identity.public for party, identity in identities.items()},
        patience=patience,
    )


def rehearse(
    seating: Seating,
    identities: Mapping[PartyId, Identity],
    parts: Mapping[PartyId, Part[T]],
    tap: Tap | None = None,
    policies: Mapping[PartyId, Policy] | None = None,
) -> Rehearsed[T]:
    """Open the session with a seat for each role of `seating` and run that seat's part in its own thread.

    An error in one seat ends the session for all and tells them its cause; the first error that is not a
    `SessionEnded` is raised, in the seats' order. A part's waits are bounded by the seating's patience. Seats
    that `policies` does not name are `Ungoverned`.
    """
    exchange = MemoryExchange(seating.run, list(seating.roles), tap)
    done: Rehearsed[T] = Rehearsed(journals={seat: MemoryJournal() for seat in seating.roles})

    def play(seat: PartyId) -> None:
        started = time.thread_time()
        transport = exchange.seat(seat)
        try:
            policy = (policies or {}).get(seat) or Ungoverned()
            session = open_session(seat, identities[seat], seating, transport, done.journals[seat], policy)
            done.sessions[seat] = session
            done.results[seat] = parts[seat](session)
        except BaseException as error:
            internal = coded(Code.UNFORESEEN, type(error).__name__)
            transport.end(error.cause if isinstance(error, IsthmusError) else internal)
            raise
        done.cpu_seconds[seat] = time.thread_time() - started

    with ThreadPoolExecutor(len(seating.roles), thread_name_prefix="seat") as threads:
        futures = [threads.submit(play, seat) for seat in seating.roles]
    errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        raise next((error for error in errors if not isinstance(error, SessionEnded)), errors[0])
    return done
