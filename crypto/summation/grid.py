"""Real numbers as integers between two bounds, rounded so that the mean error is zero."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crypto.errors import Refusal
from crypto.private import Private
from crypto.summation.ring import blocks
from crypto.summation.stream import KeyStream

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_MOST_LEVELS = 1 << 30


@dataclass(frozen=True, slots=True)
class Grid:
    """[-clip, clip] in 2 `levels` equal steps; value x is the integer x levels / clip, rounded.

    Rounding is stochastic: up with a probability equal to the fraction, so the expected integer is the
    value itself (Gupta et al., ICML 2015) and errors of many members average out. One step is clip / levels
    wide; the error of one value is below one step, that of a mean over n members about step / sqrt(6 n).

    `exact` grids carry whole numbers as they are, for counts: nothing is rounded or clipped there.
    """

    clip: float
    levels: int
    whole: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.clip) and self.clip > 0):
            raise ValueError("a grid's clip is a finite positive number")
        if not 1 <= self.levels <= _MOST_LEVELS:
            raise ValueError(f"a grid has 1 to {_MOST_LEVELS} levels on either side of zero")
        if not math.isfinite(self.levels / self.clip):
            raise ValueError("a grid's step is too small for a number")

    @staticmethod
    def exact(levels: int) -> Grid:
        """A grid of step 1: whole numbers from -levels to levels, anything else refused."""
        return Grid(float(levels), levels, whole=True)

    def quantise(self, values: Private[Floats] | Private[Integers], stream: KeyStream) -> Private[Integers]:
        """Integers in [-levels, levels] for n values, in order; `stream` rounds (32 bits a value).

        Values beyond the clip are brought to it. Raises `Refusal` when a value is not finite, and on an
        exact grid when one is not a whole number or lies beyond the bound.
        """
        plain: Floats | Integers = values.open_locally().ravel()
        if self.whole:
            return Private(self._whole(plain))
        out = np.empty(len(plain), dtype=np.int64)
        for part in blocks(len(plain)):
            self._round(plain[part], stream, out[part])
        return Private(out)

    def dequantise(self, total: Integers) -> Floats:
        """The sum in the values' own unit, from the sum of integers."""
        return np.multiply(total, self.clip / self.levels, dtype=np.float64)

    def _round(self, values: Floats | Integers, stream: KeyStream, out: Integers) -> None:
        if not np.isfinite(values).all():
            raise Refusal(
                "a value to be summed is not finite", advice="Find the NaN or infinity and fill it."
            )
        with np.errstate(over="ignore"):  # What becomes infinite is far beyond the clip.
            scaled = np.multiply(values, self.levels / self.clip, dtype=np.float64)
        np.clip(scaled, -self.levels, self.levels, out=scaled)
        # floor(x + u): with u in [0, 1) it never exceeds `levels`, and is x + u - 1 < floor <= x + u.
        scaled += stream.words32(len(scaled)) * 2.0**-32
        np.floor(scaled, out=scaled)
        out[:] = scaled

    def _whole(self, values: Floats | Integers) -> Integers:
        # Not abs(): the smallest int64 is its own absolute value. Not `beyond.any()`: NaN compares false.
        if not ((values <= self.levels) & (values >= -self.levels)).all():
            raise Refusal(
                f"a count to be summed is not a number up to the agreed bound of {self.levels}",
                advice="Agree on a bound that holds for every member.",
            )
        whole = values.astype(np.int64)
        if (whole != values).any():
            raise Refusal("a count to be summed is not a whole number", advice="Give integers.")
        return whole
