"""The members of an attempt find out where each of them stands, and go on together from the furthest.

    1. Each member tells the others a digest of its columns: names and kinds must be equal.
    2. Each tells after which round it stands, and a digest of what it knows then.
    3. Those that stand furthest must know the same; the first of them tells the others, who check the digest.

What each role learns: the members, where each stood and what those that stand furthest know, which every
member of those rounds was told; one that joins late learns the statistics and the model of rounds that it
took no part in. The aggregator, that these messages pass between members, and their sizes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from crypto.sealed import SharedKnowledge
from federation.errors import MessageRefused, PlanRefused
from federation.ids import PartyId
from federation.message import Digest
from federation.messages.horizontal import CatchUp, SchemaDigest, Standing
from federation.session import Session
from parties.dataset import DatasetConfig
from parties.horizontal.columns import Schema, refuse_difference, schema_digest
from parties.horizontal.state import RoundState

_NOTHING = Digest(bytes(32))


def compare_columns(session: Session, schema: Schema, dataset: DatasetConfig) -> None:
    """Raise `PlanRefused` unless all members have the same feature columns of the same kinds."""
    session.send_all(session.others(), SchemaDigest(Digest(schema_digest(schema))))
    told = session.gather(session.others(), SchemaDigest)
    refuse_difference(schema, {party: message.schema for party, message in told.items()}, dataset)


def join(session: Session, own: RoundState | None, *, released: bool) -> tuple[RoundState | None, bool]:
    """The furthest state that any member has, or None; and whether any that stands there said `released`.

    Raises `PlanRefused` when members that stand at the same round know different things, and
    `MessageRefused` when what came is not what the others said they know.
    """
    mine = Standing(-1, _NOTHING, released) if own is None else _standing(own, released)
    told = _exchange(session, mine)
    furthest = max(standing.number for standing in told.values())
    # What one that is behind has released lies before the furthest state, and all are told that.
    anybody_released = any(s.released for s in told.values() if s.number == furthest)
    if furthest < 0:
        return None, anybody_released
    holders = [party for party, standing in told.items() if standing.number == furthest]
    agreed = told[holders[0]].state
    _check_equal(told[party].state == agreed for party in holders)
    behind = [party for party in told if party not in holders]
    if own is not None and session.me == holders[0]:
        session.send_all(behind, CatchUp(SharedKnowledge(own.to_bytes())))
    if session.me not in behind:
        return own, anybody_released
    data = session.receive(holders[0], CatchUp).state.data
    if hashlib.sha256(data).digest() != agreed:
        raise MessageRefused("CatchUp: not what its sender said it knows", party=holders[0])
    state = RoundState.from_bytes(data)
    if state.number != furthest:
        raise MessageRefused("CatchUp: of another round", party=holders[0])
    return state, anybody_released


def confirm(session: Session, state: RoundState) -> None:
    """Raise `PlanRefused` unless all members hold the very same state now."""
    mine = _standing(state, False)
    _check_equal(standing == mine for standing in _exchange(session, mine).values())


def _exchange(session: Session, mine: Standing) -> dict[PartyId, Standing]:
    """Everybody's standing, in the order that all members share."""
    session.send_all(session.others(), mine)
    told = session.gather(session.others(), Standing)
    return {party: mine if party == session.me else told[party] for party in session.seating.parties}


def _standing(state: RoundState, released: bool) -> Standing:
    return Standing(state.number, Digest(state.digest), released)


def _check_equal(equal: Iterable[bool]) -> None:
    if not all(equal):
        raise PlanRefused(
            "the parties do not hold the same model and encoding",
            advice="Check that all run the same version of Isthmus and of torch, and launch the round again.",
        )
