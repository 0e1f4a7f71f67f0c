"""Curve25519 in bytes: hashing onto the curve, checking a point, multiplying many of them.

A point is its u-coordinate: 32 bytes, little-endian, below p = 2^255 - 19 (RFC 7748, sections 4.1 and 5).
A scalar is 32 random bytes; X25519 clamps it, so it is a multiple of 8 that is not a multiple of the
group's order. It therefore clears whatever low-order part a point has, and never makes the zero point of
a point that `check_points` lets through.

Scalar multiplication is OpenSSL's, in constant time. The functions that end in `_points` or `_tags` work
on one chunk of elements laid end to end, take and return `bytes` only, and so can run in a worker process
(`crypto.pool`). This module loads no numpy: such a process starts in a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import repeat

import gmpy2
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from crypto.errors import Refusal, UsageError

#: Bytes in a point, in a scalar and in the name of a context.
POINT_BYTES = 32
#: Bytes of a tag: two of a million elements share one with probability below 2^-80.
TAG_BYTES = 16
#: The longest identifier, in bytes: its length travels to the worker processes in two.
LONGEST_ID = 65535

_P = gmpy2.mpz(2**255 - 19)
_A = gmpy2.mpz(486662)  # v^2 = u^3 + A u^2 + u, RFC 7748 section 4.1
_LARGEST_U = 2**255 - 20
_BELOW_2_255 = (1 << 255) - 1
_COUNTERS = tuple(bytes((counter,)) for counter in range(256))
_POINT_DOMAIN = b"isthmus/psi/point/1"
_TAG_DOMAIN = b"isthmus/psi/tag/1"

#: Points on the curve that a clamped scalar sends to zero: u of order 2, 4 and 8 (https://cr.yp.to/ecdh.html,
#: "How do I validate Curve25519 public keys?"). The others on that page are not below p, or not on the curve.
_LOW_ORDER = frozenset(
    u.to_bytes(POINT_BYTES, "little")
    for u in (
        0,
        1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    )
)

_POINT_ADVICE = "Ask that party to run the same version of Isthmus; then launch the round again."


def context_name(context: bytes) -> bytes:
    """The 32 bytes that stand for `context` (a run's id) in front of every identifier that is hashed.

    Raises `UsageError` for an empty context: tags of two jobs could then be linked.
    """
    if not context:
        raise UsageError(
            "identifiers are not hashed without a context",
            advice="Give the run's id as the context: it keeps tags of two runs apart.",
        )
    return sha256(_POINT_DOMAIN + context).digest()


def is_on_curve(u: int) -> bool:
    """Whether u^3 + A u^2 + u is a non-zero square mod p, so that u is on the curve and not on its twist."""
    point = gmpy2.mpz(u)
    return bool(gmpy2.legendre(point * (point * (point + _A) + 1), _P) == 1)


def hash_to_curve(name: bytes, identifier: bytes) -> bytes:
    """The point of `identifier` under a context's `name`: SHA-256 by try-and-increment.

    u = SHA-256(name || counter || identifier) mod 2^255, for the first counter from 0 with u below p and on
    the curve. A hash used as u without that test falls on the curve or on its twist; which of the two
    survives every key, so each element would show one bit of its hash to whoever sees a blinded point.
    (Elligator 2 would need no second try, but costs an inversion more and reaches half of the curve.)

    The time taken tells how many tries there were. It is spent inside the party, over many identifiers.
    """
    for counter in _COUNTERS:
        u = int.from_bytes(sha256(name + counter + identifier).digest(), "little") & _BELOW_2_255
        if u <= _LARGEST_U and is_on_curve(u):
            return u.to_bytes(POINT_BYTES, "little")
    # One identifier in 2^256 comes here.
    raise UsageError("an identifier has no point on the curve", advice="Launch the round again.")


def pack_identifiers(identifiers: Iterable[bytes]) -> bytes:
    """Lay identifiers end to end, each behind its length in two bytes."""
    return b"".join([len(each).to_bytes(2, "big") + each for each in identifiers])


def first_points(scalar_and_name: bytes, packed: bytes) -> bytes:
    """scalar * hash_to_curve(name, id) for each packed identifier, in their order."""
    scalar, name = scalar_and_name[:POINT_BYTES], scalar_and_name[POINT_BYTES:]
    hashed = map(hash_to_curve, repeat(name), _unpacked(packed))
    return b"".join(_multiplied(scalar, hashed))


def again_points(scalar: bytes, points: bytes) -> bytes:
    """scalar * point for each point, in their order."""
    return b"".join(_multiplied(scalar, _split(points)))


def again_tags(scalar: bytes, points: bytes) -> bytes:
    """The first 16 bytes of SHA-256(domain || scalar * point) for each point, in their order."""
    return b"".join(
        [sha256(_TAG_DOMAIN + point).digest()[:TAG_BYTES] for point in _multiplied(scalar, _split(points))]
    )


def check_points(_: bytes, points: bytes) -> bytes:
    """Raise `Refusal` unless every point is below p, on the curve and not of low order. Returns nothing."""
    for point in _split(points):
        u = int.from_bytes(point, "little")
        if u > _LARGEST_U:
            raise Refusal("a blinded point is not a number below 2^255 - 19", advice=_POINT_ADVICE)
        if point in _LOW_ORDER:
            raise Refusal("a blinded point has low order", advice=_POINT_ADVICE)
        if not is_on_curve(u):
            raise Refusal("a blinded point is not on the curve", advice=_POINT_ADVICE)
    return b""


def _multiplied(scalar: bytes, points: Iterable[bytes]) -> Iterator[bytes]:
    exchange = X25519PrivateKey.from_private_bytes(scalar).exchange
    parsed = X25519PublicKey.from_public_bytes
    try:
        for point in points:
            yield exchange(parsed(point))
    except ValueError:
        # OpenSSL refuses an all-zero result (RFC 7748, section 6.1).
        raise Refusal("a blinded point has low order", advice=_POINT_ADVICE) from None


def _split(points: bytes) -> Iterator[bytes]:
    return (points[at : at + POINT_BYTES] for at in range(0, len(points), POINT_BYTES))


def _unpacked(packed: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(packed):
        start = at + 2
        at = start + int.from_bytes(packed[at:start], "big")
        yield packed[start:at]
