"""Several seats of one session in one process, over the in-memory transport: what protocol tests stand on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from crypto.identity import Identity
from federation.errors import SessionEnded
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.journal import MemoryJournal
from federation.message import Role
from federation.rehearsal import Ungoverned
from federation.session import Seating, Session, open_session
from federation.transport.interface import Transport
from federation.transport.memory import MemoryExchange

PLAN_DIGEST = bytes(range(32))

#: What an aggregator does to an envelope on its way: (sender, to, envelope) -> what `to` gets.
Meddle = Callable[[PartyId, PartyId, bytes], bytes]


def seating(roles: Mapping[str, Role], identities: Mapping[str, Identity], patience: float = 60) -> Seating:
    return Seating(
        run=RunId("test-run"),
        attempt=1,
        plan_digest=PLAN_DIGEST,
        purpose="test",
        roles={PartyId(name): role for name, role in roles.items()},
        identities={PartyId(name): identity.public for name, identity in identities.items()},
        patience=patience,
    )


class Carried:
    """A transport whose carrier changes what it carries."""

    def __init__(self, me: PartyId, inner: Transport, meddle: Meddle) -> None:
        self._me = me
        self._inner = inner
        self._meddle = meddle

    def send(self, to: PartyId, envelope: bytes) -> None:
        self._inner.send(to, self._meddle(self._me, to, envelope))

    def receive(self, sender: PartyId, timeout: float) -> bytes:
        return self._inner.receive(sender, timeout)

    def end(self, cause: str) -> None:
        self._inner.end(cause)

    def close(self) -> None:
        self._inner.close()


def run_seats(
    roles: Mapping[str, Role],
    parts: Mapping[str, Callable[[Session], Any]],
    tap: Callable[[PartyId, PartyId, bytes], None] | None = None,
    patience: float = 60,
    *,
    meddle: Meddle = lambda sender, to, envelope: envelope,
    see: Callable[[str, Seating], Seating] = lambda name, seats: seats,
    identities: Mapping[str, Identity] | None = None,
) -> dict[str, Any]:
    """Open a session with a seat for each of `roles` and run `parts` (name -> what that seat does).

    Returns each part's result, and under "sessions" the sessions. An error in one seat ends the session
    for all; the first real cause is raised, with every seat's error in its `seats`. `tap` sees the
    envelopes as they were sent; `meddle` changes them; `see` gives one seat another view of the seating.
    `identities`: the seats', where they are the same in several sessions.
    """
    identities = identities or {name: Identity.generate() for name in roles}
    seats = seating(roles, identities, patience)
    exchange = MemoryExchange(seats.run, list(seats.roles), tap=tap)
    sessions: dict[str, Session] = {}

    def play(name: str) -> Any:
        me = PartyId(name)
        transport = Carried(me, exchange.seat(me), meddle)
        try:
            session = open_session(
                me, identities[name], see(name, seats), transport, MemoryJournal(), Ungoverned()
            )
            sessions[name] = session
            return parts[name](session)
        except BaseException as error:
            transport.end(getattr(error, "cause", type(error).__name__))
            raise

    with ThreadPoolExecutor(len(roles)) as pool:
        futures = {name: pool.submit(play, name) for name in roles}
    errors = {name: error for name, future in futures.items() if (error := future.exception()) is not None}
    if errors:
        first = min(errors.values(), key=lambda error: isinstance(error, SessionEnded))
        first.seats = errors  # type: ignore[attr-defined]
        raise first
    return {**{name: future.result() for name, future in futures.items()}, "sessions": sessions}


THREE = {
    "bank": Role.LABEL,
    "platform": Role.HELPER,
    "public": Role.FEATURE,
    AGGREGATOR: Role.AGGREGATOR,
}
TWO = {name: role for name, role in THREE.items() if role is not Role.FEATURE}
FOUR = {
    "bank": Role.LABEL,
    "platform": Role.HELPER,
    "public": Role.FEATURE,
    "customs": Role.FEATURE,
    AGGREGATOR: Role.AGGREGATOR,
}
