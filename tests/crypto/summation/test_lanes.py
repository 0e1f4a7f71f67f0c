"""Integers come back from the sum whatever the members hold, and what is no such sum is refused."""

from __future__ import annotations

import numpy as np
import pytest

from crypto.errors import Refusal
from crypto.summation.lanes import Lanes
from crypto.summation.schemes import protection
from crypto.summation.stream import BLOCK

SHAPES = [(1, 32), (2, 25), (3, 17), (1, 63)]


@pytest.mark.parametrize(("lanes", "bits"), SHAPES)
@pytest.mark.parametrize("parties", [1, 2, 5, 16])
@pytest.mark.parametrize("length", [1, 2, 7, 100])
def test_sums_come_back_at_both_extremes_and_between(
    lanes: int, bits: int, parties: int, length: int
) -> None:
    packing = Lanes(lanes, bits, parties)
    top = packing.levels
    drawn = np.random.default_rng(length).integers(-top, top, size=(parties, length), endpoint=True)
    for held in (drawn, np.full_like(drawn, top), np.full_like(drawn, -top)):
        total = np.zeros(packing.words(length), dtype=np.uint64)
        for row in held:
            total += packing.pack(row)
        assert int(total.max()) <= packing.largest
        assert packing.unpack(total, length).tolist() == held.sum(axis=0).tolist()


def test_weighed_sums_come_back() -> None:
    weights = (3, 1, 7)
    packing = Lanes(2, 20, 3, sum(weights))
    held = np.random.default_rng(0).integers(-packing.levels, packing.levels, size=(3, 9), endpoint=True)
    words = [packing.pack(row) * np.uint64(weight) for row, weight in zip(held, weights, strict=True)]
    found = packing.unpack(np.sum(words, axis=0, dtype=np.uint64), 9)
    assert found.tolist() == (np.array(weights) @ held).tolist()


def test_one_level_more_would_reach_the_part_kept_free() -> None:
    for parties in range(1, 17):
        packing = Lanes(2, 25, parties)
        bound = 7 << 22  # Seven eighths of a lane.
        assert 2 * packing.levels * parties <= bound < 2 * (packing.levels + 1) * parties


@pytest.mark.parametrize("name", ["he", "mask"])
@pytest.mark.parametrize("parties", [1, 2, 5, 16])
def test_the_largest_sum_fits_the_ring(name: str, parties: int) -> None:
    scheme = protection(name)
    assert scheme.packing(parties).largest < scheme.modulus


@pytest.mark.parametrize("excess", [1, -1])
@pytest.mark.parametrize("at", [0, BLOCK])
def test_an_integer_beyond_the_levels_is_not_packed(excess: int, at: int) -> None:
    packing = Lanes(1, 32, 3)
    values = np.zeros(BLOCK + 1, dtype=np.int64)
    values[at] = excess * (packing.levels + 1)
    with pytest.raises(Refusal, match="overflow"):
        packing.pack(values)
    values[at] = np.iinfo(np.int64).min
    with pytest.raises(Refusal, match="overflow"):
        packing.pack(values)


def test_a_sum_that_no_members_have_is_refused() -> None:
    packing = Lanes(2, 25, 3)
    good = packing.pack(np.zeros(7, dtype=np.int64)) * np.uint64(3)
    assert packing.unpack(good, 7).tolist() == [0] * 7
    lane = np.uint64(2 * packing.levels * 3 + 1)
    for position, shift in ((0, 0), (3, 0), (1, 25), (2, 25)):
        spoilt = good.copy()
        spoilt[position] = lane << np.uint64(shift)
        with pytest.raises(Refusal, match="not one of"):
            packing.unpack(spoilt, 7)
    beyond = good.copy()
    beyond[3] |= np.uint64(1 << 25)  # The fourth word's upper lane would be an eighth integer.
    with pytest.raises(Refusal, match="longer"):
        packing.unpack(beyond, 7)
    beyond[3] = good[3] | np.uint64(1 << 60)
    with pytest.raises(Refusal):
        packing.unpack(beyond, 7)
    with pytest.raises(Refusal, match="words instead of"):
        packing.unpack(good[:3], 7)


def test_masked_words_are_not_taken_for_a_sum() -> None:
    scheme = protection("he")
    packing = scheme.packing(5)
    uniform = np.random.default_rng(0).integers(0, scheme.modulus, 100, dtype=np.uint64)
    with pytest.raises(Refusal, match="not one of"):
        packing.unpack(uniform, 200)  # The chance is (7/8)^200.


@pytest.mark.parametrize(
    "shape",
    [(0, 20, 1, None), (1, 2, 1, None), (3, 22, 1, None), (1, 20, 0, None), (1, 4, 16, None), (1, 20, 3, 2)],
)
def test_lanes_that_cannot_be_are_refused(shape: tuple[int, int, int, int | None]) -> None:
    with pytest.raises(ValueError, match=r"fit|weights"):
        Lanes(*shape)
