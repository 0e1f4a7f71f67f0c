from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ks_2samp
from sklearn.metrics import roc_curve

from crypto.errors import UsageError
from parties.evaluation.inputs import labelled
from parties.evaluation.ks import ks, ks_curve


def _rng() -> np.random.Generator:
    return np.random.default_rng(11)


def _sample(seed: int, n: int = 500) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    label = (rng.random(n) < 0.2).astype(np.int64)
    return label, label + rng.normal(0, 1, n)


@pytest.mark.parametrize("decimals", [8, 0])
def test_it_is_the_two_sample_statistic_and_the_cut_off_reaches_it(decimals: int) -> None:
    label, score = _sample(1)
    score = np.round(score, decimals)
    estimate = ks(labelled(label, score), _rng())
    assert estimate.ks == pytest.approx(ks_2samp(score[label == 1], score[label == 0]).statistic, abs=1e-12)
    false_positive, true_positive, thresholds = roc_curve(label, score)
    assert estimate.cutoff == thresholds[np.argmax(true_positive - false_positive)]
    refused = score >= estimate.cutoff
    assert refused[label == 1].mean() - refused[label == 0].mean() == pytest.approx(estimate.ks)


def test_a_tie_across_the_classes_separates_nothing() -> None:
    estimate = ks(labelled([0, 1, 0, 1], np.ones(4)), _rng())
    assert (estimate.ks, estimate.cutoff) == (0.0, 1.0)


def test_a_perfect_score_has_ks_one_with_the_first_bad_as_cut_off() -> None:
    estimate = ks(labelled([0, 0, 0, 1, 1], [1, 2, 3, 4, 5]), _rng())
    assert (estimate.ks, estimate.high, estimate.cutoff) == (1.0, 1.0, 4.0)


def test_the_same_seed_gives_the_same_interval_and_another_another() -> None:
    label, score = _sample(2)
    assert ks(labelled(label, score), _rng()) == ks(labelled(label, score), _rng())
    assert ks(labelled(label, score), _rng()).low != ks(labelled(label, score), np.random.default_rng(12)).low


def test_the_interval_holds_the_estimate_whatever_the_sample() -> None:
    for seed in range(20):
        estimate = ks(labelled(*_sample(seed, 80)), _rng(), draws=100)
        assert 0 <= estimate.low <= estimate.ks <= estimate.high <= 1


def test_the_interval_holds_the_true_gap_far_more_often_than_the_percentile_one() -> None:
    true = math.erf(
        0.15 / math.sqrt(2)
    )  # Two unit normals 0.3 apart; the percentile interval holds it in 60 %.
    rng = np.random.default_rng(5)
    label = np.repeat([0, 1], [600, 60])
    held = 0
    for _ in range(150):
        estimate = ks(labelled(label, 0.3 * label + rng.normal(size=660)), rng, draws=200)
        held += estimate.low <= true <= estimate.high
    assert held / 150 >= 0.85


def test_many_distinct_scores_are_binned_without_moving_the_estimate() -> None:
    label, score = _sample(3, 20_000)
    estimate = ks(labelled(label, score), _rng(), draws=100)
    assert estimate.ks == pytest.approx(ks_2samp(score[label == 1], score[label == 0]).statistic, abs=1e-12)
    assert 0.02 < estimate.high - estimate.low < 0.05


def test_the_curve_is_thin_and_keeps_the_widest_gap() -> None:
    label, score = _sample(4, 20_000)
    curve = ks_curve(label, score)
    assert len(curve.score) <= 400
    gap = np.abs(np.array(curve.good) - np.array(curve.bad)).max()
    assert gap == pytest.approx(ks(labelled(label, score), _rng(), draws=100).ks, abs=1e-12)
    assert (curve.good[-1], curve.bad[-1]) == (1.0, 1.0)
    assert list(curve.score) == sorted(curve.score)


def test_too_few_draws_are_refused() -> None:
    with pytest.raises(UsageError, match="so few draws"):
        ks(labelled(*_sample(1)), _rng(), draws=10)
