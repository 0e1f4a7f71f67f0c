"""Noise: the discrete Gaussian itself and nothing near it, replayable, and enough of it from the honest."""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from crypto import noise
from crypto.noise import SystemWords, add_noise, discrete_gaussian
from crypto.private import Private
from crypto.sealed import Words64
from crypto.summation.stream import KeyStream


def stream(seed: int) -> KeyStream:
    return KeyStream(seed.to_bytes(32, "little"), "noise")


def probabilities(variance: Fraction, reach: int) -> np.ndarray:
    """N_Z(0, variance) on -reach..reach."""
    x = np.arange(-reach, reach + 1)
    weight = np.exp(-(x.astype(float) ** 2) / (2 * float(variance)))
    return weight / weight.sum()


def goodness_of_fit(samples: np.ndarray, variance: Fraction) -> float:
    """p-value of a chi-square test against the exact probabilities, the tails taken together."""
    reach = math.ceil(12 * math.sqrt(float(variance))) + 2
    exact = probabilities(variance, reach) * len(samples)
    seen = np.bincount(samples + reach, minlength=2 * reach + 1)
    inner = np.flatnonzero(exact >= 20)
    first, last = inner[0], inner[-1]

    def merge(counts: np.ndarray) -> np.ndarray:
        return np.array([counts[:first].sum(), *counts[first : last + 1], counts[last + 1 :].sum()])

    expected, found = merge(exact), merge(seen)
    wide = expected > 1e-6
    assert not found[~wide].any()
    return float(stats.chisquare(found[wide], expected[wide] * found.sum() / expected[wide].sum()).pvalue)


@pytest.mark.parametrize(
    "variance", [Fraction(1, 9), Fraction(1), Fraction(10, 7), Fraction(9), Fraction(1601, 4)]
)
def test_samples_have_the_exact_probabilities(variance: Fraction) -> None:
    assert goodness_of_fit(discrete_gaussian(variance, 200_000, stream(1)), variance) > 1e-3


def test_the_measure_tells_a_rounded_gaussian_from_a_discrete_one() -> None:
    rounded = np.rint(np.random.default_rng(0).normal(0, 1, 200_000)).astype(np.int64)
    assert goodness_of_fit(rounded, Fraction(1)) < 1e-6


@pytest.mark.parametrize("variance", [Fraction(10**8), Fraction(12345.678) ** 2, Fraction(1 << 70)])
def test_large_noise_has_the_variance_and_the_tails_of_a_gaussian(variance: Fraction) -> None:
    n = 200_000
    scaled = discrete_gaussian(variance, n, stream(2)) / math.sqrt(variance)
    assert abs(scaled.mean()) < 4 / math.sqrt(n)
    assert abs(scaled.var() - 1) < 4 * math.sqrt(2 / n)
    assert abs((scaled**4).mean() - 3) < 4 * math.sqrt(96 / n)
    assert stats.kstest(scaled, "norm").pvalue > 1e-3
    for reach in (1, 2, 3, 4):
        expected = 2 * stats.norm.sf(reach) * n
        assert abs((np.abs(scaled) > reach).sum() - expected) < 5 * math.sqrt(expected) + 1


def test_the_lowest_bits_of_large_noise_are_even() -> None:
    low = discrete_gaussian(Fraction(10**8), 160_000, stream(3)) % 16
    assert stats.chisquare(np.bincount(low, minlength=16)).pvalue > 1e-3


@pytest.mark.parametrize("variance", [Fraction(2, 3), Fraction(12345.678) ** 2])
def test_samples_are_what_rational_arithmetic_alone_would_give(
    monkeypatch: pytest.MonkeyPatch, variance: Fraction
) -> None:
    filtered = discrete_gaussian(variance, 2_000, stream(4))
    monkeypatch.setattr(noise, "_SLACK", 2.0)  # no double decides any more
    assert np.array_equal(discrete_gaussian(variance, 2_000, stream(4)), filtered)


def test_a_coin_too_close_for_doubles_is_decided_by_further_bits() -> None:
    class Fixed:
        def __init__(self, *words: int) -> None:
            self.left = list(words)

        def words64(self, count: int) -> Words64:
            taken, self.left = self.left[:count], self.left[count:]
            return np.array(taken, dtype=np.uint64)

    third = Fraction(1, 3)
    prefix = (1 << 64) // 3  # binary 0.0101...: the same 64 bits begin 1/3
    below, above = Fixed(0), Fixed((1 << 64) - 1)
    assert noise._below_exactly(prefix, third, below) and not below.left
    assert not noise._below_exactly(prefix, third, above) and not above.left
    assert noise._below_exactly(prefix - 1, third, Fixed())
    assert not noise._below_exactly(1 << 63, Fraction(1, 2), Fixed())
    assert not noise._below_exactly(prefix + 1, third, Fixed())
    assert noise._coins(np.array([1 / 3]), lambda _: third, Fixed(prefix, 0)).all()
    assert not noise._coins(np.array([1 / 3]), lambda _: third, Fixed(prefix, (1 << 64) - 1)).any()


def test_a_certain_coin_always_comes_up_and_an_impossible_one_never() -> None:
    certain = noise._coins(np.ones(1000), lambda _: Fraction(1), stream(5))
    impossible = noise._coins(np.zeros(1000), lambda _: Fraction(0), stream(5))
    assert certain.all() and not impossible.any()


def test_the_same_stream_replays_the_same_noise_and_another_does_not() -> None:
    first, again, other = (discrete_gaussian(Fraction(100), 5_000, stream(seed)) for seed in (6, 6, 7))
    assert np.array_equal(first, again)
    assert (first != other).mean() > 0.9
    assert hashlib.sha256(first.astype("<i8").tobytes()).hexdigest()[:16] == "5aacc040b184905a"


def test_system_noise_never_repeats() -> None:
    first, second = (discrete_gaussian(Fraction(10**8), 1_000, SystemWords()) for _ in range(2))
    assert (first != second).mean() > 0.99


@pytest.mark.parametrize("count", [0, 1, 7, 4097])
def test_as_many_samples_come_as_were_asked_for(count: int) -> None:
    assert discrete_gaussian(Fraction(25), count, SystemWords()).shape == (count,)


@pytest.mark.parametrize("variance", [Fraction(0), Fraction(-1), Fraction(1, 1 << 21), Fraction(1 << 80)])
def test_a_variance_out_of_range_is_refused(variance: Fraction) -> None:
    with pytest.raises(ValueError, match="variance"):
        discrete_gaussian(variance, 1, SystemWords())


def test_noise_is_added_in_place_of_nothing_and_stays_private() -> None:
    values = np.arange(6, dtype=np.int64).reshape(2, 3) * 10**9
    noisy = add_noise(Private(values), Fraction(100), stream(8))
    assert isinstance(noisy, Private)
    difference = noisy.open_locally() - values
    assert np.array_equal(difference.ravel(), discrete_gaussian(Fraction(100), 6, stream(8)))


# -- shares ------------------------------------------------------------------------------------------
