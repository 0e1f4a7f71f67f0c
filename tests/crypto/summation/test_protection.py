"""Every protection gives the exact sum to the members, and nobody else anything but lengths."""

from __future__ import annotations

import secrets
from itertools import combinations
from typing import Any

import msgpack
import numpy as np
import numpy.typing as npt
import pytest

from crypto.masks import PairwiseMasks
from crypto.private import Private
from crypto.sealed import Entrusted, Sealed, WireRefused, Words64
from crypto.summation import ring
from crypto.summation.grid import Grid
from crypto.summation.protection import MOST_MEMBERS, GroupKey, Protection, SealedVector
from crypto.summation.schemes import protection
from crypto.summation.stream import KeyStream

SCHEMES = {"he": {"name": "he"}, "he-seeded": {"name": "he", "seeded": True}, "mask": {"name": "mask"}}


@pytest.fixture(scope="module", params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> Protection:
    return protection(**SCHEMES[request.param])  # type: ignore[arg-type]


def uniform(scheme: Protection, count: int, seed: int = 0) -> Words64:
    return np.random.default_rng(seed).integers(0, scheme.modulus, count, dtype=np.uint64)


def sealed(scheme: Protection, key: GroupKey, label: str, *words: Words64) -> list[SealedVector]:
    return [scheme.seal(key, label, Private(each), pads=i == 0) for i, each in enumerate(words)]


@pytest.mark.parametrize("count", [1, 4095, 4096, 4097, 9000])
def test_the_sum_of_words_opens_exactly(scheme: Protection, count: int) -> None:
    key = scheme.generate_key()
    words = [uniform(scheme, count, seed) for seed in range(3)]
    total = scheme.add(sealed(scheme, key, f"exact {count}", *words))
    opened = scheme.open(key, f"exact {count}", total, count).open_locally()
    expected = ring.add(ring.add(words[0], words[1], scheme.modulus), words[2], scheme.modulus)
    assert opened.dtype == np.uint64 and np.array_equal(opened, expected)


def test_the_most_members_with_the_largest_words_still_open(scheme: Protection) -> None:
    key = scheme.generate_key()
    words = [np.full(5000, scheme.modulus - 1, dtype=np.uint64)] * MOST_MEMBERS
    total = scheme.add(sealed(scheme, key, "most", *words))
    opened = scheme.open(key, "most", total, 5000).open_locally()
    assert (opened == (MOST_MEMBERS * (scheme.modulus - 1)) % scheme.modulus).all()


def whole_protocol(scheme: Protection, values: list[npt.NDArray[np.float64]], clip: float) -> Any:
    """As members do it: quantise, pack, pairwise masks, own mask, seal; add; open; take the own masks off."""
    names = [f"p{i}" for i in range(len(values))]
    shared = {frozenset(pair): secrets.token_bytes(32) for pair in combinations(names, 2)}
    own = [secrets.token_bytes(32) for _ in names]
    lanes, key = scheme.packing(len(values)), scheme.generate_key()
    grid = Grid(clip, lanes.levels)
    uploads = []
    for i, me in enumerate(names):
        others = frozenset(names) - {me}
        masks = PairwiseMasks(me, {other: shared[frozenset((me, other))] for other in others})
        words = lanes.pack(grid.quantise(Private(values[i]), KeyStream(own[i], "round")).open_locally())
        words = ring.add(words, masks.residues("1", others, len(words), scheme.modulus), scheme.modulus)
        words = ring.masked(words, scheme.modulus, plus=[KeyStream(own[i], "own")])
        uploads.append(scheme.seal(key, "1", Private(words), pads=i == 0))
    total = SealedVector.from_wire(scheme.add(uploads).to_wire())
    words = scheme.open(key, "1", total, lanes.words(len(values[0]))).open_locally()
    words = ring.masked(words, scheme.modulus, minus=[KeyStream(seed, "own") for seed in own])
    return grid.dequantise(lanes.unpack(words, len(values[0])))


@pytest.mark.parametrize("members", [2, 3, 5])
def test_the_mean_is_within_a_millionth_of_the_clip(scheme: Protection, members: int) -> None:
    values = [np.random.default_rng(i).uniform(-1, 1, 9001) for i in range(members)]
    total = whole_protocol(scheme, values, 1.0)
    assert np.abs(total / members - np.mean(values, axis=0)).max() < 1e-6


def test_another_key_or_another_label_opens_to_noise(scheme: Protection) -> None:
    key = scheme.generate_key()
    words = np.zeros(4096, dtype=np.uint64)
    total = scheme.add(sealed(scheme, key, "one", words, words))
    assert not scheme.open(key, "one", total, 4096).open_locally().any()
    found = scheme.open(scheme.generate_key(), "one", total, 4096).open_locally()
    assert abs(found.astype(np.float64).mean() / scheme.modulus - 0.5) < 0.05
    if scheme.name == "mask":  # BFV has no label: there the masks inside are what a label binds.
        assert np.count_nonzero(scheme.open(key, "two", total, 4096).open_locally()) > 4090


def test_what_the_aggregator_sees_is_uniform(scheme: Protection) -> None:
    """Zero words, unmasked but by the scheme itself, at the member that pads."""
    (vector,) = sealed(scheme, scheme.generate_key(), "one", np.zeros(4096, dtype=np.uint64))
    data = np.frombuffer(b"".join(vector.parts), dtype=np.uint8)
    low = data[::8] if scheme.name == "he" else data  # The top bits of a coefficient below 2^60 are zero.
    counts = np.bincount(low, minlength=256)
    expected = len(low) / 256
    assert ((counts - expected) ** 2 / expected).sum() < 255 + 8 * np.sqrt(2 * 255)


def test_equal_words_at_two_members_or_twice_do_not_look_alike() -> None:
    key = GroupKey(bytes(32))
    words = Private(np.zeros(10, dtype=np.uint64))
    for seeded in (False, True):
        one, other = protection("he", seeded=seeded), protection("he", seeded=seeded)
        parts = [each.seal(key, "x", words, pads=False).parts[0] for each in (one, one, other)]
        seeds_or_tails = {part[-64:] for part in parts}
        assert len(set(parts)) == 3 and len(seeds_or_tails) == 3


def test_a_vector_is_sealed_and_travels(scheme: Protection) -> None:
    (vector,) = sealed(scheme, scheme.generate_key(), "one", uniform(scheme, 300))
    assert isinstance(vector, Sealed)
    back = SealedVector.from_wire(msgpack.unpackb(msgpack.packb(vector.to_wire())))
    assert back == vector
    scheme.check(back, 300)
    assert (
        len(vector) == sum(map(len, vector.parts))
        and repr(vector) == f"SealedVector({vector.form}, 300 words)"
    )


@pytest.mark.parametrize(
    "wire",
    [b"", [], [0, 1], [0, 1, [], 2], ["he", 1, [b""]], [4, 1, []], [-1, 1, []], [True, 1, []], [0, 0, []],
     [0, -1, []], [0, True, []], [0, 1 << 40, []], [0, 1, b"a"], [0, 1, [1]], [0, 1, [[b"a"]]]],
)  # fmt: skip
def test_what_is_no_vector_is_refused(wire: Any) -> None:
    with pytest.raises(WireRefused):
        SealedVector.from_wire(wire)


def test_a_group_key_is_entrusted_and_shows_nothing() -> None:
    key = protection("mask").generate_key()
    assert isinstance(key, Entrusted) and not isinstance(key, Sealed)
    assert repr(key) == str(key) == "GroupKey(...)" and GroupKey.from_wire(key.to_wire()) == key
    for wire in (b"", bytes(31), bytes(33), 5, [bytes(32)]):
        with pytest.raises(WireRefused):
            GroupKey.from_wire(wire)  # type: ignore[arg-type]


def test_the_wrong_count_and_the_wrong_form_are_refused(scheme: Protection) -> None:
    key = scheme.generate_key()
    (vector,) = sealed(scheme, key, "one", uniform(scheme, 5000))
    total = scheme.add([vector])
    for count in (4999, 5001, 1, 4096, 8192):
        for act in (scheme.check, lambda v, n: scheme.open(key, "one", v, n)):
            with pytest.raises(WireRefused):
                act(total, count)
    for form in {"he", "he-seeded", "mask", "ckks"} - {vector.form, total.form}:
        with pytest.raises(WireRefused, match="form"):
            scheme.check(SealedVector(form, 5000, vector.parts), 5000)


def test_a_vector_of_nothing_is_refused(scheme: Protection) -> None:
    for form in ("he", "he-seeded", "mask"):
        for parts in ((), (b"",)):
            for act in (lambda v: scheme.check(v, 0), lambda v: scheme.add([v])):
                with pytest.raises(WireRefused):
                    act(SealedVector(form, 0, parts))


def test_one_member_of_another_length_spoils_no_sum(scheme: Protection) -> None:
    key = scheme.generate_key()
    long, short = sealed(scheme, key, "one", uniform(scheme, 20), uniform(scheme, 19))
    with pytest.raises(WireRefused):
        scheme.add([long, short])


def test_sums_that_cannot_be_are_refused(scheme: Protection) -> None:
    (vector,) = sealed(scheme, scheme.generate_key(), "one", uniform(scheme, 3))
    with pytest.raises(ValueError, match="vectors"):
        scheme.add([])
    with pytest.raises(ValueError, match="vectors"):
        scheme.add([vector] * (MOST_MEMBERS + 1))
    with pytest.raises(ValueError, match="weights"):
        scheme.add([vector], [1])
    with pytest.raises(ValueError, match="members"):
        scheme.packing(MOST_MEMBERS + 1)
    assert scheme.factor(1) == 1
    with pytest.raises(ValueError, match="weights"):
        scheme.factor(2)


def test_words_outside_the_ring_are_not_sealed(scheme: Protection) -> None:
    key = scheme.generate_key()
    for words in (np.array([scheme.modulus], dtype=np.uint64), np.array([], dtype=np.uint64)):
        with pytest.raises(ValueError, match="modulus"):
            scheme.seal(key, "one", Private(words), pads=False)


@pytest.mark.parametrize(("name", "seeded"), [("ckks", True), ("mask", True), ("none", False), ("", False)])
def test_there_is_no_other_protection(name: str, seeded: bool) -> None:
    with pytest.raises(ValueError, match=r"seeded|protection"):
        protection(name, seeded=seeded)


def test_lanes_that_could_wrap_around_the_ring_are_refused() -> None:
    scheme = protection("mask")
    scheme.modulus = 1 << 31
    with pytest.raises(ValueError, match="ring"):
        scheme.packing(3)
