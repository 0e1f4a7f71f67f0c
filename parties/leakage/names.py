"""Columns whose name, or one of whose levels, speaks of how a loan ended."""

from __future__ import annotations

import re

import pandas as pd
from pandas.api import types

from parties.leakage.findings import Finding

#: Parts of names, with what is between words taken for one space.
_NAMES = re.compile(
    r"\b(charge ?offs?|charged off|chg ?off\w*|write ?offs?|written off|wr ?off|recover(y|ies|ed)|recoveries|"
    r"loss (amount|amt|given default)|lgd|foreclos\w*|repossess\w*|paid in full|pif|paid off|payoff|"
    r"default (date|time|amount|status)|date of default|settle(d|ment) (date|amount|status)|"
    r"(loan|mis|final) status|out prncp|total (pymnt|rec (prncp|int|late fee))|"
    r"last (pymnt|payment)\w*|outcome)\b"
    r"|核销|坏账|追偿|结清|代偿|损失金额|违约(日期|时间|金额|状态)"
)
#: Whole levels, in the same form.
_LEVELS = re.compile(
    r"paid in full|p i f|pif|fully paid|paid off|chg ?off|charge ?off|charged off|written off|write off|"
    r"default(ed)?|bad debt|foreclosed|repossessed|settled|in recovery"
    r"|已?核销|坏账|已?结清|违约|已?代偿"
)
#: With more levels than this a column describes single firms.
_MOST_LEVELS = 100


def name_finding(series: pd.Series) -> Finding | None:
    """A question where the column seems to be about the end of the loan, by its name or by its levels."""
    column = str(series.name)
    if _NAMES.search(_plain(column)):
        told = f"`{column}` has a name for how a loan ended: is it known when the decision is made?"
        return Finding("named", column, told)
    if types.is_numeric_dtype(series.dtype) or types.is_datetime64_any_dtype(series.dtype):
        return None
    levels = series.dropna().unique()
    if len(levels) <= _MOST_LEVELS and any(_LEVELS.fullmatch(_plain(str(level))) for level in levels):
        told = f"`{column}` has levels that say how a loan ended: is it known when the decision is made?"
        return Finding("named", column, told)
    return None


def _plain(text: str) -> str:
    """Lower case, one space between words: ChgOffDate, chg_off_date and CHG-OFF DATE are one name."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return re.sub(r"[\s_./-]+", " ", parted).strip().lower()
