from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from crypto.errors import UsageError
from parties.evaluation.delong import auc, paired_difference
from parties.evaluation.inputs import labelled

Floats = NDArray[np.float64]


def _sample(seed: int, n: int = 300, *, ties: bool = False) -> tuple[NDArray[np.int64], Floats, Floats]:
    rng = np.random.default_rng(seed)
    label = (rng.random(n) < 0.25).astype(np.int64)
    a, b = label + rng.normal(0, 1.2, n), 0.5 * label + rng.normal(0, 1, n)
    return (label, np.round(a), np.round(b)) if ties else (label, a, b)


def _brute(label: NDArray[np.int64], scores: list[Floats]) -> tuple[Floats, Floats]:
    """DeLong (1988), equations 2 to 6, written out over all m times n pairs."""
    v10, v01 = [], []
    for score in scores:
        x, y = score[label == 1], score[label == 0]
        psi = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
        v10.append(psi.mean(axis=1))
        v01.append(psi.mean(axis=0))
    covariance = np.cov(v10) / len(v10[0]) + np.cov(v01) / len(v01[0])
    return np.array([v.mean() for v in v10]), covariance


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_area_and_error_are_those_of_the_definition_over_all_pairs(seed: int, ties: bool) -> None:
    label, a, b = _sample(seed, ties=ties)
    areas, covariance = _brute(label, [a, b])
    estimate = auc(labelled(label, a))
    assert estimate.auc == pytest.approx(areas[0], abs=1e-12)
    assert estimate.auc == pytest.approx(roc_auc_score(label, a), abs=1e-12)
    assert estimate.standard_error == pytest.approx(math.sqrt(covariance[0, 0]), rel=1e-9)
    pair = paired_difference(label, a, b)
    error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert pair.difference == pytest.approx(areas[0] - areas[1], abs=1e-12)
    assert pair.high - pair.low == pytest.approx(2 * 1.959964 * error, rel=1e-6)
    assert pair.p == pytest.approx(math.erfc(abs(pair.difference) / error / math.sqrt(2)), rel=1e-9)


def test_neither_order_of_rows_nor_scale_of_scores_matters() -> None:
    label, a, b = _sample(9, ties=True)
    order = np.random.default_rng(0).permutation(label.size)
    assert auc(labelled(label[order], a[order])).auc == pytest.approx(auc(labelled(label, a)).auc, abs=1e-14)
    assert auc(labelled(label, np.exp(a))) == auc(labelled(label, a))
    assert paired_difference(label, np.exp(a), b) == paired_difference(label, a, b)


def test_two_scores_of_the_same_order_differ_by_nothing() -> None:
    label, a, _ = _sample(1)
    pair = paired_difference(label, 3 * a + 7, a)
    assert (pair.difference, pair.low, pair.high, pair.p) == (0.0, 0.0, 0.0, 1.0)


def test_exchanging_the_scores_changes_the_sign_only() -> None:
    label, a, b = _sample(2)
    there, back = paired_difference(label, a, b), paired_difference(label, b, a)
    assert there.difference == pytest.approx(-back.difference)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.p == pytest.approx(back.p)


def test_a_constant_score_is_worth_a_coin() -> None:
    estimate = auc(labelled([0, 1, 0, 1, 0], np.ones(5)))
    assert (estimate.auc, estimate.low, estimate.high) == (0.5, 0.5, 0.5)


def test_perfect_and_reversed_scores_stay_within_zero_and_one() -> None:
    label = np.array([0, 0, 0, 1, 1])
    best, worst = auc(labelled(label, label)), auc(labelled(label, -label))
    assert (best.auc, best.high) == (1.0, 1.0)
    assert (worst.auc, worst.low) == (0.0, 0.0)
    assert paired_difference(label, label, np.zeros(5)).p == 0.0


def test_the_interval_holds_the_true_area_about_as_often_as_it_says() -> None:
    true = 0.5 * (1 + math.erf(1.0 / math.sqrt(2) / math.sqrt(2)))  # Two unit normals, one apart.
    rng = np.random.default_rng(3)
    label = np.repeat([0, 1], [300, 60])
    held = 0
    for _ in range(300):
        estimate = auc(labelled(label, label + rng.normal(size=360)))
        held += estimate.low <= true <= estimate.high
    assert 0.91 <= held / 300 <= 0.98


def test_equal_scores_are_found_different_about_as_rarely_as_p_says() -> None:
    rng = np.random.default_rng(4)
    label = np.repeat([0, 1], [200, 60])
    shared = label + rng.normal(size=(300, 260))
    small = [
        paired_difference(label, row + rng.normal(size=260), row + rng.normal(size=260)).p < 0.05
        for row in shared
    ]
    assert 0.02 <= np.mean(small) <= 0.085


def test_a_subset_is_evaluated_as_if_it_were_all() -> None:
    label, a, b = _sample(5)
    mask = b < 0.5
    assert auc(labelled(label, a, where=mask)) == auc(labelled(label[mask], a[mask]))
    assert paired_difference(label, a, b, where=mask) == paired_difference(label[mask], a[mask], b[mask])


def test_an_unfit_baseline_is_refused_as_an_unfit_score_is() -> None:
    label, a, b = _sample(6)
    b[3] = np.nan
    with pytest.raises(UsageError, match="not finite"):
        paired_difference(label, a, b)
