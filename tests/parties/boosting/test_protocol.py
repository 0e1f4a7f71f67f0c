"""Trees over three parties are those of the same arithmetic in the clear; what is refused, what not told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crypto.histogram import HistogramKey, HistogramScheme
from crypto.private import Private
from crypto.sealed import WireRefused
from federation.credit import Boosting
from federation.ids import PartyId
from federation.messages.boosting import CandidateMarks, Picked
from parties.boosting import feature
from parties.boosting.growing import CandidateSums, Marks, OwnColumns
from parties.boosting.level import Level
from parties.boosting.support import Support
from parties.boosting.training import Trained, train
from parties.boosting.trees import Split, Tree, total
from tests.parties.boosting.played import BANK, PLATFORM, PUBLIC, Columns, Played, play
from tests.parties.boosting.test_growing import table

CUTS, CODES, LABELS = table(rows=1500)
HELD = {BANK: [0, 4], PLATFORM: [1, 3], PUBLIC: [2, 5]}
COLUMNS = {party: Columns([CUTS[j] for j in held], [CODES[j] for j in held]) for party, held in HELD.items()}
SETTINGS = Boosting(trees=3, max_depth=4, own_trees=1)


class PlainParty(OwnColumns):
    """Another party's columns in the clear, under the same rule of support."""

    def __init__(self, owner: PartyId, columns: Columns, least: int) -> None:
        super().__init__(owner, columns.offered(), columns.codes)
        self._columns, self._least = columns, least

    def begin(self, root: Level, derivatives: Any) -> None:
        super().begin(root, derivatives)
        self._support = Support(self._columns.offered(), self._least)

    def sums(self, level: Level) -> Sequence[CandidateSums]:
        (found,) = super().sums(level)
        rows = np.flatnonzero(level.drawn & (level.node >= 0))
        width = self._columns.offered().tables.shape[1]
        places = [level.node[rows] * width + self._columns.codes[c][rows] for c in self._support.columns]
        counts = [np.bincount(place, minlength=level.nodes * width) for place in places]
        by_bin = np.stack([one.reshape(level.nodes, width) for one in counts], axis=1)
        return [replace(found, told=self._support.told(level, by_bin))]


class PlainParties:
    """Both other parties, in the place of `RemoteColumns`."""

    def __init__(self, least: int) -> None:
        self.parties = [PlainParty(party, COLUMNS[party], least) for party in (PLATFORM, PUBLIC)]

    def announce(self, number: int, packing: Any) -> None: ...

    def finish(self, number: int) -> None: ...

    def begin(self, root: Level, derivatives: Any) -> None:
        for party in self.parties:
            party.begin(root, derivatives)

    def sums(self, level: Level) -> Sequence[CandidateSums]:
        return [sums for party in self.parties for sums in party.sums(level)]

    def divide(self, level: Level, picks: Any) -> Any:
        return {owner: found for party in self.parties for owner, found in party.divide(level, picks).items()}

    def told(self, split: Marks, left: Marks) -> None: ...


def in_the_clear(settings: Boosting, least: int) -> tuple[Trained, dict[PartyId, Any]]:
    others = PlainParties(least)
    own, modulus = COLUMNS[BANK], HistogramScheme(settings.prefer).modulus
    trained = train(BANK, own.offered(), own.codes, LABELS, settings, 7, others, modulus)  # type: ignore[arg-type]
    return trained, {
        BANK: list(trained.splits),
        PLATFORM: others.parties[0].splits,
        PUBLIC: others.parties[1].splits,
    }


def partition(tree: Tree, splits: dict[PartyId, Any]) -> list[Any]:
    """Every node of a tree: its weight, or its owner and the training rows that its split sends left."""
    found: list[Any] = []
    for node in tree.nodes:
        if isinstance(node, Split):
            column, bins = splits[node.owner][node.number]
            found.append((node.owner, column, np.flatnonzero(bins).tolist(), node.left, node.right))
        else:
            found.append(node.weight)
    return found


@pytest.fixture(scope="module")
def played() -> Played:
    return play(COLUMNS, LABELS, SETTINGS)


def test_the_trees_are_those_of_the_same_arithmetic_in_the_clear(played: Played) -> None:
    plain, splits = in_the_clear(SETTINGS, 50)
    for ours, theirs in zip(played.trained.trees, plain.trees, strict=True):
        assert partition(ours, dict(played.splits)) == partition(theirs, splits)
    assert played.trained.losses == plain.losses
    assert all(len(found) > 0 for found in played.splits.values())


def test_the_bytes_form_grows_the_same_trees_as_its_arithmetic_in_the_clear() -> None:
    settings = Boosting(trees=1, max_depth=3, prefer="bytes")
    narrow = play(COLUMNS, LABELS, settings)
    plain, splits = in_the_clear(settings, 50)
    assert partition(narrow.trained.trees[0], dict(narrow.splits)) == partition(plain.trees[0], splits)


