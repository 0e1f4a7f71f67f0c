"""What each way of inferring outcomes of the rejected puts in: rows, labels, weights."""

from __future__ import annotations

import numpy as np
import pytest

from crypto.errors import UsageError
from parties.reject import Bands, fit_bands, fuzzy, logistic, parcelled, reweighted

LABELS = np.array([0, 1, 0], dtype=np.int8)


def test_fuzzy_counts_every_reject_once_in_two_parts() -> None:
    found = fuzzy(LABELS, np.array([0.2, 0.6]), multiplier=2.0, weight=0.5)
    assert found.rows.tolist() == [0, 1, 2, 3, 4, 3, 4]
    assert found.labels.tolist() == [0, 1, 0, 1, 1, 0, 0]
    assert found.weights.tolist() == pytest.approx([1, 1, 1, 0.2, 0.5, 0.3, 0.0])  # 1.2 is cut to 1.


def test_fuzzy_with_the_models_own_pd_gives_the_same_model_back() -> None:
    rng = np.random.default_rng(1)
    accepted, rejected = rng.normal(size=(2000, 2)), rng.normal(1.0, 1.0, (1000, 2))
    labels = (rng.random(2000) < 1 / (1 + np.exp(1.5 - accepted[:, 0]))).astype(np.int8)
    fit = logistic(l2=1e-6)
    first = fit(accepted, labels, np.ones(2000))
    found = fuzzy(labels, first.probability(rejected))
    again = fit(np.concatenate([accepted, rejected])[found.rows], found.labels, found.weights)
    assert again.coefficients == pytest.approx(first.coefficients, abs=1e-4)


def test_parcelling_gives_each_band_its_bad_rate_to_the_nearest_firm() -> None:
    bands = np.repeat([0, 1, 2], [100, 50, 7])
    drawn = [
        parcelled(LABELS, bands, np.array([0.1, 0.3, 0.6]), np.random.default_rng(seed), multiplier=2.0)
        for seed in (1, 2)
    ]
    for found in drawn:
        inferred = found.labels[3:]
        assert [int(inferred[bands == band].sum()) for band in range(3)] == [20, 30, 7]
        assert found.labels[:3].tolist() == LABELS.tolist()
    assert drawn[0].labels.tolist() != drawn[1].labels.tolist()


def test_weights_let_the_accepted_of_a_band_stand_for_all_of_it() -> None:
    found = reweighted(LABELS, np.array([0, 0, 1]), np.array([0, 1, 1, 1]))
    assert found.rows.tolist() == [0, 1, 2]
    assert found.weights.tolist() == [1.5, 1.5, 4.0]
    with pytest.raises(UsageError, match="1 bands hold rejected firms and no accepted one"):
        reweighted(LABELS, np.array([0, 0, 0]), np.array([1]))


@pytest.mark.parametrize("wrong", [[-0.1], [1.1], [np.nan]])
def test_what_is_no_probability_is_refused(wrong: list[float]) -> None:
    with pytest.raises(UsageError, match="outside 0 to 1"):
        fuzzy(LABELS, np.array(wrong))


def test_a_band_has_fifty_firms_or_there_is_none() -> None:
    scores = np.random.default_rng(1).normal(size=330)
    bands = fit_bands(scores, 10)
    assert bands.count == 6
    assert bands.sizes(scores).min() >= 50
    assert fit_bands(scores[:99]) == Bands(())
    with pytest.raises(UsageError, match="make no band of 50"):
        fit_bands(scores[:49])
