"""Points: log odds on the scale that credit officers read, in whole units so that sums are exact.

    score = offset + factor ln(goods to bads)
    factor = pdo / ln 2,  offset = base_score - factor ln(base_odds)

A bin's points are -factor c WOE, c the coefficient of its column in the log odds of bad; the intercept's are
offset - factor a. Each is rounded once, to 10^-decimals of a point, and counted in such units from then on.
Source: N. Siddiqi, Credit Risk Scorecards (Wiley, 2006), chapter 6; there the intercept is shared out over
the columns, here its points stay in one piece with whoever holds it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto.errors import UsageError
from federation.credit import Scorecard

Floats = npt.NDArray[np.float64]
Units = npt.NDArray[np.int64]

#: Points of a bin lie below this many units: a sum of 2^14 of them is exact in a double too.
_LARGEST = 1 << 38


@dataclass(frozen=True, slots=True)
class Scale:
    """A plan's scale of points."""

    base_score: float
    base_odds: float
    pdo: float
    decimals: int

    @classmethod
    def of(cls, plan: Scorecard) -> Scale:
        """The plan's."""
        return cls(plan.base_score, plan.base_odds, plan.pdo, plan.decimals)

    @property
    def factor(self) -> float:
        """Points for a factor of e in the odds."""
        return self.pdo / math.log(2)

    @property
    def offset(self) -> float:
        """Points at odds of one to one."""
        return self.base_score - self.factor * math.log(self.base_odds)

    def bin_units(self, coefficient: float, woe: Sequence[float]) -> tuple[int, ...]:
        """The points of a column's bins, in units; `coefficient`: log odds of bad for a WOE of 1."""
        return tuple(self._rounded(-self.factor * coefficient * value) for value in woe)

    def base_units(self, intercept: float) -> int:
        """The points of the intercept, in units."""
        return self._rounded(self.offset - self.factor * intercept)

    def points(self, units: Units) -> Floats:
        """Units as points."""
        return np.asarray(units / 10**self.decimals, dtype=np.float64)

    def units(self, logits: Floats) -> Units:
        """What `logits` was given, exactly."""
        units: Units = np.rint((self.offset - self.factor * logits) * 10**self.decimals).astype(np.int64)
        return units

    def logits(self, units: Units) -> Floats:
        """The log odds of bad that a score in units says."""
        return np.asarray((self.offset - self.points(units)) / self.factor)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def _rounded(self, points: float) -> int:
        units: int = round(points * 10**self.decimals)
        if abs(units) >= _LARGEST:
            raise UsageError(
                "a bin has more points than a score can hold",
                field="scorecard.pdo",
                advice="Plan a smaller pdo, fewer decimals, or a larger model.l2.",
            )
        return units


def total(codes: npt.NDArray[np.uint8], units: Sequence[Sequence[int]]) -> Units:
    """The points of each row (n,), in units, from its bins (n x d): the same for one row as for many."""
    found = np.zeros(len(codes), dtype=np.int64)
    for at, column in enumerate(units):
        found += np.array(column, dtype=np.int64)[codes[:, at]]
    return found


def lost(codes: npt.NDArray[np.uint8], units: Sequence[Sequence[int]], most: int) -> tuple[Units, Units]:
    """For each row the columns that lose most points against their best bins, and how many units: two n x
    `most` arrays, the largest loss first, of equal ones the earlier column; a loss of 0 where there is none.
    """
    losses = np.zeros((len(codes), max(len(units), most)), dtype=np.int64)
    for at, column in enumerate(units):
        losses[:, at] = (max(column) - np.array(column, dtype=np.int64))[codes[:, at]]
    order = np.argsort(-losses, axis=1, kind="stable")[:, :most]
    return order.astype(np.int64), np.take_along_axis(losses, order, axis=1)
