"""Masks go on and come off exactly, at the edges of the modulus too."""

from __future__ import annotations

import numpy as np
import pytest

from crypto.summation import ring
from crypto.summation.stream import BLOCK, KeyStream

MODULI = [2, 7, 1 << 32, (1 << 50) - 27, (1 << 63) - 25, 1 << 63]


@pytest.mark.parametrize("modulus", MODULI)
def test_adding_and_taking_away_agree_with_whole_numbers(modulus: int) -> None:
    edges = sorted({0, 1, modulus // 2, modulus - 1})
    one = np.array([a for a in edges for _ in edges], dtype=np.uint64)
    other = np.array([b for _ in edges for b in edges], dtype=np.uint64)
    added = [(int(a) + int(b)) % modulus for a, b in zip(one, other, strict=True)]
    taken = [(int(a) - int(b)) % modulus for a, b in zip(one, other, strict=True)]
    assert ring.add(one, other, modulus).tolist() == added
    assert ring.subtract(one, other, modulus).tolist() == taken


@pytest.mark.parametrize("modulus", MODULI)
def test_masking_in_blocks_is_adding_whole_vectors(modulus: int) -> None:
    count = BLOCK + 3
    words = KeyStream(bytes(32), "words").residues(count, modulus)
    before = words.copy()
    expected = words
    for label in ("a", "b"):
        expected = ring.add(expected, KeyStream(bytes(32), label).residues(count, modulus), modulus)
    expected = ring.subtract(expected, KeyStream(bytes(32), "c").residues(count, modulus), modulus)
    plus = [KeyStream(bytes(32), label) for label in ("a", "b")]
    found = ring.masked(words, modulus, plus=plus, minus=[KeyStream(bytes(32), "c")])
    assert np.array_equal(found, expected) and np.array_equal(words, before)
    assert int(found.max()) < modulus


@pytest.mark.parametrize(("count", "sizes"), [(1, [4]), (4, [4]), (9, [4, 4, 4])])
def test_the_last_block_is_filled_up_with_zeros(count: int, sizes: list[int]) -> None:
    words = np.arange(1, count + 1, dtype=np.uint64)
    blocks = list(ring.padded(words, 4))
    assert [len(block) for block in blocks] == sizes
    assert np.concatenate(blocks).tolist() == words.tolist() + [0] * (sum(sizes) - count)
