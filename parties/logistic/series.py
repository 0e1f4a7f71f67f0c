"""The logistic function on the torus: a sine series, its ladder of ranges, and the fixed point.

    sigma(z) = 1/2 + sum_k b_k sin(k pi z / P),   k = 1..K,   |z| <= L < P

A logit z is written as a word of Z/2^32 whose 2^32 steps make one period 2 P, so adding a uniform word
hides it perfectly, and sin(k pi z / P) of a masked word needs the sine and cosine of the mask alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from crypto.sealed import Words32

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_STEPS = 1 << 32
_TO_ANGLE = 2 * math.pi / _STEPS


@dataclass(frozen=True, slots=True)
class Rung:
    """A series good to `limit`, with period 2 * `half_period`."""

    limit: float
    half_period: float
    harmonics: int


#: Wider ranges need more harmonics: cost grows in proportion. The fit error is at most 3e-5 on the first
#: rung and 1.5e-5 on the others, one of which confirms the end of training.
LADDER = (
    Rung(10.0, 14.0, 13),
    Rung(14.0, 19.6, 21),
    Rung(20.0, 28.0, 30),
    Rung(28.0, 39.2, 42),
    Rung(40.0, 56.0, 60),
)


@cache
def coefficients(rung: Rung) -> tuple[float, ...]:
    """b_1..b_K: least squares on 8001 points of one period.

    Between `limit` and the half period a quarter cosine leads to zero, with a small weight: without it
    the gap is free, and the coefficients grow to thousands and cancel.
    """
    z = np.linspace(-rung.half_period, rung.half_period, 8001)
    size = np.abs(z)
    inside = size <= rung.limit
    edge = 1 / (1 + math.exp(-rung.limit)) - 0.5
    fade = np.cos((size - rung.limit) * (math.pi / 2 / (rung.half_period - rung.limit)))
    target = np.where(inside, 1 / (1 + np.exp(-z)) - 0.5, np.sign(z) * edge * fade)
    weight = np.where(inside, 1.0, 1e-4)
    k = np.arange(1, rung.harmonics + 1)
    design = np.sin(np.outer(z, k) * (math.pi / rung.half_period))
    solution, *_ = np.linalg.lstsq(design * weight[:, None], target * weight, rcond=None)
    return tuple(float(b) for b in solution)


def to_torus(z: Floats, rung: Rung) -> Words32:
    """Logits as words; steps of 2 P / 2^32, that is under 3e-8 on every rung."""
    scaled = np.rint(z * (_STEPS / (2 * rung.half_period))).astype(np.int64)
    return scaled.astype(np.uint64).astype(np.uint32)


def sines(words: Words32, k: int) -> Floats:
    """sin(k a) for the angles a that the words stand for; k * word wraps as the angle does."""
    return np.sin((words * np.uint32(k)).astype(np.float64) * _TO_ANGLE)


def cosines(words: Words32, k: int) -> Floats:
    """cos(k a) for the angles a that the words stand for."""
    return np.cos((words * np.uint32(k)).astype(np.float64) * _TO_ANGLE)


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """Fraction bits of the encrypted waves, of the plaintext weights against them, and of the features.

    A gradient sum over n rows is at most n 2^(wave + weight + feature) in size: by Cauchy-Schwarz, since
    a whitened column has mean square 1 and a residual is at most 1. `for_rows` keeps that under t / 2,
    so no sum ever wraps. The weights get three bits more than the waves: their rounding is multiplied by
    a sine, that of the waves by a coefficient b_k, which is small. The features get the fewest: their
    rounding is multiplied by a residual, and it is the same in every iteration.
    """

    wave: int
    weight: int
    feature: int

    @staticmethod
    def for_rows(rows: int, plain_modulus: int) -> FixedPoint:
        bits = math.floor(math.log2(plain_modulus / 2 / (1.01 * rows)))
        feature = bits // 3 - 2
        weight = (bits - feature + 3) // 2
        return FixedPoint(bits - feature - weight, weight, feature)

    @property
    def residual_scale(self) -> int:
        return 1 << (self.wave + self.weight)

    @property
    def gradient_scale(self) -> int:
        return 1 << (self.wave + self.weight + self.feature)

    def wave_integers(self, values: Floats) -> Integers:
        return np.rint(values * (1 << self.wave)).astype(np.int64)

    def weight_integers(self, values: Floats) -> Integers:
        return np.rint(values * (1 << self.weight)).astype(np.int64)

    def feature_integers(self, values: Floats) -> Integers:
        return np.rint(values * (1 << self.feature)).astype(np.int64)
