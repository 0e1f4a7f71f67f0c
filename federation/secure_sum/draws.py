"""What a member draws at random for a sum: the rounding of its values, and noise inside the integers.

Noise at party level is each member's own: what it adds has the whole standard deviation, multiplier x clip,
so that it is enough even if all other members tell theirs. The sum over k members carries sqrt(k) times
that. It is added to integers before they are masked, so what leaves a member in any form has it.

With a seed, what is drawn follows from the seed, the label and the values, so that a sum which is repeated
after a crash is the same integers: one release, charged once. Rounding or noise that had to serve for two
values would give their difference away, hence the digest of the values in every stream's name.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from crypto.accounting import LEAST_SIGMA
from crypto.errors import Refusal
from crypto.noise import WordSource, add_noise
from crypto.private import Private
from crypto.summation.lanes import Lanes
from crypto.summation.protection import Protection
from crypto.summation.stream import KeyStream
from federation.secure_sum.interface import Floats, Integers

#: The fewest levels of a clip: rounding then adds at most 1/64 of the clip to each coordinate.
LEAST_LEVELS = 64
#: Standard deviations of the noise that a lane has room for: one number in 10^32 is cut.
_HEADROOM = 12
#: How far, relatively, a norm may lie above the clip to which its owner cut it in floating point.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class NoisyGrid:
    """How a noisy sum becomes integers: a member's clip is `levels` steps, its noise has `sigma` steps.

    `limit` is the largest absolute value that a member may put in. An integer with noise that lies beyond is
    cut to it: post-processing, which costs no privacy and, at 12 standard deviations, no accuracy.

    For the accounting of one such sum over n coordinates: `parties.privacy.events.Grid(levels, n, sigma)`.
    """

    limit: int
    levels: int
    sigma: float

    @staticmethod
    def within(limit: int, multiplier: float) -> NoisyGrid:
        """The finest grid whose values and noise of `multiplier` clips stay within `limit`.

        Raises `Refusal` when that is too coarse: fewer than `LEAST_LEVELS` for the clip, or noise of fewer
        than `LEAST_SIGMA` steps, which cannot be accounted for.
        """
        if not (math.isfinite(multiplier) and multiplier > 0):
            raise ValueError("a noise multiplier is a finite positive number")
        levels = int(limit / (1 + _HEADROOM * multiplier))
        if levels < LEAST_LEVELS:
            raise Refusal(
                f"noise of {multiplier:g} times the clip leaves {levels} steps for the clip, "
                f"{LEAST_LEVELS} are the least",
                field="privacy.noise_multiplier",
                advice='Lower privacy.noise_multiplier, or take sum.protection = "mask": its lanes are wide.',
            )
        if multiplier * levels < LEAST_SIGMA:
            raise Refusal(
                f"noise of {multiplier:g} times the clip is less than the grid can carry",
                field="privacy.noise_multiplier",
                advice="Raise privacy.noise_multiplier: so little noise protects nobody.",
            )
        return NoisyGrid(limit, levels, multiplier * levels)

    def add_noise(self, integers: Private[Integers], source: WordSource) -> Private[Integers]:
        """Integers (n,) with discrete Gaussian noise of `sigma` on each, cut to the limit."""
        noisy = add_noise(integers, Fraction(self.sigma) ** 2, source).open_locally()
        return Private(np.clip(noisy, -self.limit, self.limit))


def lanes_of(scheme: Protection, members: int) -> Lanes:
    """The lanes of a sum over so many members, each of weight 1 where the scheme weighs."""
    return scheme.packing(members, members if scheme.weighs else None)


def noisy_grid(scheme: Protection, members: int, multiplier: float) -> NoisyGrid:
    """The grid of `SecureSum.noisy_total`, to be accounted for beforehand; refuses as `NoisyGrid.within`."""
    return NoisyGrid.within(lanes_of(scheme, members).levels, multiplier)


def within_norm(values: Private[Floats], clip: float) -> Private[Floats]:
    """`values` (n,) with an L2 norm of at most `clip`, to which their owner cut them.

    Raises `Refusal` when the norm is larger by more than a rounding error; what is left of one is taken off,
    since the noise is counted for `clip` exactly. The norm is summed exactly, so that it comes out alike
    when the sum is repeated: a BLAS may add in another order.
    """
    plain = values.open_locally()
    with np.errstate(over="ignore"):  # What becomes infinite is far beyond the clip.
        relative = np.clip(plain / clip, -2, 2)
    norm = math.sqrt(math.fsum(np.square(relative)))
    if norm > 1 + _SLACK:
        raise Refusal(
            "a vector to be summed with noise has a larger norm than the noise is made for",
            field="sum.clip",
            advice="Scale the vector down to an L2 norm of sum.clip before it is summed.",
        )
    return Private(plain / norm) if norm > 1 else values


class Draws:
    """One member's randomness for its sums: fresh, or from a `seed` of 32 bytes that is this member's secret.

    Whoever learns the seed can take this member's noise off. A seed serves one run.
    """

    def __init__(self, seed: bytes | None) -> None:
        if seed is not None and len(seed) != 32:
            raise ValueError("a seed has 32 bytes")
        self._seed = seed

    def __repr__(self) -> str:
        return f"Draws({'fresh' if self._seed is None else 'from a seed'})"

    def rounding(self, label: str, values: Private[Floats] | Private[Integers]) -> KeyStream:
        """Rounds `values` (n,) in the sum of that label."""
        return self._stream(f"rounding|{_digest(values, '<f8')}|{label}")

    def noise(self, label: str, grid: NoisyGrid, integers: Private[Integers]) -> KeyStream:
        """Noise for `integers` (n,) on that grid, in the sum of that label.

        The grid is in the name too: noise of two sizes from one stream would be nearly proportional.
        """
        size = f"{grid.limit}|{grid.levels}|{grid.sigma.hex()}"
        return self._stream(f"noise|{size}|{_digest(integers, '<i8')}|{label}")

    def _stream(self, name: str) -> KeyStream:
        return KeyStream(secrets.token_bytes(32) if self._seed is None else self._seed, name)


def _digest(values: Private[Floats] | Private[Integers], form: str) -> str:
    return hashlib.sha256(values.open_locally().astype(form).tobytes()).hexdigest()
