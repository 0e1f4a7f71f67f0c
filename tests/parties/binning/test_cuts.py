"""Bins of one column: even, supported, the same for every row, and special cells apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.binning.cuts import Cuts, quantile_edges
from parties.dataset import DatasetConfig

CONFIG = DatasetConfig("loans", Path("loans.csv"), "id", categorical=("code",), party="bank")
GENERATOR = np.random.default_rng(4)


def fit(values: object, most: int = 32, support: int = 50, name: str = "x", special: object = ()) -> Cuts:
    series = pd.Series(values, name=name)
    rows = np.ones(len(series), dtype=np.bool_)
    return Cuts.fit(series, rows, CONFIG, most, support, special)  # type: ignore[arg-type]


def sizes(cuts: Cuts, values: object) -> list[int]:
    codes = cuts.codes(pd.Series(values, name=cuts.column), CONFIG.place)
    return np.bincount(codes, minlength=cuts.width).tolist()


def test_bins_of_distinct_numbers_are_even_and_their_code_counts_the_edges_up_to_the_value() -> None:
    values = GENERATOR.normal(size=3200)
    cuts = fit(values)
    assert sizes(cuts, values) == [*[100] * 32, 0]
    codes = cuts.codes(pd.Series(values), CONFIG.place)
    assert codes.dtype == np.uint8
    assert (codes == [sum(edge <= value for edge in cuts.edges) for value in values]).all()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_every_bin_has_its_support_whatever_the_scale_and_the_ties(scale: float) -> None:
    values = scale * np.concatenate([np.zeros(6000), GENERATOR.exponential(size=700), np.full(30, 99.0)])
    cuts = fit(values, most=16)
    counts = sizes(cuts, values)
    assert min(counts[:-1]) >= 50
    assert max(counts) == counts[0] == 6000  # The tie has a bin of its own, and 14 more share the rest.
    assert cuts.width >= 12


def test_a_binary_column_has_two_bins_and_a_constant_one_has_one() -> None:
    binary = fit([0.0] * 500 + [1.0] * 60)
    assert (binary.edges, binary.width) == ((1.0,), 3)
    assert fit([7.0] * 500).width == 2
    assert fit([0.0] * 500 + [1.0] * 49).width == 2  # Too few rows to be a bin.
    assert fit([np.nan] * 500).width == 2


def test_missing_cells_and_special_codes_have_bins_of_their_own() -> None:
    values = [*range(1000), *[-999.0] * 60, *[np.nan] * 70]
    cuts = fit(values, most=10, special=[-999])
    counts = sizes(cuts, values)
    assert counts == [*[100] * 10, 60, 70]
    assert cuts.missing == cuts.width - 1


def test_levels_are_ordered_by_frequency_and_rare_ones_are_merged() -> None:
    values = ["b"] * 300 + ["a"] * 500 + ["c"] * 40 + ["d"] * 20 + [None] * 9
    cuts = fit(values)
    assert (cuts.levels, cuts.other) == (("a", "b"), True)
    assert sizes(cuts, values) == [500, 300, 60, 9]
    assert sizes(cuts, ["never seen", "d", "a"]) == [1, 0, 2, 0]
    # Forty rows alone are no bin: the next level joins them.
    assert fit(["b"] * 300 + ["a"] * 500 + ["c"] * 40).levels == ("a",)


def test_without_merged_levels_one_that_was_not_seen_counts_as_missing() -> None:
    cuts = fit(["a"] * 60 + ["b"] * 70)
    assert not cuts.other
    assert sizes(cuts, ["z"]) == [0, 0, 1]


def test_numbers_declared_as_codes_are_levels_even_when_a_later_file_holds_a_stray_word() -> None:
    cuts = fit([3] * 60 + [5] * 70, name="code")
    assert cuts.levels == ("5", "3")
    assert sizes(cuts, ["3.0", "5", "huh"]) == [1, 1, 1]


def test_only_training_rows_are_looked_at() -> None:
    values = np.arange(1000.0)
    values[500:] = 1e9
    series = pd.Series(values, name="x")
    assert max(Cuts.fit(series, np.arange(500), CONFIG, 4, 50).edges) < 500


def test_without_a_support_asked_for_each_distinct_value_can_be_a_bin() -> None:
    assert quantile_edges(np.array([1.0, 2.0, 2.0, 5.0]), 8, 0) == (2.0, 5.0)


def test_the_saved_bins_read_back_bit_for_bit_and_damaged_ones_do_not() -> None:
    for cuts in (fit(GENERATOR.normal(size=900), special=[-1]), fit(["a"] * 60 + ["b"] * 70)):
        saved = json.loads(json.dumps(cuts.to_dict()))
        assert Cuts.from_dict(saved) == cuts
        with pytest.raises((ValueError, TypeError)):
            Cuts.from_dict({**saved, "edges": [2.0, 1.0], "numeric": True})
    assert "0." not in repr(cuts)


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_an_infinite_cell_is_refused_with_its_column(bad: float) -> None:
    with pytest.raises(UsageError) as refusal:
        fit([1.0] * 100 + [bad])
    assert (refusal.value.party, refusal.value.field) == ("bank", "x")


def test_a_column_of_numbers_with_a_few_words_in_it_is_refused() -> None:
    with pytest.raises(UsageError, match="are not numbers"):
        fit(["1", "2", "n/a"] * 50)


def test_text_among_numbers_is_no_number() -> None:
    cuts = fit(np.arange(500.0))
    with pytest.raises(UsageError, match="text"):
        cuts.codes(pd.Series(["1", "two"], name="x"), CONFIG.place)
