"""Dirt like the world's: each function spoils one party's table in one way, and says which rows.

Every function takes a clean table in the order of the party's file, changes it in place, and answers
with a flag for each row; the flags go into the truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from parties.four_flows.capital import HISTORY
from parties.four_flows.settings import Party
from parties.four_flows.streams import Flags, Floats
from parties.four_flows.tables import KEY, LABEL

if TYPE_CHECKING:
    import pandas as pd

_MIXED_UNITS = 0.12
_DUPLICATED = 0.02
_REJECTED = 0.18
_POISONED = 0.30
_LABEL_DELAY = 3

#: The amounts that some branch offices enter in units of 10,000 yuan (wan).
_AMOUNTS: dict[Party, str] = {"bank": "loan_amount", "platform": "sales"}

_CHINESE = {
    "manufacture": "制造业",
    "trade": "批发零售业",
    "construction": "建筑业",
    "logistics": "交通运输业",
    "technology": "信息技术业",
    "service": "服务业",
    "north": "华北",
    "north-east": "东北",
    "east": "华东",
    "central-south": "中南",
    "south-west": "西南",
    "north-west": "西北",
    "bank-a": "甲银行",
    "bank-b": "乙银行",
    "bank-c": "丙银行",
}


def mix_units(party: Party, frame: pd.DataFrame, random: np.random.Generator) -> Flags:
    """Divide some amounts by 10,000: the column says yuan, the office entered units of 10,000."""
    mixed: Flags = random.random(len(frame)) < _MIXED_UNITS
    name = _AMOUNTS.get(party)
    if name is None:
        return np.zeros(len(frame), dtype=np.bool_)
    frame.loc[mixed, name] /= 10_000
    return mixed


def to_chinese(frame: pd.DataFrame) -> None:
    """Translate industry, region and lender, so that an encoding has something to encode."""
    for name in ("industry", "region", "lender"):
        if name in frame:
            frame[name] = frame[name].map(_CHINESE)


def reject_applicants(frame: pd.DataFrame, random: np.random.Generator) -> Flags:
    """Turn down the applicants that the bank's own rule likes least: no loan, so no label."""
    risk = np.log(frame["leverage"].to_numpy()) + frame["credit_utilisation"].to_numpy()
    risk = risk + 0.3 * random.standard_normal(len(frame))
    rejected: Flags = risk > np.quantile(risk, 1.0 - _REJECTED)
    frame.insert(len(frame.columns) - 1, "accepted", (~rejected).astype(np.int64))
    _blank_labels(frame, rejected)
    return rejected


def delay_labels(frame: pd.DataFrame) -> Flags:
    """Look three months too early: loans not yet twelve months old have no label."""
    frame["months_on_book"] = frame["months_on_book"] - _LABEL_DELAY
    young: Flags = frame["months_on_book"].to_numpy() < 12
    _blank_labels(frame, young)
    return young


def poison(party: Party, frame: pd.DataFrame, random: np.random.Generator) -> Flags:
    """What a malicious party would do: the bank turns labels over, the others swap firms' features.

    Swapped features keep every column's distribution, so that no check of margins finds them.
    """
    poisoned: Flags = random.random(len(frame)) < _POISONED
    if party == "bank":
        frame.loc[poisoned, LABEL] = 1 - frame.loc[poisoned, LABEL]
        return poisoned
    features = [name for name in frame.columns if name not in (KEY, "firm_name", "country")]
    places = np.flatnonzero(poisoned)
    swapped = random.permutation(places)
    frame.loc[places, features] = frame.loc[swapped, features].to_numpy()
    return poisoned


def duplicate_ids(
    frame: pd.DataFrame, random: np.random.Generator, later: np.random.Generator
) -> tuple[pd.DataFrame, Flags]:
    """Add an older row for some firms: the same key, measured amounts that differ by some per cent.

    The columns of `capital.HISTORY` differ by what `later` draws, all others by what `random`
    does. Returns the longer table, in random order, and flags for the rows of the table that came in.
    """
    import pandas as pd

    doubled: Flags = random.random(len(frame)) < _DUPLICATED
    older = frame.loc[doubled].copy()
    for name in older.select_dtypes("float64"):
        values: Floats = older[name].to_numpy()
        if name not in (LABEL, "months_on_book") and not set(np.unique(values)) <= {0.0, 1.0}:
            source = later if name in HISTORY else random
            older[name] = np.round(values * source.uniform(0.9, 1.1, len(values)), 4)
    longer = pd.concat([frame, older], ignore_index=True)
    return longer.iloc[random.permutation(len(longer))].reset_index(drop=True), doubled


def _blank_labels(frame: pd.DataFrame, where: Flags) -> None:
    frame[LABEL] = frame[LABEL].astype("float64").mask(where)
