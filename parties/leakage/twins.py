"""Rows that stand on both sides of a split: what was learnt by heart there is no skill here."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from parties.dataset import DatasetConfig
from parties.leakage.findings import Bounds, Finding

Marks = npt.NDArray[np.bool_]

#: A value that no more rows than this hold tells its rows from others.
_RARE = 3
#: With fewer rows that can be told from others twins are not looked for.
_ROWS = 200
#: Fewer columns do not tell firms apart.
_COLUMNS = 3


def twin_finding(
    frame: pd.DataFrame, config: DatasetConfig, training: Marks | None, bounds: Bounds
) -> Finding | None:
    """Rows that equal another in every feature: one of the other side, or without a split any other.

    Looked at are rows that hold a rare value in some column: small loans of round amounts agree in every
    column by chance (SBA's bank: one row in four, and of those with a rare value .4 %), and say nothing.
    """
    columns = list(config.feature_columns(frame.columns))
    if len(columns) < _COLUMNS:
        return None
    rare, place = _rows(frame, columns)
    share, against = _shares(place, rare, training)
    if share <= bounds.twins:
        return None
    where = "another row" if training is None else "a training row"
    told = (
        f"{share:.1%} of {against} equal {where} in every column, rare values too: if they are one firm's, "
        "name what they share as `group`, so that a split keeps them together."
    )
    return Finding("twins", None, told, {"share": share})


def _rows(frame: pd.DataFrame, columns: list[str]) -> tuple[Marks, npt.NDArray[np.int64]]:
    """Which rows hold a rare value in one of `columns`, and each row's place among the distinct rows."""
    rare = np.zeros(len(frame), dtype=np.bool_)
    hashed = np.zeros(len(frame), dtype=np.uint64)
    factors = np.random.default_rng(0).integers(1, 1 << 63, len(columns), dtype=np.uint64) * np.uint64(2)
    for column, factor in zip(columns, factors, strict=True):
        codes, _ = pd.factorize(frame[column], use_na_sentinel=False)
        rare |= np.bincount(codes)[codes] <= _RARE
        # Two different rows get one sum with probability 2^-63.
        hashed += codes.astype(np.uint64) * (factor + np.uint64(1))
    return rare, pd.factorize(hashed)[0].astype(np.int64)


def _shares(place: npt.NDArray[np.int64], telling: Marks, training: Marks | None) -> tuple[float, str]:
    """The share of telling rows with a twin, and among which rows; 0 where there are too few."""
    looked = telling if training is None else telling & ~training
    if looked.sum() < _ROWS:
        return 0.0, ""
    if training is None:
        return float((np.bincount(place)[place] > 1)[looked].mean()), "rows"
    learnt = np.zeros(int(place.max()) + 1, dtype=np.bool_)
    learnt[place[training]] = True
    return float(learnt[place[looked]].mean()), "test rows"


def group_finding(frame: pd.DataFrame, config: DatasetConfig, training: Marks | None) -> Finding | None:
    """Groups with rows on both sides of a split that was not made by them."""
    if config.group is None or training is None:
        return None
    groups = frame[config.group]
    both = set(groups[training].dropna()) & set(groups[~training].dropna())
    if not both:
        return None
    told = f"{len(both)} groups (`{config.group}`) have rows on both sides of the split."
    return Finding("twins", config.group, told, {"groups": len(both)})
