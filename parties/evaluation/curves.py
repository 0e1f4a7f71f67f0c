"""ROC, gain and lift: what a bank sees when it goes through its applicants from the worst score down."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from crypto.errors import UsageError
from parties.evaluation.inputs import Labelled
from parties.evaluation.thinning import thinned


@dataclass(frozen=True, slots=True)
class RocCurve:
    """Shares in [0, 1], from (0, 0) to (1, 1): good firms refused against bad firms caught."""

    false_positive: tuple[float, ...]
    true_positive: tuple[float, ...]

    def as_dict(self) -> dict[str, tuple[float, ...]]:
        """The fields by name, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class GainRow:
    """One band of rows of equal size; band 1 holds the worst scores.

    `rows` and `bad` need not be whole: rows of equal score that a band's edge cuts through are divided
    between the bands in proportion, which is the mean over every order in which they could stand.
    `lift` is the band's rate of defaults over the overall rate, `gain` the share of all defaults caught in
    this band and the worse ones.
    """

    band: int
    rows: float
    bad: float
    bad_rate: float
    lift: float
    gain: float

    def as_dict(self) -> dict[str, float | int]:
        """The fields by name, ready for JSON."""
        return asdict(self)


def roc_curve(rows: Labelled, *, points: int = 400) -> RocCurve:
    """The ROC curve, thinned to `points`."""
    refused, bad = _worst_first(rows)
    good = refused - bad
    x, y = good / good[-1], bad / bad[-1]
    kept = thinned(x, y, points)
    return RocCurve(tuple(x[kept].tolist()), tuple(y[kept].tolist()))


def gain_table(rows: Labelled, *, bands: int = 10) -> tuple[GainRow, ...]:
    """Defaults by band of equal size, worst scores first (deciles, unless `bands` says otherwise).

    Raises `UsageError` for fewer than two bands or fewer rows than bands.
    """
    if not 2 <= bands <= rows.n:
        raise UsageError(
            f"{rows.n} rows cannot be cut into {bands} bands",
            advice="Ask for 2 bands or more, not above the rows.",
        )
    edges = np.linspace(0.0, rows.n, bands + 1)
    caught = np.interp(edges, *_worst_first(rows))
    size, overall = rows.n / bands, rows.bad / rows.n
    return tuple(
        GainRow(band + 1, size, float(bad), float(bad / size), float(bad / size / overall), float(gain))
        for band, (bad, gain) in enumerate(zip(np.diff(caught), caught[1:] / rows.bad, strict=True))
    )


def caught_among_worst(rows: Labelled, share: float) -> float:
    """The share of all defaults among the worst-scored `share` of the rows; ties are divided.

    Raises `UsageError` where `share` is outside (0, 1].
    """
    if not 0 < share <= 1:
        raise UsageError("the share of rows is not between 0 and 1", advice="Give 0.1 for the worst tenth.")
    return float(np.interp(share * rows.n, *_worst_first(rows)) / rows.bad)


def _worst_first(rows: Labelled) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows, and bad rows among them, counted from the worst score down: a step per distinct score, from 0."""
    _, bad, good = rows.by_score()
    counted = np.concatenate(([0.0], np.cumsum((bad + good)[::-1])))
    caught = np.concatenate(([0.0], np.cumsum(bad[::-1])))
    return counted, caught
