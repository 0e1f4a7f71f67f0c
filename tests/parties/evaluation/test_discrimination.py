from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from crypto.errors import UsageError
from parties.evaluation.discrimination import evaluate


def _sample() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    rng = np.random.default_rng(1)
    label = (rng.random(400) < 0.3).astype(np.int64)
    return label, label + rng.normal(size=400)


def test_gini_is_twice_the_area_less_one_with_its_interval() -> None:
    found = evaluate(*_sample(), np.random.default_rng(0)).figures
    assert found.gini == pytest.approx(2 * found.auc - 1)
    assert (found.gini_low, found.gini_high) == pytest.approx((2 * found.auc_low - 1, 2 * found.auc_high - 1))
    assert found.auc_low < found.auc < found.auc_high
    assert (found.n, found.bad) == (400, int(_sample()[0].sum()))


def test_a_subset_is_evaluated_as_if_it_were_all() -> None:
    label, score = _sample()
    mask = np.arange(400) % 3 == 0
    part = evaluate(label, score, np.random.default_rng(0), where=mask)
    assert part == evaluate(label[mask], score[mask], np.random.default_rng(0))
    assert part.figures.n == int(mask.sum())


def test_an_evaluation_is_json() -> None:
    found = evaluate(*_sample(), np.random.default_rng(0)).as_dict()
    assert json.loads(json.dumps(found, allow_nan=False))["figures"]["n"] == 400
    assert found["gain"][-1]["gain"] == pytest.approx(1.0)
    assert found["caught_worst_10"] < found["caught_worst_20"]


def test_one_class_is_a_usage_error_not_a_number() -> None:
    with pytest.raises(UsageError, match="one class only"):
        evaluate(np.zeros(50), np.arange(50.0), np.random.default_rng(0))
