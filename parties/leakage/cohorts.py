"""A table over time: what was written after the decision, outcomes that are not all known, drift."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import chi2_contingency

from crypto.errors import UsageError
from parties.binning.cuts import Cuts
from parties.dataset import DatasetConfig
from parties.leakage.findings import Bounds, Finding
from parties.moments import Moments, is_dates, moments

Outcomes = npt.NDArray[np.int8]
Days = npt.NDArray[np.int64]

#: Rows of a cohort at least, and the most cohorts.
_ROWS, _COHORTS = 200, 8
#: How unlikely a difference between cohorts must be by chance.
_CHANCE = 1e-3
#: Bins of a column that is watched for drift.
_BINS = 10
#: Columns that a sentence on drift names.
_TOLD = 8


def later_findings(
    frame: pd.DataFrame, config: DatasetConfig, decided: Moments, bounds: Bounds
) -> list[Finding]:
    """Columns of dates, declared or seen to be, that lie after the decision in a share of the rows,
    and those that cannot be read."""
    features = config.feature_columns(frame.columns)
    columns = [*config.dates, *(name for name in features if is_dates(frame[name]))]
    found: list[Finding] = []
    for column in columns:
        try:
            written = moments(frame[column], config.place)
        except UsageError as error:
            told = f"`{column}` was not compared with `{config.time}`: {error.what}."
            found.append(Finding("unread", column, told))
            continue
        both = written.known & decided.known
        if not both.any():
            continue
        at, since = _at_one_unit(written, decided)
        share = float((at > since)[both].mean())
        if share > bounds.later:
            told = (
                f"`{column}` lies after the decision (`{config.time}`) in {share:.1%} of rows: what depends "
                "on it was not known then."
            )
            found.append(Finding("later", column, told, {"share": share}))
    return found


def cohort_findings(
    outcomes: Outcomes, config: DatasetConfig, decided: Moments, bounds: Bounds
) -> list[Finding]:
    """Bad rates that differ between cohorts, and a last cohort whose outcomes seem not all known yet."""
    cohorts = cohorts_of(decided)
    rows, number = np.flatnonzero(cohorts >= 0), int(cohorts.max(initial=-1)) + 1
    if number < 2:
        return []
    every = np.bincount(cohorts[rows], minlength=number)
    bad = np.bincount(cohorts[rows], weights=outcomes[rows], minlength=number)
    if min(bad.sum(), every.sum() - bad.sum()) == 0:
        return []
    if chi2_contingency(np.stack([bad, every - bad])).pvalue > _CHANCE:
        return []
    rates = bad / every
    earlier = bad[:-1].sum() / every[:-1].sum()
    names = _names(decided, cohorts, number)
    figures = {"last": float(rates[-1]), "earlier": float(earlier)}
    if rates[-1] < bounds.unripe * earlier:
        told = (
            f"The last cohort by `{config.time}` ({names[-1]}) has {rates[-1]:.1%} bad outcomes, the earlier "
            f"ones {earlier:.1%}: have its loans been watched as long? Leave out what is not known yet."
        )
        return [Finding("unripe", config.time, told, figures)]
    low, high = int(rates.argmin()), int(rates.argmax())
    mean = float(bad.sum() / every.sum())
    if rates[high] - rates[low] <= bounds.cohort * mean:
        return []
    told = (
        f"Bad outcomes differ by `{config.time}`: {rates[low]:.1%} in {names[low]}, {rates[high]:.1%} in "
        f"{names[high]}. A random split hides that; test out of time (split.method)."
    )
    return [
        Finding("cohort", config.time, told, {"lowest": float(rates[low]), "highest": float(rates[high])})
    ]


def drift(series: pd.Series, config: DatasetConfig, cohorts: npt.NDArray[np.int64]) -> float:
    """Population stability index of a column from the earlier cohorts to the last; 0 if there is but one."""
    last = cohorts.max(initial=-1)
    if last < 1:
        return 0.0
    before, after = (cohorts >= 0) & (cohorts < last), cohorts == last
    cuts = Cuts.fit(series, before, config, _BINS, _ROWS // _BINS)
    codes = cuts.codes(series, config.place)
    first, second = (np.bincount(codes[rows], minlength=cuts.width) for rows in (before, after))
    return stability(first, second)


def drift_finding(
    drifts: Mapping[str, float], config: DatasetConfig, decided: Moments, bounds: Bounds
) -> Finding | None:
    """Columns (name -> index of `drift`) that have other values in the last cohort than before."""
    moved = sorted((name for name in drifts if drifts[name] > bounds.drift), key=lambda name: -drifts[name])
    if not moved:
        return None
    cohorts = cohorts_of(decided)
    last = _names(decided, cohorts, int(cohorts.max()) + 1)[-1]
    told = ", ".join(f"`{name}` {drifts[name]:.2f}" for name in moved[:_TOLD])
    more = f" and {len(moved) - _TOLD} more columns" if len(moved) > _TOLD else ""
    return Finding(
        "drift",
        config.time,
        f"Other values in the last cohort by `{config.time}` ({last}) than before, by population stability "
        f"index: {told}{more}. Are they recorded as they were?",
        {name: drifts[name] for name in moved},
    )


def stability(before: npt.NDArray[np.int64], after: npt.NDArray[np.int64]) -> float:
    """Population stability index between two counts of the same bins; half a row is added to each bin."""
    first, second = before + 0.5, after + 0.5
    first, second = first / first.sum(), second / second.sum()
    return float(((second - first) * np.log(second / first)).sum())


def decided_at(frame: pd.DataFrame, config: DatasetConfig) -> Moments | None:
    """When each row was decided, by the declared time column; None without one."""
    if config.time is None:
        return None
    return moments(frame[config.time], config.place)


def cohorts_of(decided: Moments) -> npt.NDArray[np.int64]:
    """The cohort of each row, from 0 in the order of time; -1 where the time is not known. int64 (n,).

    Whole days, months or years together, at most eight cohorts of at least 200 rows.
    """
    cohorts = np.full(len(decided.days), -1, dtype=np.int64)
    units, place, counts = np.unique(decided.days[decided.known], return_inverse=True, return_counts=True)
    if len(units) == 0:
        return cohorts
    least = max(_ROWS, int(counts.sum()) // (2 * _COHORTS)) if len(units) > _COHORTS else _ROWS
    number, filled = np.zeros(len(units), dtype=np.int64), 0
    for unit in range(1, len(units)):
        filled += int(counts[unit - 1])
        full = filled >= least and counts[unit:].sum() >= least
        number[unit] = number[unit - 1] + full
        filled = 0 if full else filled
    cohorts[decided.known] = number[place]
    return cohorts


def _names(decided: Moments, cohorts: npt.NDArray[np.int64], number: int) -> list[str]:
    """What each cohort is called: the first of its days, months or years, and the last if that is another."""
    length = {"year": 4, "month": 7, "day": 10}[decided.unit]
    names = []
    for cohort in range(number):
        days = decided.days[cohorts == cohort]
        ends = [
            (dt.date(1970, 1, 1) + dt.timedelta(int(day))).isoformat()[:length]
            for day in (days.min(), days.max())
        ]
        names.append(" to ".join(dict.fromkeys(ends)))
    return names


def _at_one_unit(written: Moments, decided: Moments) -> tuple[Days, Days]:
    """Both as the coarser of their units counts them: a year says nothing of days within it."""
    units = (written.unit, decided.unit)
    unit = "Y" if "year" in units else "M" if "month" in units else "D"
    first, second = (
        each.days.astype("datetime64[D]").astype(f"datetime64[{unit}]") for each in (written, decided)
    )
    return first.astype(np.int64), second.astype(np.int64)
