from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import chi2
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from crypto.errors import UsageError
from parties.evaluation.goodness import brier_parts, calibration_line, hosmer_lemeshow, of_groups


def outcomes(rows: int, slope: float = 1.0, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and predictions whose log odds are the true ones less `shift`, over `slope`."""
    rng = np.random.default_rng(5)
    true = rng.normal(-1.5, 1.0, rows)
    return (rng.random(rows) < expit(true)).astype(int), expit((true - shift) / slope)


def test_the_parts_of_the_brier_score_add_up_to_it() -> None:
    label, predicted = outcomes(2000, slope=0.6)
    parts = brier_parts(label, predicted)
    whole = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert parts.brier == pytest.approx(brier_score_loss(label, predicted))
    assert whole == pytest.approx(parts.brier)
    rate = label.mean()
    assert parts.uncertainty == pytest.approx(rate * (1 - rate))


def test_with_few_distinct_predictions_the_parts_are_murphys_own_three() -> None:
    label = np.array([1, 1, 0, 0, 0, 1, 0, 0, 0, 0])
    predicted = np.repeat([0.6, 0.2], 5)
    parts = brier_parts(label, predicted)
    # Bins of five rows: rates 2/5 and 1/5 against 0.6 and 0.2; the overall rate is 0.3.
    assert parts.reliability == pytest.approx(0.5 * 0.2**2)
    assert parts.resolution == pytest.approx(0.5 * 0.1**2 + 0.5 * 0.1**2)
    assert parts.within == pytest.approx(0, abs=1e-15)


def test_hosmer_and_lemeshow_by_hand_and_by_scipys_chi_square() -> None:
    rows, bad = np.array([50.0, 40.0, 60.0]), np.array([4.0, 9.0, 31.0])
    predicted = np.array([0.05, 0.25, 0.5])
    by_hand = sum(
        (o - n * p) ** 2 / (n * p) + ((n - o) - n * (1 - p)) ** 2 / (n * (1 - p))
        for n, o, p in zip(rows, bad, predicted, strict=True)
    )
    found = of_groups(rows, bad, predicted)
    assert found.statistic == pytest.approx(by_hand)
    assert found.p == pytest.approx(chi2.sf(by_hand, 3))
    assert of_groups(rows, bad, predicted, fitted=True).p == pytest.approx(chi2.sf(by_hand, 1))


def test_honest_probabilities_pass_and_doubled_log_odds_do_not() -> None:
    assert hosmer_lemeshow(*outcomes(20_000)).p > 0.01
    assert hosmer_lemeshow(*outcomes(20_000, slope=0.5)).p < 1e-6


def test_a_certain_prediction_that_fails_is_no_nan() -> None:
    sure = np.array([0.0, 0.5])
    assert of_groups(np.array([50.0, 50.0]), np.array([0.0, 25.0]), sure).p == pytest.approx(1)
    assert of_groups(np.array([50.0, 50.0]), np.array([1.0, 25.0]), sure).p == 0.0


def test_groups_that_leave_no_degree_of_freedom_are_refused() -> None:
    with pytest.raises(UsageError, match="too few"):
        of_groups(np.array([50.0, 50.0]), np.array([1.0, 25.0]), np.array([0.1, 0.5]), fitted=True)


def test_the_calibration_line_is_scikit_learns_without_penalty() -> None:
    label, predicted = outcomes(4000, slope=0.7, shift=0.4)
    found = calibration_line(label, predicted)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(predicted)[:, None], label)
    assert found.slope == pytest.approx(reference.coef_[0, 0], abs=1e-5)
    assert found.intercept == pytest.approx(reference.intercept_[0], abs=1e-5)
    assert found.slope_low < 0.7 < found.slope_high
    assert found.intercept_low < 0.4 < found.intercept_high
    # The shift that makes predictions right on the whole: mean prediction after it is the default rate.
    assert expit(logit(predicted) + found.in_the_large).mean() == pytest.approx(label.mean(), abs=1e-8)


def test_certain_predictions_have_a_line_and_separating_ones_are_refused() -> None:
    label, predicted = outcomes(500)
    predicted[0], predicted[1] = 0.0, 1.0
    assert np.isfinite(calibration_line(label, predicted).slope)
    with pytest.raises(UsageError, match="separate"):
        calibration_line([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.8])
    with pytest.raises(UsageError, match="equal"):
        calibration_line([0, 0, 1, 1], [0.1] * 4)
