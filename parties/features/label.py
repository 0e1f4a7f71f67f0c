"""The outcome: 1 where the firm turned out bad, 0 where it did not."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crypto.codes import Code
from parties.dataset import DatasetConfig
from parties.features.columns import Levels, levels, parsed

#: Pairs of words for good and bad, in lower case.
_WORDS = ({"false": 0, "true": 1}, {"no": 0, "yes": 1}, {"n": 0, "y": 1})

_FORMS = "0/1, true/false, yes/no, Y/N, or two numbers of which the larger is the bad one"


def read_label(
    frame: pd.DataFrame, config: DatasetConfig, notes: list[str] | None = None
) -> NDArray[np.int8]:
    """The label column of `frame` as int8 (n,): 1 is bad.

    Read are 0/1, true/false, yes/no and Y/N in any case, and two other numbers, of which the larger is
    taken for the bad one; a sentence that says so is added to `notes`. Raises `UsageError` (party, file,
    field) where the configuration has no label or the table no such column, where a cell is missing, and
    where there are not exactly two values.
    """
    column = config.label
    if column is None or column not in frame.columns:
        raise config.error(
            "the configuration names no label" if column is None else "the table has no such label column",
            column=column,
            advice="Give `label` the name of the column that holds the outcome.",
            code=Code.LABEL_MISSING,
        )
    found = _folded(levels(frame[column], config.place))
    _refuse_missing(found, column, config)
    _refuse_other_counts(found, column, config)
    bad = _values(found, column, config, notes)
    return bad[found.codes]


def _folded(found: Levels) -> Levels:
    """The same cells with "Yes", "YES" and "yes" as one value."""
    lower = sorted({text.lower() for text in found.texts})
    place = np.array([lower.index(text.lower()) for text in found.texts] + [-1], dtype=np.int64)
    return Levels(tuple(lower), place[found.codes])


def _refuse_missing(found: Levels, column: str, config: DatasetConfig) -> None:
    absent = int((found.codes < 0).sum())
    if absent:
        raise config.error(
            f"{absent} of {len(found.codes)} rows have no outcome",
            column=column,
            advice="Leave out the rows whose outcome is not known yet; a missing outcome is not a good one.",
            code=Code.LABEL_INCOMPLETE,
        )


def _refuse_other_counts(found: Levels, column: str, config: DatasetConfig) -> None:
    count = len(found.texts)
    if count == 0:
        raise config.error(
            "the table has no rows", column=column, advice="Give a file with rows.", code=Code.TABLE_EMPTY
        )
    if count == 1:
        raise config.error(
            f"all {len(found.codes)} rows have the same outcome, so there is nothing to learn",
            column=column,
            advice="Give rows of both outcomes, or name another column as the label.",
            code=Code.LABEL_ONE_CLASS,
        )
    if count > 2:
        raise config.error(
            f"the outcome has {count} different values instead of two",
            column=column,
            advice=f"Write it as one of: {_FORMS}.",
            code=Code.LABEL_NOT_BINARY,
        )


def _values(found: Levels, column: str, config: DatasetConfig, notes: list[str] | None) -> NDArray[np.int8]:
    """0 or 1 for each of the two levels."""
    for pair in _WORDS:
        if set(found.texts) == set(pair):
            return np.array([pair[word] for word in found.texts], dtype=np.int8)
    numbers = parsed(found.texts)
    if not np.isfinite(numbers).all() or numbers[0] == numbers[1]:
        raise config.error(
            "the two values of the outcome are not ones that tell good from bad",
            column=column,
            advice=f"Write it as one of: {_FORMS}.",
            code=Code.LABEL_NOT_BINARY,
        )
    larger: NDArray[np.int8] = (numbers == numbers.max()).astype(np.int8)
    if notes is not None and set(numbers) != {0.0, 1.0}:
        notes.append(f"Label {column}: the larger of its two numbers is taken for the bad outcome.")
    return larger
