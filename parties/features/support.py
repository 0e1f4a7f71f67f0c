"""How many rows must stand behind a feature, and the arrays that the encoders share."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

#: The fewest training rows on either side of a feature: that have it, and that have it not.
#: A feature's gradient is a sum of residuals over the rows that have it. Over one row it is that row's
#: residual, whose sign is the label; over a handful, a guess at each. This bound is not lowered for small
#: tables: what is left of them then is what can be trained on.
MIN_SUPPORT = 50


def supported(rows: int, of: int) -> bool:
    """Whether `rows` of `of` rows, and the rest of them, are each enough to stand behind a feature."""
    return MIN_SUPPORT <= rows <= of - MIN_SUPPORT


def off_the_mode(values: Floats) -> int:
    """How many of `values` (n,) differ from their most frequent value; exact where fewer than n / 2 do.

    A value that more than half of the rows share is their median, which is found without sorting.
    """
    if len(values) < 2 * MIN_SUPPORT:
        return len(values) - int(np.unique(values, return_counts=True)[1].max(initial=0))
    middle = np.partition(values, len(values) // 2)[len(values) // 2]
    return int(np.count_nonzero(values != middle))
