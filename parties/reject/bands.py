"""Score bands: who is alike for the purpose of an assumption, and never so few that one firm is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto.errors import UsageError
from parties.binning.cuts import quantile_edges

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

#: The fewest firms of a band.
FEWEST = 50


@dataclass(frozen=True, slots=True, repr=False)
class Bands:
    """Bands of a score, from 0: a score s is in the band of how many `edges` are <= s."""

    edges: tuple[float, ...]

    @property
    def count(self) -> int:
        """How many bands there are."""
        return len(self.edges) + 1

    def of(self, scores: Floats) -> Whole:
        """The band of each score, (n,)."""
        return np.searchsorted(np.array(self.edges), scores, side="right").astype(np.int64)

    def sizes(self, scores: Floats) -> Whole:
        """How many of `scores` each band has."""
        return np.bincount(self.of(scores), minlength=self.count)


def fit_bands(scores: Floats, most: int = 10, fewest: int = FEWEST) -> Bands:
    """At most `most` bands with about as many of `scores` each, and no fewer than `fewest`.

    Raises `UsageError` where there are fewer scores than make one band, or one is not finite.
    """
    if len(scores) < fewest or not np.isfinite(scores).all():
        raise UsageError(
            f"{len(scores)} scores make no band of {fewest}, or one is not a finite number",
            advice=f"Give the finite scores of {fewest} firms or more.",
        )
    return Bands(quantile_edges(np.asarray(scores, dtype=np.float64), most, fewest))


@dataclass(frozen=True, slots=True)
class ObservedBands:
    """What became of the rejected elsewhere: in each of `bands` so many `rows` were customers of another
    lender and so many of these turned `bad` there, give or take the noise that the lender added."""

    bands: Bands
    rows: tuple[int, ...]
    bad: tuple[float, ...]

    @property
    def rates(self) -> tuple[float, ...]:
        """The bad rate of each band, in [0, 1]: noise may have put a count outside of its rows."""
        return tuple(min(max(bad / rows, 0.0), 1.0) for bad, rows in zip(self.bad, self.rows, strict=True))

    @staticmethod
    def from_dict(saved: Mapping[str, Any]) -> ObservedBands:
        """What `to_dict` wrote. Raises KeyError, TypeError or ValueError on anything else."""
        edges, rows, bad = (tuple(map(float, saved[name])) for name in ("edges", "rows", "bad"))
        if not len(edges) + 1 == len(rows) == len(bad) or sorted(edges) != list(edges) or min(rows) < 1:
            raise ValueError("not bands with their rows")
        return ObservedBands(Bands(edges), tuple(map(int, rows)), bad)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "edges": list(self.bands.edges),
            "rows": list(self.rows),
            "bad": list(self.bad),
            "rates": list(self.rates),
        }


def band_rates(bands: Whole, values: Floats, count: int) -> Floats:
    """The mean of `values` in each of `count` bands; that of all where a band is empty."""
    rows = np.bincount(bands, minlength=count)
    sums = np.bincount(bands, weights=values, minlength=count)
    rates: Floats = np.where(rows > 0, sums / np.maximum(rows, 1), values.mean())
    return rates


def scaled(rates: Sequence[float] | Floats, multiplier: float) -> Floats:
    """Bad rates under the assumption that the rejected are `multiplier` times as bad: never beyond 1."""
    if not multiplier > 0:
        raise UsageError("a multiplier of bad rates is not above 0", advice="Give 1 to 3, for instance.")
    grown: Floats = np.minimum(1.0, multiplier * np.asarray(rates, dtype=np.float64))
    return grown
