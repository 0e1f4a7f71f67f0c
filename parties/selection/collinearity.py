"""How much columns repeat each other, from their correlation matrix alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from crypto.errors import UsageError
from parties.selection.correlation import STEP

Floats = npt.NDArray[np.float64]


def variance_inflation(matrix: Floats, floor: float = STEP) -> Floats:
    """The variance inflation factor of each column: the diagonal of the inverse of the correlation `matrix`.

    1 / (1 - R^2) of the column on all others (Marquardt, Technometrics 12 (1970) 591-612). Eigenvalues below
    `floor`, the precision of the matrix, are taken for it: then a factor is a lower bound, and a large one.
    """
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(np.square(vectors) @ (1 / np.maximum(values, floor)))


def without_repetition(matrix: Floats, worth: Sequence[float], limit: float) -> tuple[int, ...]:
    """The columns that stay when of each pair correlated beyond `limit` the one of less `worth` goes.

    `worth` is a column's information value, say. Columns are looked at from the worthiest down, and one goes
    when it is correlated with one that stayed. Raises `UsageError` unless `limit` is within (0, 1].
    """
    if not 0 < limit <= 1:
        raise UsageError("the limit of correlation is not between 0 and 1", advice="Give 0.7, for instance.")
    kept: list[int] = []
    for place in sorted(range(len(matrix)), key=lambda at: (-worth[at], at)):
        if all(abs(matrix[place, other]) <= limit for other in kept):
            kept.append(place)
    return tuple(sorted(kept))


def without_inflation(
    matrix: Floats, worth: Sequence[float], limit: float = 5.0
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The columns that stay when the most inflated one goes until none is above `limit`, and their factors.

    Between columns whose factors differ by less than a tenth the one of less `worth` goes: the matrix is
    rounded, and of two columns that repeat each other either would do. Raises `UsageError` for a limit below
    1.
    """
    if limit < 1:
        raise UsageError("no variance inflation is below 1", advice="Give 5 or 10.")
    kept = list(range(len(matrix)))
    factors = variance_inflation(matrix)
    while factors.max() > limit:
        near = [at for at in range(len(kept)) if factors[at] > 0.9 * factors.max()]
        del kept[min(near, key=lambda at: (worth[kept[at]], -kept[at]))]
        factors = variance_inflation(matrix[np.ix_(kept, kept)])
    return tuple(kept), tuple(factors.tolist())
