"""Stepwise selection by the quadratic approximation, against refits of every model."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import chi2

from crypto.errors import UsageError
from parties.selection.stepwise import Rule, stepwise


def sample() -> tuple[np.ndarray, np.ndarray]:
    """Intercept and six correlated columns, three of which matter."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(3000, 6)) + 0.7 * rng.normal(size=(3000, 1))
    x = np.hstack([np.ones((3000, 1)), x])
    z = x @ [-1.5, 0.5, -0.3, 0.0, 0.05, 0.15, 0.0]
    return x, (rng.random(3000) < 1 / (1 + np.exp(-z))).astype(float)


def fitted(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Maximum likelihood by Newton: estimates, covariance, log likelihood."""
    b = np.zeros(x.shape[1])
    for _ in range(12):
        p = 1 / (1 + np.exp(-x @ b))
        covariance = np.linalg.inv(x.T @ (x * (p * (1 - p))[:, None]))
        b = b + covariance @ x.T @ (y - p)
    z = x @ b
    return b, covariance, float(y @ z - np.logaddexp(0, z).sum())


GROUPS = [-1, 0, 1, 2, 3, 4, 5]
EITHER = [0] * 7


@pytest.fixture(scope="module")
def full() -> tuple[np.ndarray, np.ndarray, float]:
    return fitted(*sample())


@pytest.mark.parametrize(("criterion", "cost"), [("aic", 2.0), ("bic", np.log(3000))])
@pytest.mark.parametrize("direction", ["backward", "forward"])
def test_the_chosen_model_is_the_best_of_all_by_its_criterion(
    full: tuple[np.ndarray, np.ndarray, float], criterion: str, cost: float, direction: str
) -> None:
    x, y = sample()
    rule = Rule(criterion, direction=direction)
    found = stepwise(*full[:2], rule, rows=3000, groups=GROUPS, expected=EITHER)

    def score(places: tuple[int, ...]) -> float:
        return cost * len(places) - 2 * fitted(x[:, places], y)[2]

    models = [(0, *more) for size in range(7) for more in itertools.combinations(range(1, 7), size)]
    assert found.kept == min(models, key=score)


def test_changes_and_estimates_are_near_those_of_refits(full: tuple[np.ndarray, np.ndarray, float]) -> None:
    x, y = sample()
    found = stepwise(*full[:2], Rule("bic"), rows=3000, groups=GROUPS, expected=EITHER)
    left = list(range(7))
    for step in found.steps:
        before = fitted(x[:, left], y)[2]
        left.remove(step.group + 1)
        change = 2 * (before - fitted(x[:, left], y)[2])
        assert step.action == "out"
        assert step.change == pytest.approx(change, abs=0.05 + 0.05 * change)
        assert step.p == pytest.approx(chi2.sf(step.change, 1))
    assert len(found.steps) >= 3
    refit = fitted(x[:, found.kept], y)
    assert np.abs(found.estimates - refit[0]).max() < 0.1 * np.sqrt(np.diag(refit[1])).min()


def test_a_p_value_threshold_keeps_what_is_significant(full: tuple[np.ndarray, np.ndarray, float]) -> None:
    for direction in ("backward", "forward"):
        rule = Rule("p", p=0.01, direction=direction)
        found = stepwise(*full[:2], rule, rows=3000, groups=GROUPS, expected=EITHER)
        x, y = sample()
        estimate, covariance, _ = fitted(x[:, found.kept], y)
        assert chi2.sf(estimate[1:] ** 2 / np.diag(covariance)[1:], 1).max() < 0.01
        assert {1, 2} <= set(found.kept)


@pytest.mark.parametrize("direction", ["backward", "forward"])
def test_no_column_stays_with_a_sign_against_expectation(
    full: tuple[np.ndarray, np.ndarray, float], direction: str
) -> None:
    rule = Rule("p", p=0.9, direction=direction)
    found = stepwise(*full[:2], rule, rows=3000, groups=GROUPS, expected=[0, 1, 1, 1, 1, 1, 1])
    assert 2 not in found.kept
    assert min(found.estimates[1:]) > 0
    if direction == "backward":
        assert ("wrong sign", 1) in {(step.action, step.group) for step in found.steps}


def test_levels_of_a_column_go_and_come_together(full: tuple[np.ndarray, np.ndarray, float]) -> None:
    groups = [-1, 0, 1, 2, 2, 3, 2]
    for direction in ("backward", "forward"):
        found = stepwise(
            *full[:2], Rule("bic", direction=direction), rows=3000, groups=groups, expected=EITHER
        )
        assert {3, 4, 6} <= set(found.kept) or not {3, 4, 6} & set(found.kept)
        assert all(step.degrees == 3 for step in found.steps if step.group == 2)


def test_what_does_not_fit_is_refused(full: tuple[np.ndarray, np.ndarray, float]) -> None:
    with pytest.raises(UsageError, match="fit together"):
        stepwise(*full[:2], Rule(), rows=3000, groups=GROUPS[1:], expected=EITHER)
    with pytest.raises(UsageError, match="threshold"):
        stepwise(*full[:2], Rule("p", p=1.0), rows=3000, groups=GROUPS, expected=EITHER)


def test_standard_errors_of_what_is_left_are_near_those_of_its_own_fit(
    full: tuple[np.ndarray, np.ndarray, float],
) -> None:
    x, y = sample()
    found = stepwise(*full[:2], Rule("bic"), rows=3000, groups=GROUPS, expected=EITHER)
    assert len(found.kept) < 7
    _, covariance, _ = fitted(x[:, found.kept], y)
    assert found.errors == pytest.approx(np.sqrt(np.diag(covariance)), rel=0.01)


def test_without_a_criterion_only_wrong_signs_go(full: tuple[np.ndarray, np.ndarray, float]) -> None:
    expected = [0, 1, 1, 0, 0, 0, 0]
    found = stepwise(*full[:2], Rule("none"), rows=3000, groups=GROUPS, expected=expected)
    assert [(step.action, step.group) for step in found.steps] == [("wrong sign", 1)]
    assert found.kept == (0, 1, 3, 4, 5, 6)