def test_first_trees_use_the_label_partys_columns_and_tell_nobody_anything(played: Played) -> None:
    assert {split.owner for split in played.trained.trees[0].splits} == {BANK}
    own = play(COLUMNS, LABELS, Boosting(trees=1, max_depth=2, own_trees=1))
    assert set(own.done.bytes_by_type()) == {"session/greeting", "boosting/key", "boosting/tree"}


def test_a_score_of_one_row_has_the_bits_that_it_has_among_all(played: Played) -> None:
    sides = {
        party: np.stack([bins[COLUMNS[party].codes[column]] for column, bins in splits], axis=1)
        for party, splits in played.splits.items()
    }
    trained = played.trained
    batch = total(trained.base, trained.trees, len(LABELS), sides)
    for row in (0, 71, 1499):
        alone = total(
            trained.base, trained.trees, 1, {party: marks[row : row + 1] for party, marks in sides.items()}
        )
        assert alone[0] == batch[row]


def test_every_split_of_another_party_rests_on_enough_rows(played: Played) -> None:
    """On both sides, in the node that it splits."""
    seen = 0
    for tree in played.trained.trees:
        rows = {0: np.arange(len(LABELS))}
        for number, node in enumerate(tree.nodes):
            if not isinstance(node, Split):
                continue
            column, bins = played.splits[node.owner][node.number]
            left = bins[COLUMNS[node.owner].codes[column][rows[number]]]
            rows[node.left], rows[node.right] = rows[number][left], rows[number][~left]
            if node.owner != BANK:
                assert min(left.sum(), (~left).sum()) >= 50
                seen += 1
    assert seen > 3


def test_rows_are_drawn_alike_at_every_launch_and_a_stop_keeps_the_best_tree() -> None:
    settings = Boosting(trees=6, max_depth=2, learning_rate=1.0, patience=1, row_share=0.6)
    first, again = (play(COLUMNS, LABELS, settings) for _ in range(2))
    assert first.trained.losses == again.trained.losses
    losses = first.trained.losses
    assert len(first.trained.trees) == int(np.argmin(losses)) + 1
    assert len(losses) == len(first.trained.trees) + 1 or len(losses) == 6
    used = [node for tree in first.trained.trees for node in tree.nodes if isinstance(node, Split)]
    for party, splits in first.splits.items():
        if party != BANK:  # Nothing is kept, and so no row's side is told, of the trees after the best one.
            assert len(splits) == sum(node.owner == party for node in used)


def test_a_party_does_not_part_its_rows_by_a_candidate_that_it_withheld(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = feature._Tree._answer

    def nothing_told(self: Any, *arguments: Any) -> Marks:
        return np.zeros_like(answer(self, *arguments))

    monkeypatch.setattr(feature._Tree, "_answer", nothing_told)
    with pytest.raises(WireRefused, match="not told in its node"):
        play(COLUMNS, LABELS, SETTINGS)


def test_a_party_follows_only_nodes_that_are_large_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    smallest = []
    follow = feature._Tree._follow

    def watched(self: Any, message: Any) -> None:
        follow(self, message)
        smallest.append(self._level.sizes.min())

    monkeypatch.setattr(feature._Tree, "_follow", watched)
    play(COLUMNS, LABELS, Boosting(trees=1, max_depth=6))
    assert len(smallest) > 2
    assert min(smallest) >= 50


def test_sums_told_in_one_child_alone_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Support.told

    def one_sided(self: Any, level: Level, by_bin: Any) -> Marks:
        found = told(self, level, by_bin).copy()
        if level.parents:
            found[0] = ~found[1]
        return found

    monkeypatch.setattr(Support, "told", one_sided)
    with pytest.raises(WireRefused, match="not told in both children"):
        play(COLUMNS, LABELS, SETTINGS)


def test_rows_of_other_nodes_than_the_levels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    encrypt = HistogramKey.encrypt

    def one_row_fewer(self: Any, words: Private[Any], sizes: list[int], block: int) -> Any:
        return encrypt(self, Private(words.open_locally()[:-1]), [*sizes[:-1], sizes[-1] - 1], block)

    monkeypatch.setattr(HistogramKey, "encrypt", one_row_fewer)
    with pytest.raises(WireRefused, match="not the rows of this level"):
        play(COLUMNS, LABELS, SETTINGS)


@pytest.mark.parametrize("picks", [[[1, 0], [0, 2]], [[0, 1], [0, 2]], [[0, 5]], [[2, 0]]])
def test_picks_that_are_no_candidates_of_different_nodes_are_refused(picks: list[list[int]]) -> None:
    with pytest.raises(WireRefused, match="not candidates of different nodes"):
        Picked.of(np.array(picks)).picks(nodes=2, candidates=5)


def test_marks_of_candidates_show_counts_only() -> None:
    assert repr(CandidateMarks.of(np.array([True, False]))) == "CandidateMarks(2 marks)"
