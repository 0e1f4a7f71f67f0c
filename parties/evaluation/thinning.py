"""Fewer points on a curve, without moving it visibly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crypto.errors import UsageError


def thinned(
    x: NDArray[np.float64], y: NDArray[np.float64], points: int, *, also: int | None = None
) -> NDArray[np.intp]:
    """Indices of at most `points` vertices of the curve (x, y), evenly spaced along it.

    Both curves run from corner to corner of the unit square, so no vertex left out lies further than
    2 / (points - 2) along the curve from one that stays. The first and the last stay, and so does `also`.
    Raises `UsageError` for fewer than 10 points.
    """
    if points < 10:
        raise UsageError("a curve of so few points would mislead", advice="Ask for 10 points or more.")
    if x.size <= points:
        return np.arange(x.size)
    along = np.concatenate(([0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))))
    targets = np.linspace(0.0, along[-1], points - 1)
    kept = np.searchsorted(along, targets)
    kept[0], kept[-1] = 0, x.size - 1
    return np.unique(kept if also is None else np.append(kept, also))
