"""Discrete Gaussian noise, exact: what makes a released sum of integers differentially private.

N_Z(0, s^2) gives the integer x with probability proportional to exp(-x^2 / (2 s^2)). The sampler is
algorithms 1 to 3 of Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy" (2020):
a discrete Laplace candidate, accepted by a coin whose probability is exp of a rational. Every coin is
decided as exact rational arithmetic would decide it, so no rounding of a float gaussian shows the value
underneath (Mironov, CCS 2012). Only the speed comes from floats: a coin of probability p compares the
first 53 bits of a uniform U with p in double precision, and where they are closer than `_SLACK` integers
decide, with as many more bits of U as it takes (a floating-point filter, as in Shewchuk 1997).

Error of the filter, for s^2 in [2^-20, 2^80): gamma = (|y| - s^2/t)^2 / (2 s^2) is computed with a relative
error under 2^-50 where gamma >= 1 and an absolute one under 2^-50 below, since s^2/t <= s; so a coin's
probability, which is at most 1, is off by less than 2^-49. `_SLACK` is 512 times that.

Not promised: that the time taken does not depend on the noise drawn (rejection sampling; a party's clock
is its own), or that a sum of several parties' noise is exactly discrete Gaussian.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from fractions import Fraction
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from crypto.private import Private
from crypto.sealed import Words64

Integers: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Marks: TypeAlias = npt.NDArray[np.bool_]
#: The exact number that entry i of an array of doubles stands for.
Exact: TypeAlias = Callable[[int], Fraction]

_SLACK = 2.0**-40
_LOWEST, _BOUND = Fraction(1, 1 << 20), Fraction(1 << 80)


class WordSource(Protocol):
    """Where randomness comes from: the system, or a `KeyStream`, so that a resumed round draws the same."""

    def words64(self, count: int) -> Words64:
        """The next `count` uniformly random 64-bit words."""


class SystemWords:
    """Words from the operating system's generator: noise that nothing can replay."""

    def words64(self, count: int) -> Words64:
        return np.frombuffer(os.urandom(8 * count), dtype="<u8")


def add_noise(values: Private[Integers], variance: Fraction, source: WordSource) -> Private[Integers]:
    """`values` plus independent discrete Gaussian noise of that variance on each, in the values' units.

    The result is still private: a party sends it masked, and only the sum over parties is released.
    """
    plain = values.open_locally()
    noise = discrete_gaussian(variance, plain.size, source)
    return Private(plain + noise.reshape(plain.shape))


