"""The yardsticks of the truth, against slow definitions of the same thing."""

from __future__ import annotations

import numpy as np
import pytest

from parties.four_flows.truth import expected_auc, shapley


def test_expected_auc_is_the_mean_over_pairs_of_firms() -> None:
    random = np.random.default_rng(3)
    score, chance = random.integers(0, 6, 40).astype(float), random.random(40)
    pairs = [
        (chance[i] * (1 - chance[j]), (score[i] > score[j]) + 0.5 * (score[i] == score[j]))
        for i in range(40)
        for j in range(40)
    ]
    weight = np.array([pair[0] for pair in pairs])
    right = np.array([pair[1] for pair in pairs])
    assert expected_auc(score, chance) == pytest.approx((weight * right).sum() / weight.sum())


def test_a_party_that_adds_nothing_has_no_marginal_value() -> None:
    values = {
        "bank": 0.7,
        "platform": 0.6,
        "public": 0.5,
        "bank+platform": 0.75,
        "bank+public": 0.7,
        "platform+public": 0.6,
        "bank+platform+public": 0.75,
    }
    shares = shapley(values)
    assert shares["public"] == pytest.approx(0.0)
    # By hand: the mean of joining first and joining the other.
    assert shares["bank"] == pytest.approx((0.2 + 0.15) / 2)
    assert shares["platform"] == pytest.approx((0.1 + 0.05) / 2)
