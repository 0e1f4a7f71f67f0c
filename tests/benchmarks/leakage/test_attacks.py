"""The attacks find what is planted, and nothing where there is nothing: else their figures would comfort."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.leakage import attacks
from benchmarks.leakage.attacks import Cells, Labels, auc
from benchmarks.leakage.measuring import measure, of_trees
from benchmarks.leakage.views import OtherView, boosted, scored, view_of_trees
from benchmarks.leakage.worlds import World, generated
from benchmarks.speed.table import table
from crypto.sealed import RowMarks
from federation.ids import PartyId
from federation.messages.boosting import Division, NextTree, NodeMarks, Picked, Picks, Sides
from parties.binning.woe import woe

ROWS = 400


@pytest.fixture(scope="module")
def labels() -> Labels:
    return (np.random.default_rng(0).random(ROWS) < 0.2).astype(np.int8)


def noise(columns: int, seed: int = 1) -> Cells:
    return np.random.default_rng(seed).integers(0, 5, (ROWS, columns))


def test_nodes_that_are_the_outcomes_give_them_away_without_one_known(labels: Labels) -> None:
    cells = np.stack([labels.astype(np.int64)] * 3, axis=1)
    assert max(auc(labels, each) for each in attacks.spectral(cells)) == 1.0
    known = np.random.default_rng(0).choice(ROWS, 50, replace=False)
    assert auc(labels, attacks.known_few(noise(4), cells, labels, known)) > 0.99
    figures = of_trees(labels, OtherView(noise(4), cells), 0)
    assert figures["spectral"] == 1.0 and figures["ceiling"] > 0.99
    assert 0.4 < figures["baseline"] < 0.6
    assert figures["excess"] == pytest.approx(1.0 - figures["baseline"])


def test_nodes_that_say_nothing_give_nothing(labels: Labels) -> None:
    assert max(auc(labels, each) for each in attacks.spectral(noise(10))) < 0.6
    assert 0.4 < auc(labels, attacks.ceiling(noise(4), noise(10, 2), labels, 0)) < 0.6


def test_a_model_of_bins_follows_from_their_counts_alone(labels: Labels) -> None:
    bins = np.stack([labels ^ (np.arange(ROWS) % 8 == 0), np.arange(ROWS) % 3], axis=1).astype(np.int64)
    counts = [
        np.stack([np.bincount(of[labels == bad], minlength=3) for bad in (1, 0)], axis=1).astype(np.float64)
        for of in bins.T
    ]
    assert auc(labels, attacks.naive_bayes(bins, counts)) > 0.85
    sums = attacks.one_hot(bins).T @ labels.astype(np.float64)
    assert auc(labels, attacks.logistic_from_sums(attacks.one_hot(bins), sums, 1.0)) > 0.85


def test_rounded_woe_gives_the_counts_back(labels: Labels) -> None:
    """So that a plan which tells WOE is not taken to hide what a plan which tells counts shows."""
    bins = np.stack([labels ^ (np.arange(ROWS) % 8 == 0), np.arange(ROWS) % 3], axis=1).astype(np.int64)
    good, bad = (
        [
            np.bincount(of[labels == outcome], minlength=width)
            for of, width in zip(bins.T, (2, 3), strict=True)
        ]
        for outcome in (0, 1)
    )
    told = [np.round(woe(goods, bads), 2) for goods, bads in zip(good, bad, strict=True)]
    found = attacks.counts_from_woe(bins, told, float(labels.mean()))
    for count, goods, bads in zip(found, good, bad, strict=True):
        assert count.tolist() == np.stack([bads, goods], axis=1).tolist()


def test_a_plan_that_a_party_refuses_is_told_and_stops_no_other(small: World) -> None:
    options = ["scorecard, equations_per_row 0.01", "scorecard"]
    figures = measure(small, options)
    assert all("limits.equations_per_row" in figures[option]["refused"] for option in options)
    assert table(figures).count("limits.equations_per_row") == 2


def test_counts_are_rebuilt_from_what_a_scorecard_really_tells() -> None:
    world = generated(1700, 0)
    binning = {"disclose": "woe", "minimum_support": 100}
    labels, views = scored(world, world.plan(model={"kind": "scorecard"}, binning=binning))
    for view in views.values():
        assert view.counts is None and view.own.shape[0] == len(labels)
        counts = attacks.counts_from_woe(view.bins, view.values, float(labels.mean()))
        for count, of in zip(counts, view.bins.T, strict=True):
            bad = np.bincount(of[labels == 1], minlength=len(count))
            assert np.abs(count[:, 0] - bad).max() <= 1


def test_as_many_gradient_equations_as_rows_tell_every_outcome(labels: Labels) -> None:
    few = labels[:40]
    columns = np.random.default_rng(3).normal(size=(40, 40))
    gradient = columns.T @ (few.mean() - few) / 40
    found = attacks.gradient_stack(columns, np.stack([gradient, 0.5 * gradient]), np.zeros((2, 40)))
    assert auc(few, found["least_squares"]) == 1.0
    assert auc(few, found["moving"]) == 1.0


def test_sums_of_one_column_are_found_to_belong_together() -> None:
    column = np.repeat(np.arange(4), 6)
    sums = column[:, None] + 0.01 * np.random.default_rng(4).normal(size=(24, 3))
    found = attacks.linked(sums, column)
    assert found["nearest"] == found["pairs_auc"] == 1.0 and found["chance"] < 0.25


def test_a_view_divides_the_rows_as_its_messages_do() -> None:
    """Two nodes by what was told, one of them once more by what was said: three cells."""

    def marks(*ones: int) -> npt.NDArray[np.bool_]:
        return np.isin(np.arange(6), ones)

    everyone = RowMarks.of(np.ones(6, dtype=np.bool_))
    told = [
        NextTree(1, everyone),
        Picks(Picked.of(np.zeros((0, 2), dtype=np.int64))),
        Division(NodeMarks.of(np.array([True])), RowMarks.of(marks(0, 1, 2))),
        Picks(Picked.of(np.array([[1, 0]]))),
        Sides(RowMarks.of(np.array([True, False, False]))),
        NextTree(1, None),
    ]
    cells = view_of_trees(told, 6)
    assert cells.shape == (6, 1)
    groups = [set(np.flatnonzero(cells[:, 0] == cell).tolist()) for cell in np.unique(cells)]
    assert sorted(map(sorted, groups)) == [[0, 1, 2], [3], [4, 5]]


@pytest.fixture(scope="module")
def small() -> World:
    return generated(1000, 0)


def test_a_party_of_one_level_sees_its_own_splits_and_no_others(small: World) -> None:
    plan = small.plan(model={"kind": "boosting"}, boosting={"trees": 2, "max_depth": 1})
    views = boosted(small, plan)
    for view in views.others.values():
        assert view.cells.shape == (len(views.labels), 2)
        bins = len(np.unique(view.bins, axis=0))
        both = [np.unique(np.column_stack([view.bins, tree]), axis=0) for tree in view.cells.T]
        assert {len(each) for each in both} == {bins}  # No cell says more than the own columns do.
    assert {len(np.unique(tree)) for view in views.others.values() for tree in view.cells.T} <= {1, 2}
    assert all(len(each.column) for each in views.opened[PartyId("platform")])
