"""Whitening changes the road of training, never its end."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from crypto.errors import UsageError
from parties.features import Whitening
from parties.features.support import Floats


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
