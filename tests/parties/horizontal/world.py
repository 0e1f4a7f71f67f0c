"""Parties with the same columns and rows of their own, in one process, over plain sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crypto.private import Private
from federation.tables import Column
from parties.dataset import DatasetConfig
from parties.horizontal.columns import schema
from parties.horizontal.encoding import Encoded
from parties.horizontal.statistics import Fitted, fit
from tests.sums import PlainSums, run_members

SECRET = bytes(range(32))
PARTIES = ("bank-a", "bank-b", "bank-c")


def dataset(party: str = "bank-a", **fields: Any) -> DatasetConfig:
    return DatasetConfig(name="loans", file=Path("loans.csv"), key="id", label="bad", party=party, **fields)


def table(**columns: Any) -> pd.DataFrame:
    """A party's table: `columns`, a key, and an outcome that every third row has."""
    rows = len(next(iter(columns.values())))
    return pd.DataFrame({"id": np.arange(rows), "bad": (np.arange(rows) % 3 == 0).astype(int), **columns})


def outcomes(frame: pd.DataFrame) -> NDArray[np.int8]:
    return frame["bad"].to_numpy(dtype=np.int8)


def parted(frame: pd.DataFrame, shares: tuple[float, ...] = (0.5, 0.3, 0.2)) -> dict[str, pd.DataFrame]:
    """The rows of one table over three parties, in order."""
    ends = np.round(np.cumsum(shares) * len(frame)).astype(int)
    starts = (0, *ends[:-1])
    return {
        party: frame.iloc[start:end].reset_index(drop=True)
        for party, start, end in zip(PARTIES, starts, ends, strict=True)
    }


def fit_all(
    frames: Mapping[str, pd.DataFrame],
    declared: Mapping[str, Column] | None = None,
    *,
    calls: list[tuple[str, str, int]] | None = None,
    noise: Callable[[str], Any] | None = None,
    secret: bytes = SECRET,
    roles: Mapping[str, Any] | None = None,
    **options: Any,
) -> dict[str, Fitted]:
    """What each party fits. `noise` makes a party's noise; `roles` are fields of its configuration."""

    def part(party: str) -> Callable[[PlainSums], Fitted]:
        own, config, known = frames[party], dataset(party, **(roles or {})), declared or {}
        given = {} if noise is None else {"noise": noise(party)}
        return lambda sums: fit(
            sums,
            Private(own),
            Private(outcomes(own)),
            schema(own, config, known),
            config,
            known,
            secret=secret,
            **given,
            **options,
        )

    return run_members({party: part(party) for party in frames}, calls)


def fitted(frame: pd.DataFrame, **options: Any) -> Fitted:
    """What the three parties fit that hold parts of one table; it is the same at all of them."""
    first, *others = fit_all(parted(frame), **options).values()
    for other in others:
        assert other.encoding == first.encoding
        assert other.statistics == first.statistics
    return first


def encoded(fit: Fitted, frame: pd.DataFrame) -> Encoded:
    return fit.encoding.encode(frame, dataset().place)