def discrete_gaussian(variance: Fraction, count: int, source: WordSource) -> Integers:
    """`count` independent samples of N_Z(0, variance), exact; the same ones from the same words.

    Secret: whoever learns the samples beside the released sum learns the sum without them.

    Raises ValueError when the variance is outside [2^-20, 2^80).
    """
    variance = Fraction(variance)
    if not _LOWEST <= variance < _BOUND:
        raise ValueError("the variance of the noise is outside [2^-20, 2^80)")
    found: list[Integers] = []
    missing = count
    while missing > 0:
        # 0.63 of the uniforms become a Laplace candidate, of which 0.76 are accepted (less for s < 1).
        drawn = _candidates(variance, missing * 9 // 4 + 64, source)[:missing]
        found.append(drawn)
        missing -= len(drawn)
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _candidates(variance: Fraction, tries: int, source: WordSource) -> Integers:
    """As many samples as `tries` starts of the algorithm yield (algorithm 3; t = floor(s) + 1)."""
    t = _floor_root(variance) + 1
    laplace = _discrete_laplace(t, tries, source)
    size = np.abs(laplace)
    centre = variance / t
    gamma: Floats = (size - float(centre)) ** 2 / float(2 * variance)

    def exactly(i: int) -> Fraction:
        return (int(size[i]) - centre) ** 2 / (2 * variance)

    accepted: Integers = laplace[_coins_exp(gamma, exactly, source)]
    return accepted


def _discrete_laplace(t: int, tries: int, source: WordSource) -> Integers:
    """Integers y with probability proportional to exp(-|y| / t), one or none a try (algorithm 2)."""
    low = _below(t, tries, source)
    low = low[_coins_exp(low / t, lambda i: Fraction(int(low[i]), t), source)]
    size = low + t * _geometric(len(low), source)
    negative: Marks = source.words64(len(size)) >> np.uint64(63) != 0
    kept: Marks = ~(negative & (size == 0))  # Else zero would come twice as often as it should.
    signed: Integers = np.where(negative, -size, size)
    return signed[kept]


def _geometric(count: int, source: WordSource) -> Integers:
    """How many coins of probability exp(-1) come up before the first that does not."""
    heads = np.zeros(count, dtype=np.int64)
    going = np.arange(count)
    while len(going):
        going = going[_coins_exp(np.ones(len(going)), lambda _: Fraction(1), source)]
        heads[going] += 1
    return heads


def _coins_exp(gamma: Floats, exactly: Exact, source: WordSource) -> Marks:
    """Coin i comes up with probability exp(-exactly(i)); `gamma` holds the same to within the filter's error.

    exp(-g) is the probability that m coins of exp(-g/m) all come up; m is above g, as the series needs.
    """
    parts = np.floor(gamma * (1 + 2.0**-40)) + 1
    up = np.ones(len(gamma), dtype=np.bool_)
    going, done = np.arange(len(gamma)), 0
    while len(going):
        came = _coins_exp_unit(gamma[going] / parts[going], _shares(exactly, going, parts[going]), source)
        up[going[~came]] = False
        done += 1
        going = going[came & (parts[going] > done)]
    return up


def _coins_exp_unit(gamma: Floats, exactly: Exact, source: WordSource) -> Marks:
    """Coins of probability exp(-gamma) for gamma in [0, 1] (algorithm 1): is the first K whose coin of
    probability gamma / K stays down odd?"""
    up = np.zeros(len(gamma), dtype=np.bool_)
    going, k = np.arange(len(gamma)), 1
    while len(going):
        came = _coins(gamma[going] / k, _shares(exactly, going, np.full(len(going), k)), source)
        if k % 2:
            up[going[~came]] = True
        going, k = going[came], k + 1
    return up


def _shares(exactly: Exact, chosen: Integers, divisors: npt.NDArray[np.number]) -> Exact:
    """The exact numbers of the `chosen` entries, each divided by its divisor."""
    return lambda i: exactly(int(chosen[i])) / int(divisors[i])


def _coins(p: Floats, exactly: Exact, source: WordSource) -> Marks:
    """Coin i comes up with probability exactly(i), which p[i] is within the filter's error of."""
    words = source.words64(len(p))
    uniform = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    up = uniform < p
    for i in np.flatnonzero(np.abs(uniform - p) <= _SLACK):
        up[i] = _below_exactly(int(words[i]), exactly(int(i)), source)
    return up


def _below_exactly(word: int, p: Fraction, source: WordSource) -> bool:
    """Whether a uniform of [0, 1) that starts with the 64 bits `word` is below p: more bits until certain."""
    bits = 64
    while True:
        low, bar = word * p.denominator, p.numerator << bits
        if low + p.denominator <= bar:
            return True
        if low >= bar:
            return False
        word, bits = word << 64 | int(source.words64(1)[0]), bits + 64


def _below(bound: int, count: int, source: WordSource) -> Integers:
    """`count` uniform integers in [0, bound), bound at most 2^41: words cut to its bits, by rejection."""
    shift = np.uint64(64 - max(1, (bound - 1).bit_length()))
    out = (source.words64(count) >> shift).astype(np.int64)
    while len(again := np.flatnonzero(out >= bound)):
        out[again] = (source.words64(len(again)) >> shift).astype(np.int64)
    return out


def _floor_root(variance: Fraction) -> int:
    """floor(sqrt(variance)): integer square root of the floor, which has the same floor."""
    return math.isqrt(variance.numerator // variance.denominator)
