"""Two seats evaluate a score that one holds on outcomes that the other holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crypto.private import Private
from crypto.sealed import WireRefused
from federation.ids import AGGREGATOR, PartyId
from federation.session import Session
from parties.binning.cuts import quantile_edges
from parties.evaluation import apart
from parties.evaluation.apart import count_for_outcomes, count_for_scores
from parties.evaluation.counts import BinCounts, evaluate_counts
from tests.parties.logistic.world import Ears
from tests.seats import TWO, run_seats

BANK, PLATFORM = PartyId("bank"), PartyId("platform")


def sample(rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    p = rng.beta(1, 5, rows).round(3)
    return (rng.random(rows) < p).astype(np.int8), p


def played(label: np.ndarray, score: np.ndarray, opens: PartyId, ears: Ears | None = None) -> dict[str, Any]:
    def bank(session: Session) -> BinCounts | None:
        if ears is not None:
            ears.on(session)
        return count_for_outcomes(session, PLATFORM, Private(label), opens)

    def platform(session: Session) -> BinCounts | None:
        if ears is not None:
            ears.on(session)
        return count_for_scores(session, Private(score), opens, bins=12)

    return run_seats(TWO, {"bank": bank, "platform": platform, AGGREGATOR: lambda session: None})


@pytest.mark.parametrize(("opens", "other"), [("bank", "platform"), ("platform", "bank")])
@pytest.mark.parametrize("rows", [1500, 9000])  # Several vectors in a ciphertext, and one in two of them.
def test_the_figures_are_those_of_the_same_bins_in_the_clear(rows: int, opens: str, other: str) -> None:
    label, score = sample(rows)
    out = played(label, score, PartyId(opens))
    assert out[other] is None
    place = np.searchsorted(quantile_edges(score, 12, 50), score, side="right")
    floors, means = (
        np.array([how(score[place == each]) for each in range(place.max() + 1)]) for how in (np.min, np.mean)
    )
    plain = BinCounts(floors, np.bincount(place), np.bincount(place[label == 1]), means)
    found = out[opens]
    assert len(found.rows) == 12 and found.rows.min() >= 50
    assert (found.bad == plain.bad).all()
    seeds = (np.random.default_rng(1), np.random.default_rng(1))
    assert evaluate_counts(found, seeds[0]) == evaluate_counts(plain, seeds[1])


def test_the_one_who_does_not_open_hears_neither_a_count_nor_an_outcome() -> None:
    label, score = sample(1500)
    ears = Ears()
    played(label, score, BANK, ears)
    assert [type(m).__name__ for who, _, m in ears.heard if who == "platform"] == ["SealedOutcomes"]
    ears = Ears()
    counts = played(label, score, PLATFORM, ears)["platform"]
    (heard,) = [m for who, _, m in ears.heard if who == "platform" and type(m).__name__ == "OpenedSums"]
    # Uniform words below a 50-bit prime: twelve counts under a thousand would all be small.
    assert (heard.sums.words()[:12] > 2**20).all()
    assert counts.bad.max() < 1000


def test_more_bins_than_rows_can_stand_behind_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    label, score = sample(1500)
    monkeypatch.setattr(apart, "quantile_edges", lambda *_: tuple(np.linspace(0.01, 0.5, 30)))
    with pytest.raises(WireRefused, match="not 1 to 30"):
        played(label, score, PLATFORM)
    monkeypatch.setattr(apart, "quantile_edges", lambda *_: (0.6,))
    with pytest.raises(WireRefused, match="too few in a bin"):
        played(label, score, BANK)
