"""Several seats of one session in one process, over the in-memory transport: what protocol tests stand on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from crypto.identity import Identity
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.journal import MemoryJournal
from federation.message import Role
from federation.session import Seating, Session, open_session
from federation.transport.memory import MemoryExchange

PLAN_DIGEST = bytes(range(32))


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


def run_seats(
    roles: Mapping[str, Role],
    parts: Mapping[str, Callable[[Session], Any]],
    tap: Callable[[PartyId, PartyId, bytes], None] | None = None,
    patience: float = 60,
) -> dict[str, Any]:
    """Open a session with a seat for each of `roles` and run `parts` (name -> what that seat does).

    Returns each part's result, and under "sessions" the sessions. An error in one seat ends the session
    for all; the first real cause is raised.
    """
    identities = {name: Identity.generate() for name in roles}
    seats = seating(roles, identities, patience)
    exchange = MemoryExchange(seats.run, list(seats.roles), tap=tap)
    sessions: dict[str, Session] = {}

    def play(name: str) -> Any:
        transport = exchange.seat(PartyId(name))
        try:
            session = open_session(PartyId(name), identities[name], seats, transport, MemoryJournal())
            sessions[name] = session
            return parts[name](session)
        except BaseException as error:
            transport.end(type(error).__name__)
            raise

    with ThreadPoolExecutor(len(roles)) as pool:
        futures = {name: pool.submit(play, name) for name in roles}
    errors = [error for future in futures.values() if (error := future.exception()) is not None]
    if errors:
        raise next((e for e in errors if type(e).__name__ != "SessionEnded"), errors[0])
    return {**{name: future.result() for name, future in futures.items()}, "sessions": sessions}


THREE = {
    "bank": Role.LABEL,
    "platform": Role.HELPER,
    "public": Role.FEATURE,
    AGGREGATOR: Role.AGGREGATOR,
}
