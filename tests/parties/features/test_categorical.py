"""A level's feature: one per level, and no level, merged or missing, rests on a few rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.dataset import Place
from parties.features.categorical import CategoricalColumn
from parties.features.support import MIN_SUPPORT, Floats

PLACE = Place("bank", "loans.csv")


def cells(**counts: int) -> list[str | None]:
    """So many cells of each level; `gap` stands for missing."""
    return [None if level == "gap" else level for level, count in counts.items() for _ in range(count)]


def fit(values: object, most: int = 60) -> tuple[CategoricalColumn | None, list[str]]:
    notes: list[str] = []
    return CategoricalColumn.fit(pd.Series(values, name="x"), most, PLACE, notes), notes


def fitted(values: object) -> CategoricalColumn:
    column, _ = fit(values)
    assert column is not None
    return column


def transform(column: CategoricalColumn, values: object) -> Floats:
    series = pd.Series(values, name="x")
    out = np.empty((len(column.names), len(series)))
    column.transform(series, PLACE, out)
    return out


def group_of(column: CategoricalColumn, value: object) -> str | None:
    """The group of one cell, read off its features; of two groups only one is shown."""
    feature = transform(column, pd.Series([value], dtype=object))[:, 0]
    shown = [column.groups[group] for group, cell in zip(column.shown, feature, strict=True) if cell > 0]
    return shown[0] if shown else None


def test_each_level_is_a_feature_of_mean_zero_and_variance_one() -> None:
    values = cells(a=200, b=100, c=50)
    column = fitted(values)
    assert column.names == ("x=a", "x=b", "x=c")
    features = transform(column, values)
    np.testing.assert_allclose(features.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(features.var(axis=1), 1)
    assert [group_of(column, level) for level in "abc"] == ["a", "b", "c"]


def test_of_two_levels_the_rarer_is_the_feature() -> None:
    assert fitted(cells(yes=60, no=90)).names == ("x=yes",)
    assert fitted(cells(yes=90, no=60)).names == ("x=no",)
    assert fitted([True] * 60 + [False] * 90).names == ("x=true",)


def test_rare_levels_are_merged() -> None:
    column, notes = fit(cells(a=200, b=100, c=49, d=30, e=1))
    assert column is not None
    assert column.groups == ("a", "b", "(other)")
    assert [group_of(column, level) for level in "abcde"] == ["a", "b", "(other)", "(other)", "(other)"]
    assert "3 levels are merged" in notes[0]


def test_where_the_merged_levels_are_too_few_the_next_joins_them() -> None:
    column = fitted(cells(a=200, b=100, c=60, d=1))
    assert column.groups == ("a", "b", "(other)")
    assert group_of(column, "c") == "(other)"


def test_a_level_that_is_called_other_is_kept_apart_from_the_merged_ones() -> None:
    column = fitted(cells(a=200, other=100, c=40, d=30))
    assert column.groups == ("a", "other", "(other)")
    assert [group_of(column, level) for level in ("other", "c")] == ["other", "(other)"]


def test_unseen_levels_join_the_merged_ones_or_none() -> None:
    assert group_of(fitted(cells(a=200, b=100, c=40, d=30)), "new") == "(other)"
    assert group_of(fitted(cells(a=200, b=100, c=50)), "new") is None


def test_many_missing_cells_are_a_level_and_few_join_the_most_frequent() -> None:
    own = fitted(cells(a=200, b=100, gap=50))
    assert own.groups == ("a", "b", "(missing)")
    assert group_of(own, None) == "(missing)"
    few = fitted(cells(a=100, b=200, c=70, gap=49))
    assert few.groups == ("a", "b", "c")
    assert group_of(few, None) == "b"
    assert group_of(few, "  ") == "b"
    np.testing.assert_allclose(transform(few, cells(a=100, b=200, c=70, gap=49)).mean(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize(
    "counts",
    [
        {"a": 500},
        {"a": 500, "b": 49},
        {"a": 500, "b": 20, "c": 29},
        {"gap": 500, "b": 49},
        {"gap": 500},
        {"a": 30},
    ],
)
def test_a_column_without_two_frequent_levels_is_left_out_with_a_note(counts: dict[str, int]) -> None:
    column, notes = fit(cells(**counts))
    assert column is None
    assert len(notes) == 1 and "left out" in notes[0]


@pytest.mark.parametrize("seed", range(30))
def test_no_feature_and_no_complement_rests_on_fewer_than_fifty_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = {f"l{i}": int(rng.integers(1, 120)) for i in range(rng.integers(1, 9))}
    values = cells(gap=int(rng.integers(0, 90)), **counts)
    column, _ = fit(values)
    if column is not None:
        sides = np.sign(transform(column, values)).T.astype(int).tolist()
        groups = Counter(tuple(row) for row in sides)
        assert min(groups.values()) >= MIN_SUPPORT
        assert sum(groups.values()) == len(values)


def test_too_many_levels_are_refused_after_merging() -> None:
    values = [f"l{i}" for i in range(5) for _ in range(50)] + [f"rare{i}" for i in range(100)]
    assert fit(values, most=5)[0] is not None
    with pytest.raises(UsageError, match="5 levels on the training rows, more than the limit of 4") as caught:
        fit(values, most=4)
    assert caught.value.field == "x"
    assert "Exclude" in caught.value.advice and "raise max_levels" in caught.value.advice
    assert "l0" not in str(caught.value)


def test_numbers_that_are_codes_keep_their_level_in_every_dtype() -> None:
    column = fitted(np.repeat([7, 54, 81], 60))
    for later in ([54], [54.0, np.nan], ["54"], ["54.0"], [" 54 ", "x"]):
        series = pd.Series(later)
        features = transform(column, series)
        assert column.groups[int(features[:, 0].argmax())] == "54"


def test_texts_that_look_like_numbers_stay_apart() -> None:
    column = fitted(cells(**{"08": 60, "8": 60, "8.0": 60}))
    assert [group_of(column, level) for level in ("08", "8", "8.0")] == ["08", "8", "8.0"]


def test_a_saved_column_reads_back_as_the_same() -> None:
    for values in (
        cells(a=200, b=100, c=60, d=1),
        cells(a=100, b=70, gap=50),
        [True] * 60 + [False] * 70,
        np.repeat([7, 54, 81], 60),
    ):
        column = fitted(values)
        assert CategoricalColumn.from_dict(column.to_dict()) == column


@pytest.mark.parametrize(
    "change",
    [
        {"shown": []},
        {"shown": [0, 0, 1]},
        {"shown": [0, 1, 3]},
        {"gap": 3},
        {"gap": -1},
        {"kept": ["a", "a"]},
        {"standards": []},
        {"numeric": 1},
    ],
)
def test_a_damaged_column_is_not_read(change: dict[str, object]) -> None:
    saved = fitted(cells(a=200, b=100, c=50)).to_dict()
    with pytest.raises((KeyError, TypeError, ValueError)):
        CategoricalColumn.from_dict(saved | change)
