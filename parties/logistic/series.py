"""The logistic function on the torus: a sine series, its ladder of ranges, and the fixed point.

    sigma(z) = 1/2 + sum_k b_k sin((2k - 1) pi z / (2 M)),   k = 1..K,   |z| <= M

Odd harmonics alone make the series its own mirror image about z = M. There the logistic function is flat, so
none of them is spent on a way back to zero, and a logit beyond M still gets sigma(2 M - z), which is within
e^(z - 2 M) of the right value: the series is good to a `limit` that lies well beyond M on the wider rungs.
Farther out it is wrong; see `optimiser.Optimiser`.

A logit z is written as a word of Z/2^32 whose 2^32 steps make one period, 4 M, so adding a uniform word hides
it perfectly, and the sine of a multiple of a masked word needs the sine and cosine of the mask's alone.
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
    """A series of `harmonics` terms with its mirror at M = `mirror`, good to |z| <= `limit`."""

    limit: float
    mirror: float
    harmonics: int


#: Wider ranges need more harmonics: cost grows with M. The error is at most 3e-5 on the first rung and
#: 1.5e-5 on the others, one of which confirms the end of training. M is where K is smallest for that.
LADDER = (
    Rung(10.0, 9.9, 10),
    Rung(14.0, 12.7, 14),
    Rung(20.0, 15.7, 17),
    Rung(28.0, 19.7, 22),
    Rung(40.0, 25.7, 28),
)


@cache
def coefficients(rung: Rung) -> tuple[float, ...]:
    """b_1..b_K: least squares on 8001 points of |z| <= M, half a period; the other half mirrors it."""
    z = np.linspace(-rung.mirror, rung.mirror, 8001)
    odd = 2 * np.arange(1, rung.harmonics + 1) - 1
    design = np.sin(np.outer(z, odd) * (math.pi / (2 * rung.mirror)))
    solution, *_ = np.linalg.lstsq(design, 1 / (1 + np.exp(-z)) - 0.5, rcond=None)
    return tuple(float(b) for b in solution)


def to_torus(z: Floats, rung: Rung) -> Words32:
    """Logits as words; steps of 4 M / 2^32, that is under 3e-8 on every rung."""
    scaled = np.rint(z * (_STEPS / (4 * rung.mirror))).astype(np.int64)
    return scaled.astype(np.uint64).astype(np.uint32)


def sines(words: Words32, k: int) -> Floats:
    """sin((2k - 1) a) for the angles a that the words stand for; a multiple of a word wraps as angles do."""
    return np.sin(_angles(words, k))


def cosines(words: Words32, k: int) -> Floats:
    """cos((2k - 1) a) for the angles a that the words stand for."""
    return np.cos(_angles(words, k))


def _angles(words: Words32, k: int) -> Floats:
    return (words * np.uint32(2 * k - 1)).astype(np.float64) * _TO_ANGLE


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
        """The finest that keeps a sum over `rows` rows below half of the plain modulus."""
        bits = math.floor(math.log2(plain_modulus / 2 / (1.01 * rows)))
        feature = bits // 3 - 2
        weight = (bits - feature + 3) // 2
        return FixedPoint(bits - feature - weight, weight, feature)

    @property
    def residual_scale(self) -> int:
        """What a residual of 1 is written as."""
        return 1 << (self.wave + self.weight)

    @property
    def gradient_scale(self) -> int:
        """What a gradient sum of 1 is written as."""
        return 1 << (self.wave + self.weight + self.feature)

    def wave_integers(self, values: Floats) -> Integers:
        """Sines and cosines as they are encrypted."""
        return np.rint(values * (1 << self.wave)).astype(np.int64)

    def weight_integers(self, values: Floats) -> Integers:
        """The plaintext factors against them."""
        return np.rint(values * (1 << self.weight)).astype(np.int64)

    def feature_integers(self, values: Floats) -> Integers:
        """A column's values as they are multiplied into an encrypted share."""
        return np.rint(values * (1 << self.feature)).astype(np.int64)
