"""The cumulative accuracy profile and its accuracy ratio, as the Basel Committee draws them.

Sobehart, Keenan and Stein, "Benchmarking quantitative default risk models", Moody's (2000); Basel Committee,
Working Paper 14 (2005), chapter 3.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from parties.evaluation.inputs import Labelled
from parties.evaluation.thinning import thinned


@dataclass(frozen=True, slots=True)
class CapCurve:
    """Shares in [0, 1], from (0, 0) to (1, 1): of all firms, worst score first, and of all defaults.

    `accuracy_ratio` is the area above the diagonal over that of a score which puts every default first; it
    equals Gini, 2 AUC - 1 (Engelmann, Hayden and Tasche, Risk 16 (2003) 82-86). A perfect score reaches 1 at
    the share `default_rate` of the firms.
    """

    share: tuple[float, ...]
    caught: tuple[float, ...]
    accuracy_ratio: float
    default_rate: float

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)


def cap_curve(rows: Labelled, *, points: int = 400) -> CapCurve:
    """The profile, thinned to `points`; rows of equal score are one straight piece of it."""
    _, bad, good = rows.by_score()
    share = np.concatenate(([0.0], np.cumsum((bad + good)[::-1]) / rows.n))
    caught = np.concatenate(([0.0], np.cumsum(bad[::-1]) / rows.bad))
    rate = rows.bad / rows.n
    area = float(np.sum(np.diff(share) * (caught[1:] + caught[:-1]) / 2))
    kept = thinned(share, caught, points)
    ratio = (area - 0.5) / (0.5 * (1 - rate))
    return CapCurve(tuple(share[kept].tolist()), tuple(caught[kept].tolist()), ratio, rate)
