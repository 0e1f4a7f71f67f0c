"""Products by the FFT are exact; what is not whole is refused; words come back from bytes."""

from __future__ import annotations

import numpy as np
import pytest

from crypto.histogram.ring import Ring
from crypto.histogram.scheme import HistogramScheme
from crypto.histogram.transform import Inexact, Transform, joined, limbs, times
from crypto.histogram.words import bytes_of_56, bytes_of_60, noise, ternary, words_of_56, words_of_60
from crypto.summation.stream import KeyStream


@pytest.fixture(scope="module")
def ring() -> Ring:
    return HistogramScheme().ring


def test_a_product_is_that_of_polynomials_modulo_x_to_the_n_plus_one() -> None:
    transform = Transform(16)
    generator = np.random.default_rng(0)
    one, other = generator.integers(-(2**29), 2**29, 16), generator.integers(-1, 2, 16)
    whole = np.convolve(one, other)
    expected = whole[:16] - np.append(whole[16:], 0)
    product = transform.forward(transform.fold(one.astype(float)))
    product *= transform.forward(transform.fold(other.astype(float)))
    assert transform.backward(product).tolist() == expected.tolist()


def test_a_product_that_is_not_whole_is_refused() -> None:
    transform = Transform(16)
    with pytest.raises(Inexact):
        transform.backward(transform.forward(transform.fold(np.full(16, 0.3))))
    with pytest.raises(Inexact):
        transform.backward(np.full(8, np.nan + 0j))


def test_residues_come_back_from_their_limbs(ring: Ring) -> None:
    for prime in ring.primes:
        edges = [0, 1, prime // 2, prime // 2 + 1, prime - 1, (1 << 30) - 1, 1 << 29]
        high, low = limbs(np.array(edges, dtype=np.uint64), prime)
        assert max(np.abs(high).max(), np.abs(low).max()) <= 1 << 29
        assert (joined(high, low, prime) % prime).tolist() == edges


def test_sums_of_limbs_are_joined_exactly(ring: Ring) -> None:
    generator = np.random.default_rng(1)
    high, low = generator.integers(-(2**51), 2**51, (2, 500))
    found = joined(high.astype(float), low.astype(float), ring.kept)
    assert (np.abs(found) < 0.51 * ring.kept).all()
    expected = [((a << 30) + b) % ring.kept for a, b in zip(high.tolist(), low.tolist(), strict=True)]
    assert (found % ring.kept).tolist() == expected


def test_products_with_a_constant_are_exact(ring: Ring) -> None:
    values = np.random.default_rng(2).integers(-(2**61), 2**61, 500)
    values[:4] = 0, -1, 2**61 - 1, -(2**61)
    for prime in (*ring.primes, ring.modulus):
        for factor in (1, prime - 1, prime // 3):
            expected = [value * factor % prime for value in values.tolist()]
            assert times(values, factor, prime).tolist() == expected


def test_a_switch_divides_and_rounds(ring: Ring) -> None:
    kept, dropped = ring.primes
    for value in (0, dropped, 7 * dropped + dropped // 2, -3 * dropped - 5, kept * dropped // 2 - 1):
        residues = [np.array([(value + p // 2) % p - p // 2]) for p in (kept, dropped)]
        assert ring.switched(*residues).tolist() == [(2 * value + dropped) // (2 * dropped) % kept]


def test_words_come_back_from_bytes() -> None:
    drawn = np.random.default_rng(3).integers(0, 1 << 60, 64, dtype=np.uint64)
    assert len(bytes_of_60(drawn)) == 480
    assert (words_of_60(bytes_of_60(drawn)) == drawn).all()
    short = drawn >> np.uint64(4)
    assert len(bytes_of_56(short)) == 448
    assert (words_of_56(bytes_of_56(short)) == short).all()


def test_noise_and_ternary_have_their_distributions() -> None:
    stream = KeyStream(bytes(32), "test")
    errors = noise(stream, 1 << 16)
    assert abs(errors).max() <= 21
    assert abs(errors.mean()) < 0.1 and abs(errors.std() - 3.24) < 0.05
    assert np.abs(np.bincount((ternary(stream, 1 << 16) + 1).astype(int)) / (1 << 16) - 1 / 3).max() < 0.01
