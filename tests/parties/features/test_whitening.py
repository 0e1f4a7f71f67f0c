"""Whitening changes the road of training, never its end."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from crypto.errors import UsageError
from parties.features import Whitening
from parties.features.support import Floats
from parties.features.whitening import MOST_OF_ONE_ROW


def correlated(rows: int = 400) -> Floats:
    """Columns that differ in scale and overlap; the last is the sum of the first two."""
    rng = np.random.default_rng(5)
    z = rng.normal(size=(rows, 5)) @ rng.normal(size=(5, 5))
    return np.column_stack([z, z[:, 0] + z[:, 1]])


def test_the_fitted_rows_become_uncorrelated_with_variance_one() -> None:
    z = correlated()
    whitening = Whitening.fit(z)
    whitened = whitening.apply(z)
    np.testing.assert_allclose(whitened.T @ whitened / len(z), np.eye(5), atol=1e-9)


def test_directions_stand_by_variance_the_largest_first() -> None:
    lengths = np.linalg.norm(Whitening.fit(correlated()).w, axis=0)
    assert (np.diff(lengths) >= 0).all()


def test_what_depends_on_other_columns_costs_no_direction() -> None:
    z = correlated()
    assert Whitening.fit(z).rank == np.linalg.matrix_rank(z) == 5
    assert Whitening.fit(np.column_stack([z, z])).rank == 5


def test_coefficients_over_features_give_the_same_scores() -> None:
    z = correlated()
    whitening = Whitening.fit(z[:300])
    theta = np.arange(5.0)
    np.testing.assert_allclose(z @ whitening.unwhiten(theta), whitening.apply(z) @ theta)


def test_the_penalty_is_that_of_ridge_over_the_features() -> None:
    whitening = Whitening.fit(correlated())
    theta = np.linspace(-1, 2, 5)
    penalty = whitening.penalty(0.7)
    assert theta @ penalty @ theta == pytest.approx(0.7 * np.sum(whitening.unwhiten(theta) ** 2))
    np.testing.assert_allclose(penalty, penalty.T)


def test_the_optimum_is_that_of_ridge_regression_over_the_features() -> None:
    z = correlated()
    y = (np.random.default_rng(6).random(len(z)) < 1 / (1 + np.exp(-z[:, 0]))).astype(float)
    l2 = 2.0
    direct = LogisticRegression(C=1 / l2, fit_intercept=False, tol=1e-10, max_iter=5000).fit(z, y)
    whitening = Whitening.fit(z)
    x, penalty, theta = whitening.apply(z), whitening.penalty(l2), np.zeros(5)
    for _ in range(25):  # Newton's method
        p = 1 / (1 + np.exp(-x @ theta))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + penalty
        theta -= np.linalg.solve(hessian, x.T @ (p - y) + penalty @ theta)
    np.testing.assert_allclose(whitening.unwhiten(theta), direct.coef_[0], atol=1e-5)


def test_the_floor_is_relative_to_the_largest_variance() -> None:
    rng = np.random.default_rng(7)
    scales = np.array([1e4, 1e4, 1.0])
    z = rng.normal(size=(500, 3)) * scales
    assert Whitening.fit(z).rank == 2
    assert Whitening.fit(z, floor=1e-10).rank == 3
    assert Whitening.fit(z / 1e6).rank == 2


def test_the_same_rows_give_the_same_matrix_whatever_their_order() -> None:
    z = correlated()
    np.testing.assert_allclose(Whitening.fit(z).w, Whitening.fit(z[::-1]).w, atol=1e-9)


@pytest.mark.parametrize(
    "z", [np.zeros((0, 3)), np.zeros((3, 0)), np.zeros(3), np.array([[1.0, np.nan]]), np.array([[np.inf]])]
)
def test_what_is_no_matrix_of_numbers_is_refused(z: Floats) -> None:
    with pytest.raises(UsageError, match="not a matrix"):
        Whitening.fit(z)


def test_features_that_are_all_zero_are_refused() -> None:
    with pytest.raises(UsageError, match="constant"):
        Whitening.fit(np.zeros((9, 2)))


def test_the_matrix_is_not_shown() -> None:
    assert "[" not in repr(Whitening.fit(correlated()))


def standard(columns: Floats) -> Floats:
    scaled: Floats = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    return scaled


def twins(rows: int = 2000, differing: int = 1) -> tuple[Floats, int]:
    """Two indicators of 300 rows that differ in very few, beside two plain columns; one row that differs."""
    rng = np.random.default_rng(8)
    chosen = rng.choice(rows, 300 + differing, replace=False)
    flags = np.zeros((2, rows))
    flags[0, chosen[:300]] = 1
    flags[1, chosen] = 1
    return standard(np.column_stack([*flags, rng.normal(size=(rows, 2))])), int(chosen[-1])


def guess(x: Floats, residuals: Floats, row: int) -> float:
    """The best linear guess at one row's residual from the gradient x' d."""
    share = float(x[row] @ x[row])
    return float(x[row] @ (x.T @ residuals)) / share if share > 1e-9 else 0.0


@pytest.mark.parametrize("outcome", [0, 1])
def test_two_columns_that_differ_in_one_row_do_not_show_that_rows_outcome(outcome: int) -> None:
    z, row = twins()
    labels = np.random.default_rng(9).random(len(z)) < 0.3
    labels[row] = bool(outcome)
    residuals = labels.mean() - labels
    naked = z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / len(z)).T)  # What a gradient over all of z tells.
    assert guess(naked, residuals, row) == pytest.approx(residuals[row], abs=0.05)
    assert guess(Whitening.fit(z).apply(z), residuals, row) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("differing", [1, 2, 3])
def test_no_row_has_more_than_its_share_of_any_combination(differing: int) -> None:
    z, _ = twins(differing=differing)
    whitening = Whitening.fit(z)
    x = whitening.apply(z)
    assert np.square(x).sum(axis=1).max() / len(x) <= MOST_OF_ONE_ROW
    np.testing.assert_allclose(x.T @ x / len(x), np.eye(whitening.rank), atol=1e-9)
    assert whitening.rank == 3  # The difference is gone, what the two have in common stays.


def test_columns_that_many_rows_stand_behind_are_all_kept() -> None:
    z, _ = twins(differing=50)
    assert Whitening.fit(z).rank == 4


def test_so_many_columns_that_each_row_could_be_solved_for_are_refused() -> None:
    with pytest.raises(UsageError, match="a few training rows alone"):
        Whitening.fit(standard(np.random.default_rng(10).normal(size=(120, 118))))


def test_a_single_column_of_a_single_row_is_refused() -> None:
    with pytest.raises(UsageError, match="a few training rows alone"):
        Whitening.fit(standard(np.eye(1, 200).T))
