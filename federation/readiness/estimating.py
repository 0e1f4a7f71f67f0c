"""What a plan is likely to cost: interpolated from measured rounds, for people to plan by and no promise.

The points are of `isthmus bench speed scale`: three parties with 51 features on a machine with two cores, the
sum of all roles. CPU seconds and bytes grow about in proportion to the features. A round with other parties,
links or machines differs, so a factor of two either way is told with each figure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from federation.plan import Plan

#: Model -> (rows that all parties have, CPU seconds, bytes sent, most memory of a role in bytes).
_MEASURED: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "logistic": (
        (2_220, 15.6, 93e6, 512e6),
        (7_397, 41.6, 568e6, 622e6),
        (22_233, 62.3, 630e6, 679e6),
    ),
    "scorecard": (
        (2_220, 13.0, 73e6, 548e6),
        (7_397, 24.7, 255e6, 695e6),
        (22_233, 33.2, 307e6, 728e6),
        (74_115, 80.8, 617e6, 930e6),
        (222_276, 176.7, 1_445e6, 1_187e6),
    ),
    "boosting": (
        (2_220, 9.3, 34e6, 496e6),
        (7_397, 15.9, 88e6, 633e6),
        (22_233, 33.6, 230e6, 832e6),
        (74_115, 89.4, 558e6, 1_055e6),
        (222_276, 211.4, 1_056e6, 1_351e6),
    ),
}
_FEATURES, _TREES = 51, 5
#: How far off the figures may be, either way.
FACTOR = 2.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """All roles together, but memory_bytes: the largest role's."""

    cpu_seconds: float
    bytes: float
    memory_bytes: float

    def to_json(self) -> dict[str, Any]:
        """With how far off it may be."""
        return {
            "cpu_seconds": round(self.cpu_seconds, 1),
            "bytes": round(self.bytes),
            "memory_bytes": round(self.memory_bytes),
            "within_factor": FACTOR,
        }

    def told(self) -> str:
        """As a sentence."""
        return (
            f"about {self.cpu_seconds:,.0f} CPU seconds and {self.bytes / 1e6:,.0f} MB over all roles, "
            f"{self.memory_bytes / 1e9:,.1f} GB at the largest (a factor of {FACTOR:g} either way)"
        )


def estimate(plan: Plan, rows: int, features: int) -> Estimate | None:
    """Of a vertical plan: rows that all have, features of all together. None where nothing was measured."""
    points = _MEASURED.get(plan.model.kind)
    if plan.shape != "vertical" or points is None or rows < 1 or features < 1:
        return None
    wide = features / _FEATURES
    cpu, sent, memory = (_between(points, rows, which) for which in (1, 2, 3))
    if plan.model.kind == "boosting":
        wide *= plan.boosting.trees / _TREES
    return Estimate(cpu * wide, sent * wide, memory)


def _between(points: tuple[tuple[float, float, float, float], ...], rows: float, which: int) -> float:
    """On the line through the two nearest points, both axes logarithmic; beyond the ends it goes on."""
    lines = list(pairwise(points))
    below, above = next((line for line in lines if rows <= line[1][0]), lines[-1])
    share = math.log(rows / below[0]) / math.log(above[0] / below[0])
    return math.exp(math.log(below[which]) * (1 - share) + math.log(above[which]) * share)
