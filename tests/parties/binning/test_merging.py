"""Merging: the monotone grouping is the best of all, and no method makes more groups than it may."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from parties.binning.merging import Groups, Method, chimerge, merge, merge_unordered, monotone
from parties.binning.woe import Counts, contributions
from parties.dataset import Trend


def counts(seed: int, cells: int) -> tuple[Counts, Counts]:
    generator = np.random.default_rng(seed)
    rows = generator.integers(50, 300, cells)
    bad = generator.binomial(rows, generator.uniform(0, 0.5, cells))
    return rows - bad, bad


def summed(groups: Groups, *each: Counts) -> list[Counts]:
    return [np.bincount(groups, weights=one).astype(np.int64) for one in each]


def iv(groups: Groups, good: Counts, bad: Counts) -> float:
    return float(contributions(*summed(groups, good, bad)).sum())


def follows(groups: Groups, good: Counts, bad: Counts, trend: Trend) -> bool:
    goods, bads = summed(groups, good, bad)
    steps = np.diff(bads / (goods + bads))
    rising, falling = bool((steps > 0).all()), bool((steps < 0).all())
    return {"ascending": rising, "descending": falling, "auto": rising or falling, "none": True}[trend]


@pytest.mark.parametrize("trend", ["ascending", "descending", "auto", "none"])
def test_the_monotone_grouping_is_the_best_of_all(trend: Trend) -> None:
    for seed, most in itertools.product(range(8), (2, 4, 9)):
        good, bad = counts(seed, 9)
        found = monotone(good, bad, most, trend)
        assert follows(found, good, bad, trend)
        assert found.max() < most
        every = (
            np.concatenate([[0], np.cumsum(cut)]) for cut in itertools.product([0, 1], repeat=len(good) - 1)
        )
        best = max(
            iv(groups, good, bad)
            for groups in every
            if groups.max() < most and follows(groups, good, bad, trend)
        )
        assert iv(found, good, bad) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("method", ["chimerge", "tree", "monotone"])
def test_every_method_gives_neighbouring_groups_up_to_the_most(method: Method) -> None:
    good, bad = counts(3, 32)
    for most in (2, 5, 8):
        groups = merge(method, good, bad, most)
        assert set(np.diff(groups)) <= {0, 1}
        assert 1 <= groups.max() < most


@pytest.mark.parametrize("method", ["chimerge", "tree", "monotone"])
@pytest.mark.parametrize("trend", ["ascending", "descending"])
def test_a_declared_trend_is_kept_by_every_method(method: Method, trend: Trend) -> None:
    for seed in range(4):
        good, bad = counts(seed, 20)
        assert follows(merge(method, good, bad, 6, trend), good, bad, trend)


@pytest.mark.parametrize("method", ["chimerge", "tree", "monotone"])
def test_two_cells_stay_two(method: Method) -> None:
    # A binary column: peers whose quantiles fall together give it one bin and an IV of zero.
    assert merge(method, np.array([900, 80]), np.array([60, 20]), 8, "auto").tolist() == [0, 1]


def test_chimerge_joins_what_does_not_differ_and_keeps_what_does() -> None:
    bad = np.array([10, 10, 11, 90, 92, 40])
    assert chimerge(np.full(6, 200) - bad, bad, 6).tolist() == [0, 0, 0, 1, 1, 2]


def test_levels_are_grouped_by_their_bad_rate() -> None:
    bad = np.array([60, 10, 61, 11, 30])
    groups = merge_unordered("monotone", np.full(5, 100) - bad, bad, 3)
    assert groups.tolist() == [2, 0, 2, 0, 1]


def test_cells_without_bads_or_goods_are_merged_without_a_warning() -> None:
    good, bad = np.array([80, 0, 70, 60]), np.array([0, 60, 0, 10])
    for method in ("chimerge", "tree", "monotone"):
        assert merge(method, good, bad, 3, "auto").max() < 3  # type: ignore[arg-type]
