"""Firms of a bank and two parties without outcomes: numbers with gaps and codes, levels, truth values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from federation.plan import Plan
from parties.dataset import ColumnRules, DatasetConfig

PARTIES = ("bank", "platform", "public")


def plan_of(**tables: Any) -> Plan:
    """A plan for the three parties."""
    roles = {name: {"role": "label" if name == "bank" else "feature"} for name in PARTIES}
    fields = {"name": "card", "purpose": "credit-scoring", "parties": roles, "model": {"kind": "scorecard"}}
    return Plan.model_validate(fields | tables)


def config(party: str, **columns: ColumnRules) -> DatasetConfig:
    return DatasetConfig(
        "data",
        Path(f"{party}.csv"),
        "id",
        label="bad" if party == "bank" else None,
        columns=columns,
        party=party,
    )


def tables(rows: int, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Each party's table of the same firms, in the same order."""
    generator = np.random.default_rng(seed)
    columns: dict[str, npt.NDArray[Any]] = {name: generator.normal(size=rows) for name in "abcde"}
    sector = generator.choice(["farm", "shop", "mill", "port"], rows, p=[0.4, 0.3, 0.2, 0.1])
    late = generator.random(rows) < 0.15
    logit = -1.9 + columns["a"] - 0.8 * columns["b"] + 0.7 * columns["c"] + 0.6 * np.abs(columns["d"])
    logit = logit + 0.9 * late + 0.5 * (sector == "port")
    bad = generator.random(rows) < 1 / (1 + np.exp(-logit))
    columns["b"][generator.random(rows) < 0.1] = np.nan
    columns["c"][generator.random(rows) < 0.1] = -999
    ids = np.array([f"firm{row}" for row in range(rows)])
    mine: dict[str, Mapping[str, Any]] = {
        "bank": {"bad": bad.astype(int), "a": columns["a"], "late": late},
        "platform": {"b": columns["b"], "c": columns["c"], "sector": sector},
        "public": {"d": columns["d"], "e": columns["e"] * 1e6},
    }
    return {party: pd.DataFrame({"id": ids, **mine[party]}) for party in PARTIES}
