"""A mask that serves twice, or a vector of another sum: refused, or opened to uniform words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from crypto.errors import Refusal
from crypto.masks import PairwiseMasks
from crypto.private import Private
from crypto.sealed import Words64
from crypto.summation import ring
from crypto.summation.protection import SealedVector
from crypto.summation.schemes import protection
from tests.attacks.members import NAMES, SCHEMES, Group, correlation, scheme_named, updates

LENGTH = 6_000
OTHERS = frozenset({"honest", "colluder"})


@pytest.fixture(params=SCHEMES)
def group(request: pytest.FixtureRequest) -> Group:
    return Group(request.param)


# -- a mask serves once ------------------------------------------------------------------------------

USES: dict[str, Callable[[PairwiseMasks, str, frozenset[str]], Words64]] = {
    "words": lambda masks, label, partners: masks.words(label, partners, 8),
    "residues": lambda masks, label, partners: masks.residues(label, partners, 8, 1 << 32),
    "added_to": lambda masks, label, partners: masks.added_to(
        np.zeros(8, np.uint64), label, partners, 1 << 32
    ),
}


@pytest.mark.parametrize("first", USES)
@pytest.mark.parametrize("second", USES)
@pytest.mark.parametrize("partners", [OTHERS, frozenset({"honest"}), frozenset()])
def test_a_mask_label_serves_once_whoever_the_partners_are(
    first: str, second: str, partners: frozenset[str]
) -> None:
    masks = Group("mask").masks("victim")
    USES[first](masks, "round 1", OTHERS)
    with pytest.raises(ValueError, match="twice"):
        USES[second](masks, "round 1", partners)
    USES[second](masks, "round 2", partners)


def test_the_group_pad_of_a_label_serves_once() -> None:
    scheme = protection("mask")
    key, words = scheme.generate_key(), Private(np.arange(9, dtype=np.uint64))
    scheme.seal(key, "round 1", words, pads=True)
    with pytest.raises(ValueError, match="twice"):
        scheme.seal(key, "round 1", words, pads=True)


def test_control_a_mask_that_serves_twice_shows_the_difference_of_the_two_updates(group: Group) -> None:
    """What the refusals are for: a member that forgot what it had sealed, and a client that has the key."""
    first, second = updates(LENGTH)["victim"], updates(LENGTH)["honest"]
    count, modulus, lanes = group.lanes.words(LENGTH), group.scheme.modulus, group.lanes
    opened = []
    for update in (first, second):
        forgetful = scheme_named(group.name)
        hiding = group.masks("victim").residues("round 1", OTHERS, count, modulus)
        words = Private(ring.add(group.packed("victim", update), hiding, modulus))
        total = forgetful.add([forgetful.seal(group.key, "round 1", words, pads=True)])
        opened.append(forgetful.open(group.key, "round 1", total, count).open_locally())
    positive = sum(2 * lanes.levels << (lanes.lane_bits * k) for k in range(lanes.lanes))
    difference = ring.add(ring.subtract(*opened, modulus), np.full(count, positive, np.uint64), modulus)
    assert correlation(group.lane_values(difference, LENGTH), first - second) > 0.999


# -- a vector of another sum -------------------------------------------------------------------------


def sent(group: Group, old: tuple[str, ...]) -> list[SealedVector]:
    """Round 2's vectors, but those of `old` are from round 1."""
    values = updates(LENGTH)
    return [group.seal(name, values[name], "round 1" if name in old else "round 2") for name in NAMES]


def words_of(group: Group, vectors: list[SealedVector], label: str) -> Words64 | None:
    """What the members have after taking off all own masks of `label`; None when the total is refused."""
    try:
        total = group.scheme.add(vectors, group.weights)
        words = group.scheme.open(group.key, label, total, group.lanes.words(LENGTH)).open_locally()
    except Refusal:
        return None
    return group.without_own_masks(words, label)


def is_uniform(group: Group, words: Words64) -> bool:
    """Of the right mean and spread, and like no member's update in its lanes."""
    share = words.astype(np.float64) / group.scheme.modulus
    even = abs(share.mean() - 0.5) < 0.03 and abs(share.std() - np.sqrt(1 / 12)) < 0.02
    values = updates(LENGTH)
    lanes = group.lane_values(words, LENGTH)
    return even and all(correlation(lanes, each) < 0.07 for each in (*values.values(), sum(values.values())))


@pytest.mark.parametrize("old", [("victim",), ("colluder",), ("victim", "honest"), NAMES])
def test_vectors_of_another_round_are_refused_or_open_to_uniform_words(
    group: Group, old: tuple[str, ...]
) -> None:
    words = words_of(group, sent(group, old), "round 2")
    if words is not None:
        assert is_uniform(group, words)
        with pytest.raises(Refusal, match="not one of this step"):
            group.lanes.unpack(words, LENGTH)


@pytest.mark.parametrize("swap", [0, 1, 2])
def test_one_vector_twice_for_another_ones_is_refused_or_opens_to_uniform_words(
    group: Group, swap: int
) -> None:
    vectors = sent(group, ())
    vectors[swap] = vectors[(swap + 1) % 3]
    words = words_of(group, vectors, "round 2")
    if words is not None:
        assert is_uniform(group, words)
        with pytest.raises(Refusal, match="not one of this step"):
            group.lanes.unpack(words, LENGTH)


def test_vectors_of_another_run_are_refused_or_open_to_uniform_words(group: Group) -> None:
    other = Group(group.name)
    words = words_of(group, sent(other, ()), "round 2")
    assert words is None or is_uniform(group, words)


def test_control_the_rounds_own_vectors_open_to_their_sum(group: Group) -> None:
    words = words_of(group, sent(group, ()), "round 2")
    assert words is not None and not is_uniform(group, words)
    weights, values = group.weights or [1, 1, 1], updates(LENGTH)
    expected = sum(weight * values[name] for weight, name in zip(weights, NAMES, strict=True))
    found = group.grid.dequantise(group.lanes.unpack(words, LENGTH))
    assert np.abs(found - expected).max() < sum(weights) / group.lanes.levels
