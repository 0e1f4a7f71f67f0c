"""The whole check of a party's own table."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.typing import ArrayLike

from crypto.errors import UsageError
from crypto.private import Private
from parties.dataset import DatasetConfig
from parties.features import read_label
from parties.leakage.cohorts import (
    cohort_findings,
    cohorts_of,
    decided_at,
    drift,
    drift_finding,
    later_findings,
)
from parties.leakage.columns import Counted, column_findings, count_findings
from parties.leakage.contents import content_findings
from parties.leakage.findings import Bounds, Finding
from parties.leakage.names import name_finding
from parties.leakage.twins import group_finding, twin_finding
from parties.moments import is_dates

Marks = npt.NDArray[np.bool_]

#: Columns are looked at over no more rows than this, evenly spaced: an AUC is then known to .005.
_MOST_ROWS = 100_000


def check(
    table: Private[pd.DataFrame],
    config: DatasetConfig,
    training: Marks | None = None,
    bounds: Bounds | None = None,
) -> tuple[Finding, ...]:
    """Everything in `table` (n rows) that may give the outcome away, most telling first.

    With `training` (n,) outcomes are looked at of the training rows alone, and twins across the split are
    looked for; without it the whole table is, and empty and constant columns and too few rows are told, which
    a round tells in its own notes. A party without a label is told of names, dates, drift and
    twins. A column that cannot be read is a finding too; only an unreadable label raises (`UsageError`).
    """
    bounds = bounds or Bounds()
    frame = table.open_locally()
    rows = np.arange(len(frame)) if training is None else np.flatnonzero(training)
    looked = frame.iloc[rows[:: -(-len(rows) // _MOST_ROWS) or 1]]
    outcomes = None if config.label is None else read_label(looked, config)
    found: list[Finding] = []
    if training is None:
        found += content_findings(frame, outcomes, config)
    for column in config.feature_columns(frame.columns):
        found += _of_column(looked[column], outcomes, config, bounds)
    found += _over_time(looked, outcomes, config, bounds)
    sides = (group_finding(frame, config, training), twin_finding(frame, config, training, bounds))
    found += [finding for finding in sides if finding is not None]
    return tuple(sorted(found, key=_telling))


def check_counts(
    columns: Mapping[str, tuple[ArrayLike, ArrayLike]], bounds: Bounds | None = None
) -> tuple[Finding, ...]:
    """The same for other parties' columns, by counts that a protocol tells: name -> (good, bad) of its bins.

    The caller says what a column is called; bins are taken to have no order and none to be missing.
    """
    found: list[Finding] = []
    for column, (good, bad) in columns.items():
        counts = Counted(np.asarray(good), np.asarray(bad), ordered=False, last_is_missing=False)
        found += count_findings(column, counts, bounds or Bounds())
    return tuple(sorted(found, key=_telling))


def _of_column(
    series: pd.Series, outcomes: npt.NDArray[np.int8] | None, config: DatasetConfig, bounds: Bounds
) -> list[Finding]:
    named = name_finding(series)
    found = [] if named is None else [named]
    if outcomes is None or is_dates(series):
        return found  # Dates are no features as they are; they are looked at beside the time of the decision.
    try:
        return found + column_findings(series, outcomes, config, bounds)
    except UsageError as error:
        told = f"`{series.name}` was not looked at: {error.what}."
        return [*found, Finding("unread", str(series.name), told)]


def _over_time(
    frame: pd.DataFrame,
    outcomes: npt.NDArray[np.int8] | None,
    config: DatasetConfig,
    bounds: Bounds,
) -> list[Finding]:
    """What time shows. A column of dates that cannot be read is named, and the others are looked at."""
    try:
        decided = decided_at(frame, config)
    except UsageError as error:
        told = f"Nothing was looked at over time: `{error.field}`: {error.what}."
        return [Finding("unread", error.field, told)]
    if decided is None:
        return []
    found = later_findings(frame, config, decided, bounds)
    if outcomes is not None:
        found += cohort_findings(outcomes, config, decided, bounds)
    cohorts = cohorts_of(decided)
    drifts = {}
    for column in config.feature_columns(frame.columns):
        if not is_dates(frame[column]):
            with contextlib.suppress(UsageError):  # Found as unread already, where there are outcomes.
                drifts[column] = drift(frame[column], config, cohorts)
    moved = drift_finding(drifts, config, decided, bounds)
    return found if moved is None else [*found, moved]


def _telling(finding: Finding) -> tuple[bool, float]:
    """Findings with an AUC first, by its size."""
    return ("auc" not in finding.figures, -finding.figures.get("auc", 0.0))
