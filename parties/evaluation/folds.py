"""Rows shared out into folds for cross-validation, a group's rows always together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crypto.errors import UsageError


def folds(rows: int, count: int, seed: int, *, groups: ArrayLike | None = None) -> NDArray[np.int64]:
    """A fold number from 0 to `count` - 1 for each of `rows` rows; the label has no part in it.

    `groups` (rows,): rows of equal group are in one fold, so that no firm, owner or region is both learned
    from and tested on. The largest group goes first, each to the fold with fewest rows; seeded chance decides
    between equals. Without groups each row is its own. Raises `UsageError` for fewer than two folds and for
    fewer groups than folds.
    """
    keys = np.arange(rows) if groups is None else np.asarray(groups)
    if keys.shape != (rows,):
        raise UsageError(
            "there is not one group for each row", field="groups", advice="Give a group for each row."
        )
    _, member, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    if not 2 <= count <= sizes.size:
        raise UsageError(
            f"{sizes.size} groups cannot be shared out over {count} folds",
            field="groups",
            advice="Ask for 2 folds or more, and no more than there are groups.",
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(sizes.size)
    largest_first = order[np.argsort(-sizes[order], kind="stable")]
    chosen = np.zeros(sizes.size, dtype=np.int64)
    filled = np.zeros(count, dtype=np.int64)
    for group in largest_first:
        fold = int(filled.argmin())
        chosen[group] = fold
        filled[fold] += sizes[group]
    found: NDArray[np.int64] = chosen[member]
    return found
