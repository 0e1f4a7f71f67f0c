"""Weight of evidence and information value from the counts of a column's bins.

    WOE = ln(share of the goods in the bin / share of the bads in it)
    IV  = sum over bins of (share of goods - share of bads) WOE

Source: N. Siddiqi, Credit Risk Scorecards (Wiley, 2006), chapter 6. Good is outcome 0, bad is outcome 1, so
a bin with more bads than elsewhere has a negative WOE.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from crypto.codes import Code
from crypto.errors import UsageError

Floats: TypeAlias = npt.NDArray[np.float64]
Counts: TypeAlias = npt.NDArray[np.int64]

#: Added to both counts of a bin in which one of them is zero: its WOE stays finite.
ADJUSTMENT = 0.5

#: Siddiqi's bands: a column with an IV below the bound is called so.
_BANDS = ((0.02, "useless"), (0.1, "weak"), (0.3, "medium"), (0.5, "strong"))


def woe(good: Counts, bad: Counts) -> Floats:
    """The WOE of each bin (k,). A bin without goods or without bads is counted with `ADJUSTMENT` of each
    more; one without rows is no evidence, 0. Raises `UsageError` where all rows have one outcome."""
    shift = np.where((good == 0) | (bad == 0), ADJUSTMENT, 0.0)
    shares = _shares(good + shift, good), _shares(bad + shift, bad)
    found: Floats = np.log(shares[0] / shares[1])
    found[(good == 0) & (bad == 0)] = 0.0
    return found


def contributions(good: Counts, bad: Counts) -> Floats:
    """What each bin adds to the IV (k,); never negative."""
    parts: Floats = (_shares(good, good) - _shares(bad, bad)) * woe(good, bad)
    return np.maximum(parts, 0.0)


def information_value(good: Counts, bad: Counts) -> float:
    """The IV of a column."""
    return float(contributions(good, bad).sum())


def strength(iv: float) -> str:
    """What an IV is called: useless, weak, medium, strong; from 0.5 it is too good not to be looked at."""
    return next((name for bound, name in _BANDS if iv < bound), "suspicious")


def _shares(parts: npt.NDArray[np.float64] | Counts, of: Counts) -> Floats:
    total = of.sum()
    if total == 0:
        raise UsageError(
            "all training rows have the same outcome, so no bin says anything",
            advice="Give rows of both outcomes, or another split.",
            code=Code.LABEL_ONE_CLASS,
        )
    return np.asarray(parts / total, dtype=np.float64)
