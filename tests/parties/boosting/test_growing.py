"""The trees are XGBoost's, split for split, when nothing is rounded and nothing withheld."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parties.binning.cuts import Codes, Cuts
from parties.boosting.candidates import Trend
from parties.boosting.objective import Rules
from tests.parties.boosting.reference import (
    boost,
    described,
    described_by_xgboost,
    level_cuts,
    numeric_cuts,
    xgboost_trees,
)

TREES, DEPTH = 4, 5


def table(seed: int = 0, rows: int = 3000) -> tuple[list[Cuts], list[Codes], Any]:
    """Six columns: numbers, numbers with gaps, levels with gaps, a binary and a constant one; outcomes."""
    generator = np.random.default_rng(seed)
    plain = generator.normal(size=(rows, 3))
    cuts = [*(numeric_cuts(24) for _ in range(3)), level_cuts(6), numeric_cuts(2), numeric_cuts(1)]
    ranks = np.argsort(np.argsort(plain, axis=0), axis=0)
    codes = [(ranks[:, j] * 24 // rows).astype(np.uint8) for j in range(3)]
    codes += [generator.integers(0, width, rows).astype(np.uint8) for width in (6, 2, 1)]
    for column in (1, 3):
        codes[column][generator.random(rows) < 0.15] = cuts[column].missing
    gap = codes[1] == cuts[1].missing
    logits = plain[:, 0] + plain[:, 1] * plain[:, 2] + 1.0 * gap + (codes[3] == 4) - 0.7 * codes[4] - 1
    labels = (generator.random(rows) < 1 / (1 + np.exp(-logits))).astype(np.int8)
    return cuts, codes, labels


def same(ours: Any, theirs: Any) -> bool:
    """Equal splits everywhere; leaves within what 32-bit leaves allow."""
    if isinstance(ours, float) or isinstance(theirs, float):
        return isinstance(ours, float) and theirs == pytest.approx(ours, abs=2e-6)
    return ours[:2] == theirs[:2] and same(ours[2], theirs[2]) and same(ours[3], theirs[3])


@pytest.mark.parametrize("rules", [Rules(), Rules(l2=3.0, gamma=1.5, min_child_weight=8.0)])
def test_numbers_gaps_and_levels_are_split_as_xgboost_splits_them(rules: Rules) -> None:
    cuts, codes, labels = table()
    ours = boost(cuts, codes, labels, TREES, DEPTH, rules)
    theirs, logits = xgboost_trees(cuts, codes, labels, TREES, DEPTH, rules)
    for number, tree in enumerate(ours.trees):
        assert same(described(tree, ours.splits, cuts), described_by_xgboost(theirs, number, cuts))
    assert ours.logits == pytest.approx(logits, abs=1e-5)
    assert {column for column, _ in ours.splits} >= {0, 1, 2, 3}
    assert all(column != 5 for column, _ in ours.splits)  # A constant column offers nothing.


def test_a_trend_is_kept_as_xgboost_keeps_it() -> None:
    cuts, codes, labels = table(seed=1)
    trends: list[Trend] = ["descending", "ascending", "none", "none", "ascending", "none"]
    numeric = [0, 1, 2, 4]
    chosen, values = [cuts[j] for j in numeric], [codes[j] for j in numeric]
    values[1] = np.where(values[1] == chosen[1].missing, 0, values[1]).astype(np.uint8)
    ours = boost(chosen, values, labels, TREES, DEPTH, Rules(), trends=[trends[j] for j in numeric])
    _, logits = xgboost_trees(
        chosen, values, labels, TREES, DEPTH, Rules(), constraints={"monotone_constraints": "(-1,1,0,1)"}
    )
    assert ours.logits == pytest.approx(logits, abs=1e-5)
    free = boost(chosen, values, labels, TREES, DEPTH, Rules())
    assert np.abs(free.logits - ours.logits).max() > 0.1  # The trend did forbid something.


def test_outcomes_of_one_kind_give_leaves_and_no_split() -> None:
    cuts, codes, _ = table(rows=200)
    grown = boost(cuts, codes, np.zeros(200, dtype=np.int8), 1, DEPTH, Rules())
    assert len(grown.trees[0].nodes) == 1
    assert np.isfinite(grown.logits).all()
