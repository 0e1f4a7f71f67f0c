"""How well one column alone tells the outcome: from counts of its bins, whoever has counted them.

A column's AUC is that of its bins in the order of their bad rates, so a column that is worst in the middle
counts as much as one that rises; its error is DeLong's over rows tied within bins. The order comes from the
same counts, which flatters a column that tells nothing (20 bins, one row in five bad: by .09 on 1,000 rows,
.01 on 50,000), and hardly one whose bins lie far apart, as they do at the bounds that matter here (AUC .85:
by .006 on 1,000 rows, below .001 on 5,000).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crypto.errors import UsageError
from parties.evaluation.inputs import Z95

Direction = Literal["rising", "falling", "neither"]

#: With fewer rows of either outcome no column is judged.
FEWEST = 20
#: How much of the separation the bins' own order must reach for the column to rise or fall.
_MONOTONE = 0.7


@dataclass(frozen=True, slots=True)
class Separation:
    """AUC of one column's bins in [0.5, 1], the lower end of its 95 % interval, and where the bad are.

    `rising`: at high values. `neither`: in the middle, at both ends, or the bins have no order.
    """

    auc: float
    low: float
    direction: Direction


def separation(good: ArrayLike, bad: ArrayLike, *, ordered: bool = True) -> Separation | None:
    """From good and bad rows of each bin (b,); None where there are fewer than `FEWEST` of either.

    `ordered`: the bins stand in the order of the column's values, so there is a direction. Raises
    `UsageError` for counts that are negative or not as many.
    """
    goods, bads = _counts(good), _counts(bad)
    if goods.shape != bads.shape or (goods < 0).any() or (bads < 0).any():
        raise UsageError(
            "the counts of good and of bad rows do not go together",
            advice="Give for each bin how many good and how many bad rows it has, from 0 up.",
        )
    if min(goods.sum(), bads.sum()) < FEWEST:
        return None
    overall = bads.sum() / (bads.sum() + goods.sum())
    order = np.argsort((bads + overall) / (bads + goods + 1), kind="stable")
    area, error = _area(goods[order], bads[order])
    along = _area(goods, bads)[0] - 0.5
    clear = ordered and abs(along) >= _MONOTONE * (area - 0.5)
    direction: Direction = "neither" if not clear else "rising" if along > 0 else "falling"
    return Separation(area, max(0.5, area - Z95 * error), direction)


def wilson_low(count: int, rows: int) -> float:
    """The lower end of the 95 % interval of a share (Wilson 1927)."""
    share, square = count / rows, Z95**2 / rows
    spread = Z95 * math.sqrt(share * (1 - share) / rows + square / (4 * rows))
    return float((share + square / 2 - spread) / (1 + square))


def _area(good: NDArray[np.float64], bad: NDArray[np.float64]) -> tuple[float, float]:
    """AUC of bins in this order, and DeLong's standard error: a tie counts a half."""
    goods, bads = float(good.sum()), float(bad.sum())
    above = (np.cumsum(good) - good / 2) / goods  # of a bad row: the share of good ones below it
    below = (bads - np.cumsum(bad) + bad / 2) / bads  # of a good row: the share of bad ones above it
    area = float((above * bad).sum() / bads)
    spread = float((bad * (above - area) ** 2).sum()) / (bads - 1) / bads
    spread += float((good * (below - area) ** 2).sum()) / (goods - 1) / goods
    return area, math.sqrt(spread)


def _counts(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)
