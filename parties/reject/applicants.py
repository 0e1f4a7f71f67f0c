"""A bank's applicants as its table has them: who was accepted, and the outcomes of these alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.private import Private
from parties.dataset import DatasetConfig
from parties.features import read_label
from parties.features.columns import levels

Marks = npt.NDArray[np.bool_]
Outcomes = npt.NDArray[np.int8]

_WORDS = {"1": True, "true": True, "yes": True, "y": True}
_WORDS |= {"0": False, "false": False, "no": False, "n": False}


def accepted_rows(frame: pd.DataFrame, dataset: DatasetConfig) -> Marks:
    """Which rows of `frame` were accepted (n,), by the column that `dataset.accepted` names.

    Raises `UsageError` (party, file, column, counts) where a cell is neither yes nor no, or all say the same.
    """
    column = str(dataset.accepted)
    found = levels(frame[column], dataset.place)
    known = np.array([_WORDS.get(text.strip().lower(), -1) for text in found.texts] + [-1], dtype=np.int64)
    marks = known[found.codes]
    if (unclear := int((marks < 0).sum())) > 0:
        raise dataset.error(
            f"{unclear} of {len(marks)} rows do not say whether the firm was accepted",
            column=column,
            advice="Write 1 or 0, yes or no, true or false into every row.",
        )
    if marks.min() == marks.max():
        raise dataset.error(
            "all firms were accepted, or none was", column=column, advice="Give all applicants of a time."
        )
    accepted: Marks = marks == 1
    return accepted


def accepted_outcomes(frame: pd.DataFrame, accepted: Marks, dataset: DatasetConfig) -> Private[Outcomes]:
    """The outcomes of the accepted rows (a,): 1 is bad. Raises `UsageError` where a rejected firm has one."""
    column = str(dataset.label)
    if (odd := int(frame[column][~accepted].notna().sum())) > 0:
        raise dataset.error(
            f"{odd} firms were not accepted and have an outcome",
            column=column,
            advice="Empty these cells, or mark the firms as accepted: their outcome is known.",
        )
    return Private(read_label(frame[accepted].reset_index(drop=True), dataset))
