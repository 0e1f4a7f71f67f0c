"""Alignment: which firms do all parties know? n-party X25519 ring PSI with the aggregator as blind matcher.

    1  i -> i+1          P_i = k_i H(id), i's rows shuffled                          sealed for i+1
    2  each next party   P_i = k_j P_i, order kept                                   sealed for the next
    3  the last one      T_i = 16 bytes of SHA-256(k_last P_i)    -> aggregator
    4  aggregator        common = T_1 n ... n T_n, ascending; to each i its own rows of it, in that order

H hashes to Curve25519 under the run's name, so tags of two runs cannot be linked; keys are dropped after
the ring. The maker of T_i holds it, so T_i goes to the matcher and never to i: whoever held its own tags
and another set's would see their pairwise overlap.

What each role learns:
    party        which of its own firms are common to all (it asked for that); the size of each set that
                 passed through its hands; nothing about a firm that is not its own
    aggregator   the sizes of all sets and of all their overlaps; no identifier
    aggregator with one party: which of that party's firms each other party has
Source: Meadows 1986; Huberman, Franklin, Hogg 1999; the group operations stand in `crypto.curve`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from crypto.curve import RingKey
from crypto.pool import Pool
from crypto.private import Private
from federation.errors import MessageRefused
from federation.ids import AGGREGATOR
from federation.messages.alignment import CommonRows, RingPoints, RingTags
from federation.session import Session

#: A matcher needs as long as the slowest party takes for its ring hops: this many messages' patience.
_PATIENCES = 4


def align(
    session: Session, ids: Private[Sequence[bytes]], minimum: int, pool: Pool | None = None
) -> Private[npt.NDArray[np.int64]]:
    """The positions in `ids` of the common firms, in the order that all parties share.

    `ids`: n distinct normalised identifiers. Raises `MessageRefused` when a peer does not keep to the
    protocol, `PlanRefused` (at the aggregator, which ends the session) when too few firms are common.
    """
    plain = ids.open_locally()
    session.egress.policy.holds(len(plain))
    ring = session.seating.parties
    me = ring.index(session.me)
    following = ring[(me + 1) % len(ring)]
    before = ring[me - 1]
    order = _shuffled(len(plain))
    key = RingKey(f"{session.seating.run}|{session.seating.attempt}".encode(), pool)
    try:
        # 1: my own set, blinded once, to the next party
        shuffled = Private([plain[i] for i in order])
        session.send(following, RingPoints(session.me, key.first(shuffled)))
        # 2, 3: every other set passes by; the last hop makes tags for the matcher
        for hop in range(1, len(ring)):
            passing = session.receive(before, RingPoints)
            if passing.owner != ring[(me - hop) % len(ring)]:
                raise MessageRefused("another set came round the ring than the one due", party=before)
            if hop == len(ring) - 1:
                session.send(AGGREGATOR, RingTags(passing.owner, key.tags(passing.points)))
            else:
                session.send(following, RingPoints(passing.owner, key.again(passing.points)))
    finally:
        key.drop()
    # 4: my own rows among the common ones
    patience = _PATIENCES * session.seating.patience
    common = session.receive(AGGREGATOR, CommonRows, patience=patience).rows
    if len(common) < minimum:
        raise MessageRefused("the matcher gave fewer rows than the plan allows", party=AGGREGATOR)
    return Private(order[common.positions(len(plain))])


def _shuffled(count: int) -> npt.NDArray[np.int64]:
    """A permutation drawn with the operating system's randomness alone: the neighbour sees the order.

    A generator's state could be solved for by whoever knows some of the rows, as in a public register, and
    with it the places of all others. (Two of the drawn words are equal, and then in file order, with
    probability below n^2 / 2^65.)
    """
    return np.argsort(np.frombuffer(os.urandom(8 * count), dtype=np.uint64))
