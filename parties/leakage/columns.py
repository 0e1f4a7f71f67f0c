"""One column against the outcome: what tells it, where, and whether the cell was written for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from parties.binning.cuts import Cuts
from parties.dataset import DatasetConfig
from parties.features.columns import is_numeric
from parties.leakage.findings import Bounds, Finding
from parties.leakage.separation import FEWEST, Separation, separation, wilson_low

Outcomes = npt.NDArray[np.int8]

#: Bins of a column, and the fewest rows of each.
BINS, SUPPORT = 20, 50
#: How common values are says something of columns with more distinct values than this.
_DISTINCT = 20


@dataclass(frozen=True, slots=True)
class Counted:
    """Good and bad rows of each bin of a column.

    `ordered` says that the bins stand in the order of values, but for the last where that is the missing one.
    """

    good: npt.NDArray[np.int64]
    bad: npt.NDArray[np.int64]
    ordered: bool
    last_is_missing: bool = True


def counted(series: pd.Series, outcomes: Outcomes, config: DatasetConfig) -> Counted:
    """The counts of a party's own column. `UsageError` for a column that cannot be binned."""
    rows = np.ones(len(series), dtype=np.bool_)
    special = config.rules(str(series.name)).special
    cuts = Cuts.fit(series, rows, config, BINS, SUPPORT, special)
    codes = cuts.codes(series, config.place)
    every = np.bincount(codes, minlength=cuts.width)
    bad = np.bincount(codes[outcomes == 1], minlength=cuts.width)
    return Counted(every - bad, bad, cuts.numeric and not special)


def column_findings(
    series: pd.Series, outcomes: Outcomes, config: DatasetConfig, bounds: Bounds
) -> list[Finding]:
    """What one of the party's own columns says of `outcomes` (n,), which are those of the same rows."""
    found = count_findings(str(series.name), counted(series, outcomes, config), bounds)
    scattered = _scattered(series, outcomes)
    if scattered is not None and scattered.low > bounds.scattered:
        common, rare = ("good", "bad") if scattered.direction == "falling" else ("bad", "good")
        found.append(
            Finding(
                "scattered",
                str(series.name),
                f"`{series.name}`: {common} outcomes have its common values and {rare} ones are scattered "
                f"over rare values (AUC {_short(scattered.auc)} by how common a value is alone): was it "
                "written over when the outcome came?",
                {"auc": scattered.auc, "low": scattered.low},
            )
        )
    return found


def count_findings(column: str, counts: Counted, bounds: Bounds) -> list[Finding]:
    """What the counts of a column's bins say; enough where another party holds the column."""
    found = []
    told = _separation(counts)
    if told is not None and told.low > bounds.auc:
        where = {
            "rising": ", bad at high values",
            "falling": ", bad at low values",
            "neither": "",
        }[told.direction]
        found.append(
            Finding(
                "separates",
                column,
                f"`{column}` alone separates outcomes with AUC {_short(told.auc)}{where}: is it known when "
                "the decision is made?",
                {"auc": told.auc, "low": told.low},
            )
        )
    missing = _missing(column, counts, bounds)
    if missing is not None:
        found.append(missing)
    if not found:
        found += _certain(column, counts, bounds)
    return found


def _separation(counts: Counted) -> Separation | None:
    """Missing cells have no place among values: where there are some, the direction is that of the others."""
    told = separation(counts.good, counts.bad, ordered=False)
    if told is None or not counts.ordered:
        return told
    some = slice(None, -1) if counts.last_is_missing else slice(None)
    values = separation(counts.good[some], counts.bad[some])
    return told if values is None else Separation(told.auc, told.low, values.direction)


def _missing(column: str, counts: Counted, bounds: Bounds) -> Finding | None:
    if not counts.last_is_missing or min(counts.good.sum(), counts.bad.sum()) < FEWEST:
        return None
    of_good, of_bad = counts.good[-1] / counts.good.sum(), counts.bad[-1] / counts.bad.sum()
    if abs(of_bad - of_good) <= bounds.missing:
        return None
    return Finding(
        "missing",
        column,
        f"`{column}` is missing in {of_bad:.0%} of bad and {of_good:.0%} of good rows: is the cell filled in "
        "once the outcome is known?",
        {"missing_of_bad": float(of_bad), "missing_of_good": float(of_good)},
    )


def _certain(column: str, counts: Counted, bounds: Bounds) -> list[Finding]:
    """Bins that hold one outcome alone, the rarer of the two: of the other, bins may well be."""
    rarer = "bad" if counts.bad.sum() <= counts.good.sum() else "good"
    hits, every = (counts.bad if rarer == "bad" else counts.good), counts.good + counts.bad
    sure = [
        place
        for place in np.flatnonzero(every >= SUPPORT)
        if wilson_low(int(hits[place]), int(every[place])) > bounds.certain
    ]
    if not sure:
        return []
    rows, share = int(every[sure].sum()), float(hits[sure].sum() / every[sure].sum())
    return [
        Finding(
            "certain",
            column,
            f"`{column}` has values under which {share:.0%} of {rows} rows are {rarer}: are they written "
            "when that is known?",
            {"rows": rows, "share": share},
        )
    ]


def _scattered(series: pd.Series, outcomes: Outcomes) -> Separation | None:
    """How common a row's value is in its column, against the outcome; falling: rare values are bad.

    A loan that is repaid as agreed keeps the term that was agreed, of which there are few; one that is not
    may have had its term replaced by the months it lived. Then terms of bad loans are spread out, and one
    looks at no more than how often a value occurs to tell them.
    """
    if not is_numeric(series):
        return None
    codes, distinct = pd.factorize(series)
    present = codes >= 0
    if len(distinct) <= _DISTINCT:
        return None
    common = np.bincount(codes[present], minlength=len(distinct))
    by_size = _grouped(common)[codes[present]]
    every = np.bincount(by_size, minlength=BINS)
    bad = np.bincount(by_size[outcomes[present] == 1], minlength=BINS)
    found = separation(every - bad, bad)
    return None if found is None or found.direction == "neither" else found


def _grouped(common: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Of values that `common` rows hold each: the group of each value, rarest first, of `BINS` at most with
    about as many rows. Values that are as common are in one group."""
    sizes, place = np.unique(common, return_inverse=True)
    rows = sizes * np.bincount(place)
    before = np.cumsum(rows) - rows / 2
    groups: npt.NDArray[np.int64] = (BINS * before / rows.sum()).astype(np.int64)[place]
    return groups


def _short(share: float) -> str:
    """An AUC as people write it: .86."""
    return f"{share:.2f}".removeprefix("0")
