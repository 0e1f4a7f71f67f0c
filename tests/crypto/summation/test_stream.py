"""Two ends draw alike, nobody else does, and residues are uniform."""

from __future__ import annotations

import numpy as np
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.summation.stream import BLOCK, KeyStream

SECRET = bytes(range(32))


def test_the_stream_is_aes_ctr_under_a_key_of_the_label_alone() -> None:
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"isthmus stream|round 1")
    cipher = Cipher(algorithms.AES(derive.derive(SECRET)), modes.CTR(bytes(16))).encryptor()
    expected = cipher.update(bytes(4 * 3 + 8 * 5))
    stream = KeyStream(SECRET, "round 1")
    assert stream.words32(3).tobytes() + stream.words64(5).tobytes() == expected


def test_a_long_draw_continues_as_short_ones_do() -> None:
    long, short = KeyStream(SECRET, "a"), KeyStream(SECRET, "a")
    pieces = [short.words64(count) for count in (1, BLOCK - 1, BLOCK, BLOCK + 7)]
    assert np.array_equal(long.words64(3 * BLOCK + 7), np.concatenate(pieces))


@pytest.mark.parametrize("other", [(SECRET, "b"), (SECRET, ""), (bytes(32), "a")])
def test_another_label_or_secret_gives_unrelated_words(other: tuple[bytes, str]) -> None:
    drawn = np.concatenate([KeyStream(SECRET, "a").words64(500), KeyStream(*other).words64(500)])
    assert len(np.unique(drawn)) == 1000


@pytest.mark.parametrize(
    "modulus", [2, 3, 5, 1 << 31, (1 << 31) + 11, 1 << 32, (1 << 32) + 15, (1 << 50) - 27, 1 << 63]
)
def test_residues_are_uniform_below_the_modulus(modulus: int) -> None:
    drawn = KeyStream(SECRET, "a").residues(40_000, modulus)
    assert drawn.dtype == np.uint64 and int(drawn.max()) < modulus
    shares = drawn.astype(np.float64) / modulus
    deviation = np.sqrt((1 - modulus**-2.0) / 12 / len(shares))
    assert abs(shares.mean() - (1 - 1 / modulus) / 2) < 6 * deviation
    if modulus <= 5:
        counts = np.bincount(drawn.astype(np.int64), minlength=modulus)
        assert np.abs(counts - len(drawn) / modulus).max() < 6 * np.sqrt(len(drawn) / modulus)


@pytest.mark.parametrize("modulus", [3, (1 << 40) + 1])
def test_residues_with_many_rejections_are_alike_whether_drawn_at_once_or_block_by_block(
    modulus: int,
) -> None:
    count = 2 * BLOCK + 5
    whole = KeyStream(SECRET, "a").residues(count, modulus)
    stream = KeyStream(SECRET, "a")
    pieces = [stream.residues(size, modulus) for size in (BLOCK, BLOCK, 5)]
    assert np.array_equal(whole, np.concatenate(pieces))


@pytest.mark.parametrize("modulus", [1, 0, (1 << 63) + 1])
def test_a_modulus_without_residues_is_refused(modulus: int) -> None:
    with pytest.raises(ValueError, match="modulo"):
        KeyStream(SECRET, "a").residues(1, modulus)


def test_units_fill_the_half_open_interval() -> None:
    units = KeyStream(SECRET, "a").units(50_000)
    assert units.min() >= 0 and units.max() < 1
    assert abs(units.mean() - 0.5) < 6 / np.sqrt(12 * 50_000)
    assert len(np.unique(units)) == 50_000


def test_a_stream_shows_nothing() -> None:
    assert repr(KeyStream(SECRET, "secret label")) == "KeyStream(...)"
