"""Several seats of one session in one process, over the in-memory transport: what protocol tests stand on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from crypto.identity import Identity
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.message import Role
from federation.rehearsal import rehearse, seat_everyone
from federation.session import Seating, Session

PLAN_DIGEST = bytes(range(32))


def seating(roles: Mapping[str, Role], identities: Mapping[Any, Identity], patience: float = 60) -> Seating:
    return seat_everyone(
        {PartyId(name): role for name, role in roles.items()},
        {PartyId(name): identity for name, identity in identities.items()},
        run=RunId("test-run"),
        plan_digest=PLAN_DIGEST,
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
    identities = {PartyId(name): Identity.generate() for name in roles}
    seats = seating(roles, identities, patience)
    done = rehearse(seats, identities, {PartyId(name): part for name, part in parts.items()}, tap)
    return {**{str(seat): result for seat, result in done.results.items()}, "sessions": done.sessions}


THREE = {
    "bank": Role.LABEL,
    "platform": Role.HELPER,
    "public": Role.FEATURE,
    AGGREGATOR: Role.AGGREGATOR,
}
