"""Gradients and hessians as whole numbers, rounded up or down at random so that sums are right on average.

As Shi et al., Quantized Training of Gradient Boosting Decision Trees (NeurIPS 2022). The steps are powers of
two, as small as the sums of a tree's rows allow when both travel in one residue (`crypto.histogram.Packing`):
10 or 11 bits for 24,000 rows, 4 or 5 for a million, and in the bytes form 7 or 8, and 2 or 3. A rounded sum
over n rows is off by a standard deviation of at most sqrt(n) / 2 steps.
"""

from __future__ import annotations

import numpy as np

from crypto.errors import UsageError
from crypto.histogram import Packing
from parties.boosting.growing import Derivatives, Marks
from parties.boosting.objective import Floats

#: Steps are never finer than 2^-24: nothing is gained beyond.
MOST_BITS = 24


def quantised(
    g: Floats, h: Floats, drawn: Marks, modulus: int, generator: np.random.Generator
) -> tuple[Derivatives, Packing]:
    """n gradients and hessians in the finest steps with which sums over the drawn rows stay exact.

    Rows that are not drawn are zero. `generator` decides the rounding; it need not be secret.
    """
    for bits in range(2 * MOST_BITS, 1, -1):
        steps = 2.0 ** -((bits + 1) // 2), 2.0 ** -(bits // 2)
        highs, lows = (
            [_most(sign * values[drawn], step) for values, step in zip((g, h), steps, strict=True)]
            for sign in (1, -1)
        )
        if (highs[0] + lows[0] + 1) * (highs[1] + lows[1] + 1) <= modulus:
            first, second = (
                np.where(drawn, np.floor(values / step + generator.random(len(values))), 0.0)
                for values, step in zip((g, h), steps, strict=True)
            )
            return Derivatives(first, second, *steps), Packing(modulus, *highs, *(-low for low in lows))
    raise UsageError(
        f"the sums over {int(drawn.sum())} rows do not fit",
        advice="Draw fewer rows for each tree: boosting.row_share in the plan.",
    )


def _most(values: Floats, step: float) -> int:
    """No less than the sum of the positive ones after rounding, whichever way it goes."""
    positive = values[values > 0]
    return int(positive.sum() / step) + len(positive) + 1 if len(positive) else 0
