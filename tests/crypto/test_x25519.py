"""Curve25519 in bytes, against a slow ladder written here from RFC 7748 and Euler's criterion."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from crypto.errors import Refusal, UsageError
from crypto.x25519 import (
    again_points,
    again_tags,
    check_points,
    context_name,
    first_points,
    hash_to_curve,
    is_on_curve,
    pack_identifiers,
)

P = 2**255 - 19
A = 486662
SCALAR = bytes(range(32))
CONTEXT = b"run-1"
IDENTIFIER = b"91350200MA31XQ7T5K"

# https://cr.yp.to/ecdh.html, "How do I validate Curve25519 public keys?"
ORDER_8 = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
BERNSTEINS_LIST = (
    0,
    1,
    *ORDER_8,
    P - 1,
    P,
    P + 1,
    *(P + u for u in ORDER_8),
    2 * P - 1,
    2 * P,
    2 * P + 1,
)


def ladder(scalar: bytes, point: bytes) -> bytes:
    """X25519 as in RFC 7748, section 5, in plain integers."""
    k = int.from_bytes(scalar, "little") & ~7 & ((1 << 255) - 1) | (1 << 254)
    k &= (1 << 255) - 1
    x_1 = (int.from_bytes(point, "little") & ((1 << 255) - 1)) % P
    x_2, z_2, x_3, z_3, swap = 1, 0, x_1, 1, 0
    for t in range(254, -1, -1):
        bit = (k >> t) & 1
        if swap ^ bit:
            x_2, x_3, z_2, z_3 = x_3, x_2, z_3, z_2
        swap = bit
        a, b, c, d = x_2 + z_2, x_2 - z_2, x_3 + z_3, x_3 - z_3
        da, cb, aa, bb = d * a % P, c * b % P, a * a % P, b * b % P
        e = aa - bb
        x_3, z_3 = (da + cb) ** 2 % P, x_1 * (da - cb) ** 2 % P
        x_2, z_2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x_2, z_2 = x_3, z_3
    return (x_2 * pow(z_2, P - 2, P) % P).to_bytes(32, "little")


def on_curve(point: bytes) -> bool:
    """Euler's criterion on the right-hand side of the curve's equation."""
    u = int.from_bytes(point, "little")
    return pow(u**3 + A * u**2 + u, (P - 1) // 2, P) == 1


def slow_hash_to_curve(context: bytes, identifier: bytes) -> bytes:
    name = hashlib.sha256(b"isthmus/psi/point/1" + context).digest()
    for counter in range(256):
        digest = bytearray(hashlib.sha256(name + bytes([counter]) + identifier).digest())
        digest[31] &= 0x7F
        if on_curve(bytes(digest)):
            return bytes(digest)
    raise AssertionError


def test_the_slow_ladder_is_the_one_of_rfc_7748() -> None:
    # Section 5.2, first and second vector.
    assert ladder(
        bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
        bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
    ) == bytes.fromhex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
    assert ladder(
        bytes.fromhex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
        bytes.fromhex("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"),
    ) == bytes.fromhex("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957")


def test_every_step_gives_the_frozen_bytes() -> None:
    name = context_name(CONTEXT)
    hashed = hash_to_curve(name, IDENTIFIER)
    point = first_points(SCALAR + name, pack_identifiers([IDENTIFIER]))
    twice = again_points(SCALAR[::-1], point)
    tag = again_tags(SCALAR[::-1], point)
    assert hashed.hex() == "7cbc2e254811480c6450d022e5a9d259f8c0d1847b85d70c0c43f916fe12526f"
    assert point.hex() == "f87e6d1c78c57d8fdefdcaca9c13f9b22d3ba92f3363d0f53d802821c4657708"
    assert twice.hex() == "e0dd394796ec805389fdcbc777c11c950b1b4368570d095b365f64138d149459"
    assert tag.hex() == "e442b719068f8959359c0fd3cbb1194a"


def test_every_step_is_what_a_slow_implementation_computes() -> None:
    name = context_name(CONTEXT)
    identifiers = [b"", b"a", IDENTIFIER, bytes(100), b"\xff" * 65535]
    points = first_points(SCALAR + name, pack_identifiers(identifiers))
    expected = [ladder(SCALAR, slow_hash_to_curve(CONTEXT, each)) for each in identifiers]
    assert points == b"".join(expected)
    twice = [ladder(SCALAR[::-1], each) for each in expected]
    assert again_points(SCALAR[::-1], points) == b"".join(twice)
    assert again_tags(SCALAR[::-1], points) == b"".join(
        hashlib.sha256(b"isthmus/psi/tag/1" + each).digest()[:16] for each in twice
    )


def test_a_hashed_identifier_is_never_on_the_twist() -> None:
    name = context_name(CONTEXT)
    identifiers = [index.to_bytes(4, "big") for index in range(1000)]
    assert all(on_curve(hash_to_curve(name, each)) for each in identifiers)
    # A hash used as it is lands on the twist every second time: the test above can fail.
    naive = [hashlib.sha256(each).digest()[:31] + b"\0" for each in identifiers]
    assert 300 < sum(map(on_curve, naive)) < 700


def test_the_quick_curve_check_is_eulers_criterion() -> None:
    for u in [0, 1, 2, 9, P - 1, *ORDER_8, *(2**exponent + 5 for exponent in range(3, 254))]:
        assert is_on_curve(u) == on_curve(u.to_bytes(32, "little"))


def test_a_context_cannot_be_shifted_into_the_identifier() -> None:
    assert hash_to_curve(context_name(b"run-1"), b"1x") != hash_to_curve(context_name(b"run-11"), b"x")
    assert pack_identifiers([b"ab", b"c"]) != pack_identifiers([b"a", b"bc"])


def test_an_empty_context_is_no_context() -> None:
    with pytest.raises(UsageError, match="context"):
        context_name(b"")


@pytest.mark.parametrize("u", BERNSTEINS_LIST)
def test_every_point_of_bernsteins_list_is_refused(u: int) -> None:
    good = ladder(SCALAR, slow_hash_to_curve(CONTEXT, IDENTIFIER))
    for points in (u.to_bytes(32, "little"), good + u.to_bytes(32, "little")):
        with pytest.raises(Refusal) as refused:
            check_points(b"", points)
        assert str(u) not in str(refused.value)
    check_points(b"", good)


@pytest.mark.parametrize("u", [1, *ORDER_8])
def test_a_low_order_point_on_the_curve_is_known_as_such(u: int) -> None:
    assert on_curve(u.to_bytes(32, "little"))  # So the curve check alone would let it through.
    with pytest.raises(ValueError, match="Error computing shared key"):
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(u.to_bytes(32, "little")))
    with pytest.raises(Refusal, match="low order"):
        check_points(b"", u.to_bytes(32, "little"))


def test_a_point_on_the_twist_is_refused() -> None:
    assert not on_curve((2).to_bytes(32, "little"))
    with pytest.raises(Refusal, match="not on the curve"):
        check_points(b"", (2).to_bytes(32, "little"))


def test_a_point_written_in_a_second_way_is_refused() -> None:
    nine = (9).to_bytes(32, "little")
    check_points(b"", nine)
    for other in (9 + P, 9 + 2**255):
        assert ladder(SCALAR, other.to_bytes(32, "little")) == ladder(SCALAR, nine)
        with pytest.raises(Refusal, match="below 2\\^255"):
            check_points(b"", other.to_bytes(32, "little"))


def test_an_all_zero_product_is_refused_even_unchecked() -> None:
    for work in (again_points, again_tags):
        with pytest.raises(Refusal, match="low order"):
            work(SCALAR, bytes(32))
