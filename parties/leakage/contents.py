"""Whether a table holds enough to train on, and to judge by: empty and constant columns, few rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from parties.dataset import DatasetConfig
from parties.features.columns import is_empty
from parties.features.support import MIN_SUPPORT
from parties.leakage.findings import Finding
from parties.leakage.separation import FEWEST
from parties.moments import is_dates


def content_findings(
    frame: pd.DataFrame, outcomes: npt.NDArray[np.int8] | None, config: DatasetConfig
) -> list[Finding]:
    """Columns of `frame` (n rows) without a cell or with one value, and whether there are few rows.

    `outcomes` (n,) are those of the same rows; None where the party has none.
    """
    found = [*_few_rows(len(frame)), *_few_outcomes(outcomes, config)]
    features = config.feature_columns(frame.columns)
    named = [name for name in (config.time, config.group, config.size) if name is not None]
    for column in dict.fromkeys([*features, *named, *config.dates]):
        found += _of_column(frame[column], feature=column in features)
    return found


def _of_column(series: pd.Series, *, feature: bool) -> list[Finding]:
    column = str(series.name)
    if not len(series):
        return []
    if is_empty(series):
        use = "no model can use it" if feature else "nothing can be looked at by it"
        told = f"`{column}` is empty in every row: {use}. Fill it in, or take it out of the configuration."
        return [Finding("empty", column, told)]
    if not feature or is_dates(series):
        return []  # Of dates, one may well be the same in every row: the day on which the file was made.
    if not series.isna().any() and bool((series == series.iloc[0]).all()):
        told = f"`{column}` has the same value in every row: no model learns from it. Was the file cut?"
        return [Finding("constant", column, told)]
    return []


def _few_rows(rows: int) -> list[Finding]:
    needed = 2 * MIN_SUPPORT
    if rows >= needed:
        return []
    told = (
        f"{rows} rows are few: a feature needs {MIN_SUPPORT} training rows on either side, so no model can "
        f"be trained on fewer than {needed}."
    )
    return [Finding("few", None, told, {"rows": float(rows)})]


def _few_outcomes(outcomes: npt.NDArray[np.int8] | None, config: DatasetConfig) -> list[Finding]:
    if outcomes is None:
        return []
    bad = int(outcomes.sum())
    rarer = min(bad, len(outcomes) - bad)
    if rarer >= FEWEST:
        return []
    name = "bad" if bad == rarer else "good"
    told = (
        f"{rarer} of {len(outcomes)} rows are {name} by `{config.label}`: with fewer than {FEWEST} no column "
        "is judged against outcomes, and silence about them says nothing."
    )
    return [Finding("few", config.label, told, {"rows": float(rarer)})]
