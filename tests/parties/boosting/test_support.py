"""What a party tells of its columns never sets a few rows apart, in one node or over the nodes of a tree."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parties.binning.cuts import Codes, Cuts
from parties.boosting.candidates import Candidates, Trend, candidates
from parties.boosting.level import Level
from parties.boosting.support import Support
from tests.parties.boosting.reference import level_cuts, numeric_cuts

LEAST, ROWS = 50, 2000


def columns(seed: int) -> tuple[list[Cuts], list[Codes]]:
    """Numbers with 20 missing rows, levels of which one is rare, and a rare flag."""
    generator = np.random.default_rng(seed)
    cuts = [numeric_cuts(12), level_cuts(4), numeric_cuts(2)]
    codes: list[Codes] = [generator.integers(0, 12, ROWS).astype(np.uint8)]
    codes += [
        generator.choice(width, ROWS, p=p).astype(np.uint8)
        for width, p in ((4, [0.5, 0.3, 0.18, 0.02]), (2, [0.98, 0.02]))
    ]
    codes[0][:20] = cuts[0].missing
    return cuts, codes


def by_bin(level: Level, codes: list[Codes], width: int) -> np.ndarray:  # type: ignore[type-arg]
    rows = np.flatnonzero(level.drawn & (level.node >= 0))
    return np.stack(
        [
            np.bincount(level.node[rows] * width + c[rows], minlength=level.nodes * width).reshape(-1, width)
            for c in codes
        ],
        axis=1,
    )


def groups(offered: Candidates, told: np.ndarray, codes: list[Codes], rows: np.ndarray) -> list[int]:  # type: ignore[type-arg]
    """Sizes of the groups into which the told candidates of each column cut `rows`."""
    found = []
    for column in range(len(codes)):
        which = [int(c) for c in offered.of_column(column) if told[c]]
        marks = np.stack(
            [np.zeros(len(rows), dtype=np.bool_)] + [offered.left(c, codes, rows) for c in which]
        )
        found += np.unique(marks, axis=1, return_counts=True)[1].tolist()
    return found


@pytest.mark.parametrize("seed", range(3))
def test_told_candidates_cut_every_node_into_groups_of_enough_rows_or_none(seed: int) -> None:
    cuts, codes = columns(seed)
    generator = np.random.default_rng(seed)
    offered = candidates(cuts, codes, np.ones(ROWS, dtype=np.bool_), ["none"] * 3)
    support = Support(offered, LEAST)
    level = Level.root(generator.random(ROWS) < 0.9)
    told_above, sizes = None, []
    for _ in range(4):
        told = support.told(level, by_bin(level, codes, offered.tables.shape[1]))
        for node in range(level.nodes):
            rows = level.rows(node)
            sizes += groups(offered, told[node], codes, rows[level.drawn[rows]])
        if level.parents:
            assert np.array_equal(told[0::2], told[1::2])  # In both children or in neither.
            assert told_above is not None
            assert not (told[0::2] & ~told_above[list(level.parents)]).any()  # And nowhere below.
        told_above = told
        split = np.ones(level.nodes, dtype=np.bool_)
        level = level.below(split, generator.random(ROWS) < 0.4)
    assert min(sizes) >= LEAST
    assert told_above is not None


WIDTH = 9


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Cuts], list[Codes], list[Trend]]:
    """One to three columns of bins that few or many rows are in, with missing rows or without."""
    rows = draw(st.integers(150, 600))
    generator = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    cuts: list[Cuts] = []
    codes: list[Codes] = []
    trends: list[Trend] = []
    for _ in range(draw(st.integers(1, 3))):
        numeric = draw(st.booleans())
        cuts.append(numeric_cuts(WIDTH) if numeric else level_cuts(WIDTH))
        weights = generator.dirichlet(np.full(WIDTH + 1, draw(st.sampled_from([0.2, 1.0, 5.0]))))
        weights[:WIDTH] += 1e-6
        weights[WIDTH] *= draw(st.integers(0, 1))
        codes.append(generator.choice(WIDTH + 1, rows, p=weights / weights.sum()).astype(np.uint8))
        trends.append(draw(st.sampled_from(["none", "ascending", "descending"])) if numeric else "none")
    return cuts, codes, trends


def no_small_group(
    offered: Candidates,
    told: np.ndarray,  # type: ignore[type-arg]
    codes: list[Codes],
    level: Level,
    nodes: range,
    least: int,
) -> bool:
    """Whether the told candidates cut each node's drawn rows into groups of `least` rows at least."""
    drawn = [level.rows(node) for node in nodes]
    return all(
        size >= least
        for rows in drawn
        for size in groups(offered, told, codes, rows[level.drawn[rows]])
        if size > 0
    )


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(2, 60), st.integers(0, 1 << 32))
def test_no_node_of_any_tree_has_a_small_group_and_nothing_more_could_be_told(
    table: tuple[list[Cuts], list[Codes], list[Trend]], least: int, seed: int
) -> None:
    """Whether nodes are divided by the party's own candidates or by others' columns, evenly or not."""
    cuts, codes, trends = table
    rows, generator = len(codes[0]), np.random.default_rng(seed)
    offered = candidates(cuts, codes, np.ones(rows, dtype=np.bool_), trends)
    if not len(offered):
        return
    support = Support(offered, least)
    level, above = Level.root(generator.random(rows) < 0.9), np.ones((1, len(offered)), dtype=np.bool_)
    for _ in range(3):
        used = [codes[int(column)] for column in support.columns]
        told = support.told(level, by_bin(level, used, offered.tables.shape[1]))
        parents = list(level.parents) or [0]
        step = 2 if level.parents else 1
        for pair, parent in enumerate(parents):
            nodes = range(step * pair, step * pair + step)
            here = told[nodes[0]]
            assert (told[list(nodes)] == here).all()
            assert not (here & ~above[parent]).any()
            if any(0 < level.sizes[node] < least for node in nodes):
                assert not here.any()
                continue
            assert no_small_group(offered, here, codes, level, nodes, least)
            for candidate in np.flatnonzero(above[parent] & ~here):
                more = here.copy()
                more[candidate] = True
                assert not no_small_group(offered, more, codes, level, nodes, least)
        above = told
        left = generator.random(rows) < generator.choice([0.1, 0.5])
        for node in np.flatnonzero(generator.random(level.nodes) < 0.5):
            own = offered.left(int(generator.integers(len(offered))), codes, slice(None))
            left = np.where(level.node == node, own, left)
        level = level.below(np.ones(level.nodes, dtype=np.bool_), left)


