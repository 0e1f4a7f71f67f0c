"""The table of assumptions, against a truth that only a generator knows."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest

from crypto.private import Private
from parties.reject import Applicants, Assumed, ObservedBands, Sensitivity, fit_bands, logistic, sensitivity

FIT = logistic()
Floats = npt.NDArray[np.float64]


class Market:
    """Applicants whose risk bends upwards where the bank's old score turned them down."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(12_000, 3))
        risk = 1 / (1 + np.exp(2.6 - 0.5 * x[:, 0] - 1.2 * np.maximum(x[:, 0], 0.3) - 0.8 * x[:, 1]))
        bad = (rng.random(len(x)) < risk).astype(np.int8)
        old = x[:, 0] + 0.3 * x[:, 1] + 0.6 * rng.normal(size=len(x))
        taken = old < np.quantile(old, 0.6)
        self.truth = bad[~taken]
        training = rng.random(int(taken.sum())) < 0.7
        self.applicants = Applicants(
            Private(x[taken]), Private(bad[taken]), training, Private(x[~taken]), ("debt", "arrears", "luck")
        )
        model = FIT(x[taken][training], bad[taken][training], np.ones(int(training.sum())))
        self.risk = model.probability(x[~taken])

    def told(self, customers: npt.NDArray[np.bool_]) -> ObservedBands:
        """What another lender would tell that had these of the rejected."""
        bands = fit_bands(self.risk[customers])
        bad = np.bincount(bands.of(self.risk[customers]), weights=self.truth[customers])
        return ObservedBands(bands, tuple(bands.sizes(self.risk[customers]).tolist()), tuple(bad.tolist()))


@pytest.fixture(scope="module")
def market() -> Market:
    return Market()


@pytest.fixture(scope="module")
def table(market: Market) -> Sensitivity:
    some = np.random.default_rng(1).random(len(market.truth)) < 0.5
    return sensitivity(market.applicants, FIT, multipliers=(1.0, 2.0, 3.0), observed=market.told(some))


def row(table: Sensitivity, method: str, multiplier: float = 1.0) -> Assumed:
    (found,) = (each for each in table.assumptions if (each.method, each.multiplier) == (method, multiplier))
    return found


def test_observed_rates_bring_the_inferred_model_nearer_to_the_truth(
    market: Market, table: Sensitivity
) -> None:
    truth = float(market.truth.mean())
    alone, observed = row(table, "accepted only"), row(table, "parcelling, observed")
    assert truth - alone.inferred > 0.05
    assert abs(truth - observed.inferred) < 0.02
    assert observed.shifts["debt"] > 0.1  # The truth bends upwards in it.
    assert observed.approval < alone.approval  # Less can be lent than the accepted-only model thinks.


def test_a_lender_that_took_the_best_of_the_rejected_misleads(market: Market) -> None:
    best = market.risk < np.median(market.risk)
    found = sensitivity(market.applicants, FIT, multipliers=(), observed=market.told(best))
    truth = float(market.truth.mean())
    assert truth - row(found, "parcelling, observed").inferred > 0.05  # As `parties.reject.lookup` says.


def test_worse_assumptions_approve_fewer_and_shift_coefficients_further(table: Sensitivity) -> None:
    for method in ("fuzzy", "parcelling"):
        rows = [row(table, method, multiplier) for multiplier in (1.0, 2.0, 3.0)]
        assert [each.approval for each in rows] == sorted((each.approval for each in rows), reverse=True)
        debts = [each.shifts["debt"] for each in rows]
        assert debts == sorted(debts)
        assert rows[0].inferred < rows[1].inferred < rows[2].inferred
    same = row(table, "fuzzy", 1.0)
    assert max(map(abs, same.shifts.values())) < 0.01  # Its own PD tells a model nothing.


def test_every_assumption_is_judged_by_the_same_accepted_test_rows(table: Sensitivity) -> None:
    assert [(each.method, each.multiplier) for each in table.assumptions] == [
        ("accepted only", 1.0),
        ("weights", 1.0),
        *(("fuzzy", each) for each in (1.0, 2.0, 3.0)),
        *(("parcelling", each) for each in (1.0, 2.0, 3.0)),
        ("parcelling, observed", 1.0),
    ]
    aucs = [each.auc for each in table.assumptions]
    assert max(aucs) - min(aucs) < 0.02  # Which is why accepted rows cannot choose between them.
    assert json.loads(json.dumps(table.to_dict()))["assumptions"][0]["shifts"] == {
        "debt": 0,
        "arrears": 0,
        "luck": 0,
    }


def test_approval_is_the_largest_share_within_the_bad_rate(market: Market) -> None:
    shares = []
    for rate in (0.001, 0.08, 0.3):
        found = sensitivity(market.applicants, FIT, multipliers=(), bad_rate=rate)
        shares.append(row(found, "accepted only").approval)
    assert shares[0] < shares[1] < shares[2] == 1.0
