from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from parties.evaluation.cap import cap_curve
from parties.evaluation.inputs import labelled


def test_the_accuracy_ratio_is_gini_also_with_ties_and_does_not_depend_on_thinning() -> None:
    rng = np.random.default_rng(1)
    label = (rng.random(3000) < 0.15).astype(int)
    for score in (rng.normal(size=3000) + label, rng.integers(0, 5, 3000) + label):
        curve = cap_curve(labelled(label, score), points=50)
        assert curve.accuracy_ratio == pytest.approx(2 * roc_auc_score(label, score) - 1, abs=1e-12)
        assert len(curve.share) <= 50


def test_a_perfect_score_reaches_all_defaults_at_the_default_rate() -> None:
    curve = cap_curve(labelled([1, 0, 1, 0, 0, 0, 0, 0], [9, 1, 8, 2, 3, 4, 5, 6]))
    assert curve.accuracy_ratio == pytest.approx(1)
    assert dict(zip(curve.share, curve.caught, strict=True))[curve.default_rate] == 1.0