def test_most_candidates_of_a_large_node_are_told_and_a_rare_flag_is_not() -> None:
    cuts, codes = columns(0)
    offered = candidates(cuts, codes, np.ones(ROWS, dtype=np.bool_), ["none"] * 3)
    level = Level.root(np.ones(ROWS, dtype=np.bool_))
    (told,) = Support(offered, LEAST).told(level, by_bin(level, codes, offered.tables.shape[1]))
    assert told[offered.of_column(0)][:11].all()  # Every edge, the missing rows on one side;
    assert not told[offered.of_column(0)][11:].any()  # where they change sides, twenty rows would show.
    assert not told[offered.of_column(2)].any()
    assert told[offered.of_column(1)].tolist() == [True, True, False, False]


def test_without_a_least_everything_is_told() -> None:
    cuts, codes = columns(1)
    offered = candidates(cuts, codes, np.ones(ROWS, dtype=np.bool_), ["none"] * 3)
    level = Level.root(np.ones(ROWS, dtype=np.bool_))
    assert Support(offered, 0).told(level, by_bin(level, codes, offered.tables.shape[1])).all()


def test_levels_agree_on_the_smaller_child_and_on_what_is_contiguous() -> None:
    drawn = np.array([1, 1, 1, 1, 0, 1], dtype=np.bool_)
    level = Level.root(drawn).below(np.array([True]), np.array([1, 0, 0, 1, 1, 0], dtype=np.bool_))
    assert level.sizes.tolist() == [2, 3]
    assert level.computed == (0,)
    rows, sizes = level.grouped()
    assert (rows.tolist(), sizes.tolist()) == ([0, 3], [2])
    deeper = level.below(np.array([False, True]), np.array([0, 1, 0, 0, 0, 1], dtype=np.bool_))
    assert deeper.node.tolist() == [-1, 0, 1, -1, -1, 0]
    assert (deeper.computed, deeper.parents) == ((1,), (1,))
    for one, two in itertools.pairwise(deeper.grouped()[0].tolist()):
        assert deeper.node[one] <= deeper.node[two]
