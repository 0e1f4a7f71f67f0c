"""The ring: what every party must be able to rely on."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable, Iterator
from itertools import permutations

import pytest

from crypto.curve import POOL_FROM, BlindedPoints, RingKey, match, positions
from crypto.errors import IsthmusError, Refusal, UsageError
from crypto.pool import Pool
from crypto.private import Private

P = 2**255 - 19
SCALAR = bytes(range(1, 33))
IDENTIFIERS = [f"company-{index:05}".encode() for index in range(40)]


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool() as running:
        yield running


def points_of(identifiers: list[bytes], key: RingKey | None = None) -> BlindedPoints:
    return (key or RingKey(b"run-1")).first(Private(identifiers))


def split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_three_keys_give_the_same_tags_in_any_order() -> None:
    keys = [RingKey(b"run-1") for _ in range(3)]
    results = {c.tags(b.again(points_of(IDENTIFIERS, a))).data for a, b, c in permutations(keys)}
    assert len(results) == 1


def test_a_ring_of_three_aligns_rows_and_nothing_else() -> None:
    sets = [IDENTIFIERS[0:30], IDENTIFIERS[35:4:-1], IDENTIFIERS[10:40]]
    keys = [RingKey(b"run-1") for _ in range(3)]
    tags = []
    for party, own in enumerate(sets):
        points = BlindedPoints.from_wire(points_of(own, keys[party]).data)
        points = BlindedPoints.from_wire(keys[(party + 1) % 3].again(points).data)
        tags.append(keys[(party + 2) % 3].tags(points))
    common = match(tags)
    aligned = [[own[row] for row in positions(common, of)] for own, of in zip(sets, tags, strict=True)]
    assert aligned[0] == aligned[1] == aligned[2]
    assert sorted(aligned[0]) == IDENTIFIERS[10:30]


def test_order_is_kept() -> None:
    key, other = RingKey(b"run-1"), RingKey(b"run-1")
    together = points_of(IDENTIFIERS, key)
    one_by_one = [points_of([each], key) for each in IDENTIFIERS]
    assert split(together.data, 32) == [each.data for each in one_by_one]
    assert split(other.again(together).data, 32) == [other.again(each).data for each in one_by_one]
    assert split(other.tags(together).data, 16) == [other.tags(each).data for each in one_by_one]


def test_tags_of_two_runs_cannot_be_linked_even_under_one_key() -> None:
    tags = [
        RingKey._from_parts(context, SCALAR).tags(
            points_of(IDENTIFIERS, RingKey._from_parts(context, SCALAR))
        )
        for context in (b"run-1", b"run-2")
    ]
    assert len(match(tags)) == 0


def test_a_fresh_key_gives_fresh_points() -> None:
    assert not set(split(points_of(IDENTIFIERS).data, 32)) & set(split(points_of(IDENTIFIERS).data, 32))


def test_the_key_is_nowhere_to_be_seen() -> None:
    key = RingKey._from_parts(b"run-1", SCALAR)
    shown = repr(key) + str(key) + f"{key}"
    assert shown == "RingKey(...)" * 3
    copying: list[Callable[[RingKey], object]] = [
        copy.copy,
        copy.deepcopy,
        lambda each: each.__reduce_ex__(4),
        lambda each: each.__getstate__(),
    ]
    for attempt in copying:
        with pytest.raises(TypeError, match="never serialised"):
            attempt(key)


def test_points_show_nothing_when_printed() -> None:
    assert repr(points_of(IDENTIFIERS)) == "BlindedPoints(...)"


def test_a_dropped_key_cannot_be_used() -> None:
    key = RingKey(b"run-1")
    points = points_of(IDENTIFIERS, key)
    held = key._scalar
    key.drop()
    assert held == bytes(32)
    for use in (lambda: points_of(IDENTIFIERS, key), lambda: key.again(points), lambda: key.tags(points)):
        with pytest.raises(UsageError, match="dropped"):
            use()


@pytest.mark.parametrize(
    ("identifiers", "why"),
    [
        ([b"company-1", b""], "empty"),
        ([b"company-1", b"company-1" * 8000], "longer"),
        ([b"company-1", b"company-2", b"company-1"], "more than one row"),
    ],
)
def test_a_bad_identifier_is_refused_and_not_shown(identifiers: list[bytes], why: str) -> None:
    with pytest.raises(UsageError, match=why) as refused:
        points_of(identifiers)
    error: IsthmusError = refused.value
    assert "company" not in repr(error) + str(error) + error.advice + error.cause


def test_a_set_of_none_is_blinded_to_none() -> None:
    key = RingKey(b"run-1")
    empty = BlindedPoints.from_wire(points_of([], key).data)
    assert len(empty) == len(key.again(empty)) == len(key.tags(empty)) == 0


@pytest.mark.parametrize("length", [1, 16, 31, 33, 63])
def test_points_of_a_wrong_length_are_refused(length: int) -> None:
    with pytest.raises(Refusal, match="32 bytes"):
        BlindedPoints.from_wire(bytes(length))


def test_a_repeated_point_is_refused() -> None:
    points = points_of(IDENTIFIERS).data
    with pytest.raises(Refusal, match="twice"):
        BlindedPoints.from_wire(points + points[32:64])


def test_random_bytes_are_refused_without_a_crash() -> None:
    for length in (32, 320, 3200):
        data = secrets.token_bytes(length - 32) + b"\xff" * 32
        with pytest.raises(Refusal) as refused:
            BlindedPoints.from_wire(data)
        assert data.hex()[:16] not in repr(refused.value)


def test_a_point_and_its_low_order_twin_are_found_out() -> None:
    # Adding the point of order 2, (0, 0), maps u to 1 / u: two good points that every scalar makes one.
    point = points_of(IDENTIFIERS[:1]).data
    twin = pow(int.from_bytes(point, "little"), -1, P).to_bytes(32, "little")
    points = BlindedPoints.from_wire(point + twin)
    with pytest.raises(Refusal, match="low-order part"):
        RingKey(b"run-1").again(points)
    with pytest.raises(Refusal, match="twice"):
        RingKey(b"run-1").tags(points)


def test_the_pool_gives_the_same_bytes(pool: Pool) -> None:
    # More than one chunk, the last one short.
    identifiers = [f"company-{index:05}".encode() for index in range(5200)]
    inline = RingKey._from_parts(b"run-1", SCALAR)
    pooled = RingKey._from_parts(b"run-1", SCALAR, pool)
    points = points_of(identifiers, inline)
    assert points_of(identifiers, pooled) == points
    assert pooled.again(points) == inline.again(points)
    assert pooled.tags(points) == inline.tags(points)
    assert len(pool.process_ids) == 2


def test_a_bad_point_is_refused_through_the_pool_too(pool: Pool) -> None:
    identifiers = [f"company-{index:05}".encode() for index in range(POOL_FROM)]
    points = points_of(identifiers, RingKey(b"run-1", pool)).data
    with pytest.raises(Refusal, match="not on the curve") as refused:
        BlindedPoints.from_wire(points[:-32] + (2).to_bytes(32, "little"), pool)
    assert refused.value.advice.startswith("Ask that party")


def test_a_small_set_starts_no_process() -> None:
    with Pool() as idle:
        points_of(IDENTIFIERS, RingKey(b"run-1", idle))
        assert idle.process_ids == ()
