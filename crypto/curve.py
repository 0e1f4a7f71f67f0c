"""The group operations of private set intersection: one secret multiplier per party, applied in a ring.

    1  party i          P_i = first(its identifiers, shuffled)      k_i * H(id)
    2  each other one   P_i = again(P_i)                            k_j * ..., order kept
    3  the last one     T_i = tags(P_i)                             16 bytes of SHA-256 each, order kept
    4  for all sets     common = match([T_1, ..., T_n])             ascending
    5  for each i       rows = positions(common, T_i)               the same subjects in the same order

Multiplying commutes, so equal identifiers end as equal tags whatever the way round the ring (Meadows 1986;
Huberman, Franklin and Hogg 1999; here on Curve25519).

Who is shown T_i matters. Whoever holds the tags of two sets and the identifiers of one knows their overlap,
and the party that makes T_i holds T_i. So with three parties or more a party must not be given its own tags
when it made another's: the makers send them to the aggregator, which runs steps 4 and 5 and gives each party
its rows. (With two parties the overlap is the result.)

Parties follow the protocol and may look at all they see. A party that lies about its set (adds guesses,
drops rows) is not found out here: bound the set sizes and keep a minimum intersection.

Arithmetic stands in `crypto.x25519`, matching in `crypto.tags`, the worker processes in `crypto.pool`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn, Self

import numpy as np

from crypto.errors import Refusal, UsageError
from crypto.pool import Pool
from crypto.private import Private
from crypto.sealed import Sealed, Wire, wire_bytes
from crypto.tags import Tags, match, positions
from crypto.worker import Work
from crypto.x25519 import (
    LONGEST_ID,
    POINT_BYTES,
    again_points,
    again_tags,
    check_points,
    context_name,
    first_points,
    pack_identifiers,
)

__all__ = ["BlindedPoints", "RingKey", "Tags", "match", "positions"]

#: Below this many elements a pool's pipes and start-up cost more than they save.
POOL_FROM = 4000
#: Elements given to a worker at a time.
CHUNK = 5000

_ADVICE = "Ask that party to run the same version of Isthmus; then launch the round again."


@dataclass(frozen=True, slots=True, repr=False)
class BlindedPoints(Sealed):
    """One blinded identifier per element of a set: 32-byte points laid end to end, in the order of rows.

    Without the keys that were applied a point tells nothing about its identifier, also to whoever guesses it
    (decisional Diffie-Hellman on Curve25519). It does not hide how many elements there are, nor their order:
    a party shuffles its rows before `RingKey.first`. Points blinded by the same keys in one run are equal
    when their identifiers are, so sets of them show their overlap.
    """

    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) % POINT_BYTES:
            raise Refusal("blinded points do not come in whole numbers of 32 bytes", advice=_ADVICE)

    @classmethod
    def from_wire(cls, wire: Wire, pool: Pool | None = None) -> Self:
        """Parse points that another party sent; the only way in for bytes from outside.

        Raises `Refusal` for a wrong length, a repeated point, and any point that is not below p, is of low
        order or is not on the curve. The last is not needed to protect the key: the curve's twist is as hard,
        and a clamped scalar clears the small factors of both orders. It costs 2 us of an element's 30, and
        finds a party whose hash does not land on the curve, which would show one bit of each of *its* hashes
        to everyone; and with it "a point" means one thing in every argument about this protocol.
        """
        data = wire_bytes(wire, of="BlindedPoints")
        points = cls(data)
        if _repeats(data):
            raise Refusal("a blinded point stands twice in one set", advice=_ADVICE)
        _run(check_points, b"", _chunked(data), pool)
        return points

    def to_wire(self) -> Wire:
        return self.data

    def check_some(self, most: int) -> None:
        """Look at `most` of the points, drawn afresh, or at all where there are no more, as `from_wire` does.

        Raises `Refusal` when one is not on the curve. Half of all other bytes are not: a draw of m among n
        points misses k rows of something else with probability (1 - k / 2n)^m at the most.
        """
        drawn: Sequence[int] = range(len(self))
        if len(self) > most:
            drawn = secrets.SystemRandom().sample(drawn, most)
        starts = (POINT_BYTES * each for each in drawn)
        check_points(b"", b"".join(self.data[at : at + POINT_BYTES] for at in starts))

    def __len__(self) -> int:
        return len(self.data) // POINT_BYTES

    def __repr__(self) -> str:
        return "BlindedPoints(...)"


class RingKey:
    """One party's secret multiplier for one run. Make it, use it, `drop` it.

    It cannot be printed, copied or serialised. Used again in another run under the same context it would
    give the same points for the same identifiers, and whoever saw both could link the rows.
    """

    __slots__ = ("_name", "_pool", "_scalar")

    def __init__(self, context: bytes, pool: Pool | None = None) -> None:
        """A fresh key for the run named `context`, the same at every party: another gives other tags.

        `pool`, if given, takes the work on sets of 4,000 elements and more; the results are the same bytes.
        """
        self._name = context_name(context)
        self._pool = pool
        self._scalar = bytearray(secrets.token_bytes(POINT_BYTES))

    @classmethod
    def _from_parts(cls, context: bytes, scalar: bytes, pool: Pool | None = None) -> RingKey:
        """A key with a known scalar, for test vectors."""
        key = cls(context, pool)
        key._scalar[:] = scalar
        return key

    def first(self, ids: Private[Sequence[bytes]]) -> BlindedPoints:
        """Hash each identifier onto the curve under this run's context and blind it, in the given order.

        Identifiers are compared byte for byte: normalise them before, everywhere in the same way. The
        neighbour sees the order, so shuffle it. Raises `UsageError` when one is empty (a missing identifier
        would match every other missing one), is longer than 65,535 bytes, or stands there twice.
        """
        plain = ids.open_locally()
        _check_identifiers(plain)
        chunks = [pack_identifiers(plain[at : at + CHUNK]) for at in range(0, len(plain), CHUNK)]
        return BlindedPoints(_run(first_points, self._secret() + self._name, chunks, self._pool, len(plain)))

    def again(self, points: BlindedPoints) -> BlindedPoints:
        """Blind another party's points once more, order kept."""
        blinded = self._apply(again_points, points)
        if _repeats(blinded):
            # P and P + T, T of order 2, 4 or 8, are two points that every scalar makes one.
            raise Refusal("two blinded points differ only by a low-order part", advice=_ADVICE)
        return BlindedPoints(blinded)

    def tags(self, points: BlindedPoints) -> Tags:
        """Blind another party's points for the last time and hash each to its tag, order kept."""
        return Tags.from_wire(self._apply(again_tags, points))

    def drop(self) -> None:
        """Forget the key: it cannot be used any more.

        Python and OpenSSL may have left copies in freed memory; nothing here can reach those.
        """
        self._scalar[:] = bytes(len(self._scalar))
        self._scalar = bytearray()

    def __repr__(self) -> str:
        return "RingKey(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a RingKey is never serialised or copied")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a RingKey is never serialised or copied")

    def _apply(self, work: Work, points: BlindedPoints) -> bytes:
        return _run(work, self._secret(), _chunked(points.data), self._pool)

    def _secret(self) -> bytes:
        if not self._scalar:
            raise UsageError("this ring key was dropped", advice="Make a fresh key: one per run.")
        return bytes(self._scalar)


