"""Whether a score or a feature is spread today as it was where the model was built.

The population stability index sums (a - e) ln(a / e) over bins, with e and a the shares of the rows then and
now (Siddiqi, Credit Risk Scorecards (2006), chapter 9; it is Jeffreys' divergence). Of a feature the same sum
is called the characteristic stability index; a party computes that of its own columns alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri

from crypto.errors import UsageError

#: Below the first the spread counts as the same, from the second on as another (Siddiqi 2006).
SMALL, LARGE = 0.1, 0.25


@dataclass(frozen=True, slots=True)
class Stability:
    """`index` over the bins named in `bins`, with the shares then (`expected`) and now (`actual`).

    `chance` is what the index of two samples of one population of these sizes exceeds once in twenty, about
    (Yurdakul and Naranjo, J. Risk Model Validation 14 (2020) 89-100): an index below it says nothing, however
    large. `terms` are what each bin adds.
    """

    index: float
    chance: float
    bins: tuple[str, ...]
    expected: tuple[float, ...]
    actual: tuple[float, ...]
    terms: tuple[float, ...]

    @property
    def band(self) -> str:
        """stable, moved or shifted, by the limits that scorecard users go by."""
        return "stable" if self.index < SMALL else "moved" if self.index < LARGE else "shifted"

    def as_dict(self) -> dict[str, Any]:
        """The fields by name and the band, ready for JSON."""
        return {**asdict(self), "band": self.band}


def stability(expected: ArrayLike, actual: ArrayLike, bins: Sequence[str] | None = None) -> Stability:
    """The index from counts of rows by bin, then and now.

    Where a bin is empty on one side the index would be infinite: then half a row is added to every bin on
    both sides. A bin that is empty on both sides is left out. Raises `UsageError` for counts of different
    length, for negative ones and for no rows on one side.
    """
    then, now = np.asarray(expected, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    if then.ndim != 1 or then.shape != now.shape or (bins is not None and len(bins) != then.size):
        raise UsageError("the bins then and now are not the same", advice="Count both in the same bins.")
    if not (np.isfinite([then, now]).all() and min(then.min(initial=0), now.min(initial=0)) >= 0):
        raise UsageError("a bin's count is negative or not a number", advice="Give counts of rows.")
    if not (then.sum() and now.sum()):
        raise UsageError("there are no rows then or now", advice="Give rows of both times.")
    names = [str(place) for place in range(then.size)] if bins is None else list(bins)
    used = then + now > 0
    then, now = then[used], now[used]
    chance = float(chdtri(then.size - 1, 0.05)) if then.size > 1 else 0.0
    chance *= 1 / then.sum() + 1 / now.sum()
    shares = then / then.sum(), now / now.sum()
    if (then == 0).any() or (now == 0).any():
        then, now = then + 0.5, now + 0.5
    e, a = then / then.sum(), now / now.sum()
    terms = (a - e) * np.log(a / e)
    kept = tuple(name for name, one in zip(names, used, strict=True) if one)
    told = (tuple(part.tolist()) for part in (*shares, terms))
    return Stability(float(terms.sum()), chance, kept, *told)


def number_stability(then: ArrayLike, now: ArrayLike, *, bins: int = 10) -> Stability:
    """The index of a score or of a column of numbers, in the deciles of `then`.

    Values outside the range of `then` count in the first or the last bin. Missing ones (NaN) have a bin of
    their own. A column of few values has a bin for each.
    Raises `UsageError` where `then` or `now` has no rows or `bins` is below two.
    """
    if bins < 2:
        raise UsageError("stability needs two bins or more", advice="Ask for ten bins.")
    before, after = np.asarray(then, dtype=np.float64), np.asarray(now, dtype=np.float64)
    known = before[~np.isnan(before)]
    edges = _edges(known, bins)
    return stability(_counted(before, edges), _counted(after, edges), [*_names(edges), "missing"])


def level_stability(then: Sequence[str | None], now: Sequence[str | None]) -> Stability:
    """The index of a column of levels; None is missing. Levels that `then` has not are one bin, "new"."""
    levels = sorted({level for level in then if level is not None})
    place = {level: at for at, level in enumerate(levels)}
    new, missing = len(levels), len(levels) + 1

    def counted(column: Sequence[str | None]) -> NDArray[np.int64]:
        places = [missing if level is None else place.get(level, new) for level in column]
        return np.bincount(np.array(places, dtype=np.int64), minlength=missing + 1)

    return stability(counted(then), counted(now), [*levels, "new", "missing"])


def _edges(known: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Ascending upper ends of all bins but the last. One below the largest value: no bin is empty then."""
    if not known.size:
        return np.empty(0)
    values = np.unique(known)
    if values.size <= bins:
        return np.asarray(values[:-1])
    cuts: NDArray[np.float64] = np.unique(
        np.quantile(known, np.arange(1, bins) / bins, method="inverted_cdf")
    )
    below: NDArray[np.float64] = cuts[cuts < values[-1]]
    return below


def _counted(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    known = values[~np.isnan(values)]
    inside = np.bincount(np.searchsorted(edges, known), minlength=edges.size + 1)
    return np.append(inside, values.size - known.size).astype(np.int64)


def _names(edges: NDArray[np.float64]) -> list[str]:
    if not edges.size:
        return ["any"]
    texts = [f"{edge:.4g}" for edge in edges]
    middle = [f"{low} to {high}" for low, high in itertools.pairwise(texts)]
    return [f"up to {texts[0]}", *middle, f"over {texts[-1]}"]
