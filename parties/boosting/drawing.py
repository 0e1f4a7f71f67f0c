"""What each tree is grown on: rows, and columns of each party, drawn uniformly.

The label has no part in it. Drawing rows by the size of their gradients would tell the other parties which
rows the model gets wrong. Rows and the label party's columns follow from the plan's seed. A party without the
label draws its columns, and the order in which it tells of candidates, from the operating system: with the
seed the label party would know which of its columns each tree has.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from parties.boosting.candidates import Candidates
from parties.boosting.growing import Marks

Order: TypeAlias = npt.NDArray[np.int64]

_VALIDATION, _ROWS, _COLUMNS, _ROUNDING = range(4)


def validation_rows(rows: int, share: float, seed: int) -> Marks:
    """Marks of about `share` of the training rows, which no tree is grown on."""
    return np.asarray(np.random.default_rng([seed, _VALIDATION]).random(rows) < share)


def drawn_rows(fitted: Marks, share: float, seed: int, tree: int) -> Marks:
    """Marks of the rows among `fitted` that grow a tree: about `share` of them."""
    if share >= 1:
        return fitted
    return np.asarray(fitted & (np.random.default_rng([seed, _ROWS, tree]).random(len(fitted)) < share))


def seeded_order(count: int, seed: int, tree: int) -> Order:
    """An order of the label party's columns for a tree."""
    return np.random.default_rng([seed, _COLUMNS, tree]).permutation(count)


def secret_order(count: int) -> Order:
    """An order of 0..count-1 that nobody else can know."""
    return np.argsort(np.frombuffer(os.urandom(8 * count), dtype=np.uint64))


def drawn_candidates(offered: Candidates, share: float, order: Callable[[int], Order]) -> Order:
    """The candidates of the columns that a party draws for a tree, in their order: `share` of its columns,
    the first ones by `order`."""
    if share >= 1:
        return np.arange(len(offered))
    columns = np.unique(offered.column)
    drawn = columns[order(len(columns))][: math.ceil(share * len(columns))]
    return np.flatnonzero(np.isin(offered.column, drawn))


def rounding(seed: int, tree: int) -> np.random.Generator:
    """How gradients and hessians are rounded in a tree."""
    return np.random.default_rng([seed, _ROUNDING, tree])