def _run(
    work: Work, argument: bytes, chunks: Sequence[bytes], pool: Pool | None, elements: int | None = None
) -> bytes:
    """`work` on every chunk, here or in the pool, the results laid end to end.

    `elements` is given where a chunk's length does not say how many elements it holds.
    """
    if elements is None:
        elements = sum(map(len, chunks)) // POINT_BYTES
    if pool is None or elements < POOL_FROM:
        return b"".join([work(argument, chunk) for chunk in chunks])
    results, _ = pool.map(work, argument, chunks)
    return b"".join(results)


def _chunked(points: bytes) -> list[bytes]:
    step = CHUNK * POINT_BYTES
    return [points[at : at + step] for at in range(0, len(points), step)]


def _repeats(points: bytes) -> bool:
    ordered = np.sort(np.frombuffer(points, dtype=f"S{POINT_BYTES}"))
    return bool((ordered[1:] == ordered[:-1]).any())


def _check_identifiers(identifiers: Sequence[bytes]) -> None:
    if not all(0 < len(each) <= LONGEST_ID for each in identifiers):
        raise UsageError(
            "an identifier is empty or longer than 65,535 bytes",
            advice="Leave out rows without an identifier before aligning.",
        )
    if len(set(identifiers)) < len(identifiers):
        raise UsageError(
            "an identifier stands in more than one row",
            advice="Keep one row per identifier before aligning.",
        )
