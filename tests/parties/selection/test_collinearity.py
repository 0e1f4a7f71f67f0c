from __future__ import annotations

import numpy as np
import pytest

from crypto.errors import UsageError
from parties.selection.collinearity import variance_inflation, without_inflation, without_repetition
from parties.selection.correlation import STEP


def columns() -> np.ndarray:
    """Six columns: the third nearly the sum of the first two, the last a copy of the fourth and noise."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4000, 6))
    x[:, 2] = x[:, 0] + x[:, 1] + 0.3 * rng.normal(size=4000)
    x[:, 5] = x[:, 3] + 0.6 * rng.normal(size=4000)
    return x


def regressed(x: np.ndarray, place: int) -> float:
    """1 / (1 - R^2) by least squares of one column on the others."""
    centred = x - x.mean(axis=0)
    others = np.delete(centred, place, axis=1)
    rest = centred[:, place] - others @ np.linalg.lstsq(others, centred[:, place], rcond=None)[0]
    return float((centred[:, place] @ centred[:, place]) / (rest @ rest))


def test_factors_are_those_of_regressions_also_from_a_rounded_matrix() -> None:
    x = columns()
    exact = [regressed(x, place) for place in range(6)]
    matrix = np.corrcoef(x.T)
    assert variance_inflation(matrix, floor=1e-12) == pytest.approx(exact)
    assert variance_inflation(np.rint(matrix / STEP) * STEP) == pytest.approx(exact, rel=0.06)


def test_a_column_at_two_parties_is_inflated_without_end_and_no_number_breaks() -> None:
    matrix = np.array([[1.0, 1.0, 0.1], [1.0, 1.0, 0.1], [0.1, 0.1, 1.0]])
    factors = variance_inflation(matrix)
    assert (factors[:2] > 100).all() and factors[2] == pytest.approx(1, abs=0.05)


def test_the_less_worthy_of_a_pair_goes() -> None:
    matrix = np.corrcoef(columns().T)
    worth = [0.3, 0.2, 0.1, 0.1, 0.4, 0.2]
    assert without_repetition(matrix, worth, 0.75) == (0, 1, 2, 4, 5)
    assert without_repetition(matrix, worth, 1.0) == (0, 1, 2, 3, 4, 5)


def test_elimination_ends_below_the_limit_and_prefers_what_is_worth_more() -> None:
    matrix = np.corrcoef(columns().T)
    kept, factors = without_inflation(matrix, [0.3, 0.2, 0.1, 0.1, 0.4, 0.2])
    assert kept == (0, 1, 3, 4, 5) and max(factors) <= 5
    twins = np.array([[1.0, 0.99], [0.99, 1.0]])
    assert without_inflation(twins, [0.1, 0.2])[0] == (1,)
    assert without_inflation(twins, [0.2, 0.1])[0] == (0,)


def test_limits_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError):
        without_inflation(np.eye(2), [1, 1], limit=0.5)
    with pytest.raises(UsageError):
        without_repetition(np.eye(2), [1, 1], limit=0)
