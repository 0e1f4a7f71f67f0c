"""What a cut-off costs: how many are approved, and how many of them turn bad."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto.errors import UsageError

Floats = npt.NDArray[np.float64]
Outcomes = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class CutOff:
    """Rows with a score of `score` or more are approved. Shares are None where there is nothing to share."""

    score: float
    approved: int
    approval_rate: float
    bad_rate: float | None
    bads_declined: float | None
    goods_declined: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def cutoff_table(scores: Floats, outcomes: Outcomes, steps: int = 20) -> tuple[CutOff, ...]:
    """At most `steps` cut-offs that approve even shares of the rows, the highest score first.

    Rows of one score are approved or declined together, so the shares are as even as the scores allow.
    """
    if not len(scores):
        raise UsageError("there are no scores to cut", advice="Open the scores of some rows.")
    last = -(-np.arange(1, steps + 1) * len(scores) // steps) - 1  # Of each share the lowest, in ranks.
    chosen = np.unique(np.sort(scores)[::-1][last])[::-1]
    return tuple(at_cutoff(scores, outcomes, float(score)) for score in chosen)


def at_cutoff(scores: Floats, outcomes: Outcomes, score: float) -> CutOff:
    """What a cut-off at `score` does."""
    approved, bad = scores >= score, outcomes == 1
    count, bads = int(approved.sum()), int(bad.sum())
    return CutOff(
        score,
        count,
        count / len(scores),
        float(bad[approved].mean()) if count else None,
        float((bad & ~approved).sum() / bads) if bads else None,
        float((~bad & ~approved).sum() / (len(scores) - bads)) if len(scores) > bads else None,
    )
