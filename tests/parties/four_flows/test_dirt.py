"""Each kind of dirt is there when it is asked for, and not otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from parties.four_flows import FourFlows

World = Callable[..., FourFlows]
PARTIES = ("bank", "platform", "public")


def rows_of(made: FourFlows, party: str) -> pd.DataFrame:
    """A party's table by firm, so that two worlds can be laid side by side."""
    table: pd.DataFrame = getattr(made, party)
    return table.set_index("uscc").sort_index()


def flagged(made: FourFlows, name: str) -> pd.Index:
    firms = made.truth.firms
    return pd.Index(firms.loc[firms[name], "uscc"]).sort_values()


@pytest.fixture
def clean(world: World) -> FourFlows:
    return world(firms=3000)


def test_by_default_files_are_clean_but_for_gaps_order_and_strangers(clean: FourFlows) -> None:
    truth = clean.truth.firms
    assert not {"rejected", "label_delayed", "poisoned"} & set(truth)
    assert not [name for name in truth if name.startswith(("unit_mixed", "duplicated"))]
    for party in PARTIES:
        table = getattr(clean, party)
        assert table["uscc"].is_unique
        assert not {"firm_name", "accepted", "country"} & set(table)
        assert not table["uscc"].is_monotonic_increasing
        assert table["uscc"].tolist() != truth.loc[truth[f"in_{party}"], "uscc"].tolist()
    assert clean.bank["default_12m"].isin([0, 1]).all()
    assert clean.bank["months_on_book"].between(12, 23).all()
    assert clean.public["industry"].dropna().str.isascii().all()
    assert not truth[truth["in_platform"]]["in_bank"].all()


def test_two_cells_in_a_hundred_are_empty_but_no_key_and_no_label(clean: FourFlows) -> None:
    for party in PARTIES:
        table = getattr(clean, party)
        keep = ["uscc", "default_12m", "months_on_book"]
        share = table.drop(columns=keep, errors="ignore").isna().to_numpy().mean()
        assert share == pytest.approx(0.02, abs=0.003)
        assert not table[table.columns.intersection(keep)].isna().to_numpy().any()


def test_mixed_units_are_ten_thousand_times_too_small(world: World, clean: FourFlows) -> None:
    dirty = world(firms=3000, unit_mixup=True)
    for party, name in (("bank", "loan_amount"), ("platform", "sales")):
        before, after = rows_of(clean, party), rows_of(dirty, party)
        mixed = before.index.isin(flagged(dirty, f"unit_mixed_{party}"))
        assert 0.08 < mixed.mean() < 0.16
        pd.testing.assert_series_equal(after.loc[mixed, name] * 10_000, before.loc[mixed, name])
        pd.testing.assert_frame_equal(after.drop(columns=name), before.drop(columns=name))
        pd.testing.assert_series_equal(after.loc[~mixed, name], before.loc[~mixed, name])
    pd.testing.assert_frame_equal(dirty.public, clean.public)


def test_gbk_worlds_speak_chinese(world: World, clean: FourFlows) -> None:
    dirty = world(firms=3000, gbk=True)
    for party, name in (("public", "industry"), ("public", "region"), ("bank", "lender")):
        words = getattr(dirty, party)[name]
        pd.testing.assert_series_equal(words.isna(), getattr(clean, party)[name].isna())
        assert words.dropna().map(lambda word: re.fullmatch("[一-鿿]+", word) is not None).all()
        assert words.nunique() == getattr(clean, party)[name].nunique()


def test_duplicates_share_a_key_and_differ_in_their_amounts(world: World, clean: FourFlows) -> None:
    dirty = world(firms=3000, duplicate_ids=True)
    for party in PARTIES:
        table = getattr(dirty, party)
        doubled = flagged(dirty, f"duplicated_{party}")
        counts = table["uscc"].value_counts()
        assert counts.max() == 2
        assert sorted(counts.index[counts == 2]) == doubled.tolist()
        assert 0.01 < len(doubled) / len(counts) < 0.03
        assert not table.duplicated().all()
        assert not table[table["uscc"].isin(doubled)].duplicated().any()
    pairs = dirty.bank[dirty.bank["uscc"].duplicated(keep=False)]
    assert (pairs.groupby("uscc")["default_12m"].nunique() == 1).all()


def test_names_are_written_in_several_ways_for_one_firm(world: World) -> None:
    dirty = world(firms=3000, name_variants=True)
    bank, platform, public = (rows_of(dirty, party)["firm_name"] for party in PARTIES)
    both = platform.index.intersection(public.index)
    different = platform.loc[both] != public.loc[both]
    assert 0.3 < different.mean() < 0.5

    def folded(names: pd.Series) -> pd.Series:
        return (
            names.str.replace(" ", "")
            .str.replace("有限责任", "有限")
            .str.replace("(", "（")
            .str.replace(")", "）")
        )

    assert (folded(platform.loc[both]) == folded(public.loc[both])).all()
    assert bank.str.contains("公司").all()


def test_young_loans_have_no_label_yet(world: World, clean: FourFlows) -> None:
    dirty = world(firms=3000, delayed_labels=True)
    before, after = rows_of(clean, "bank"), rows_of(dirty, "bank")
    young = after["months_on_book"] < 12
    assert 0.2 < young.mean() < 0.3
    pd.testing.assert_series_equal(after["default_12m"].isna(), young, check_names=False)
    assert (after.loc[~young, "default_12m"] == before.loc[~young, "default_12m"]).all()
    assert after.index[young].equals(flagged(dirty, "label_delayed"))
    # The truth still knows.
    assert dirty.truth.firms["default_12m"].equals(clean.truth.firms["default_12m"])


def test_rejected_applicants_are_riskier_and_have_no_label(world: World) -> None:
    dirty = world(firms=3000, rejected_applicants=True)
    table = rows_of(dirty, "bank")
    turned_down = table["accepted"] == 0
    assert turned_down.mean() == pytest.approx(0.18, abs=0.01)
    pd.testing.assert_series_equal(table["default_12m"].isna(), turned_down, check_names=False)
    assert table.index[turned_down].equals(flagged(dirty, "rejected"))
    firms = dirty.truth.firms.set_index("uscc")
    risk = firms.loc[table.index, "true_pd"]
    assert risk[turned_down].mean() > 1.5 * risk[~turned_down].mean()


def test_from_the_drift_month_on_firms_come_from_a_slump(world: World) -> None:
    dirty, same = world(firms=6000, drift_month=8), world(firms=6000)
    for made, expected in ((dirty, True), (same, False)):
        firms = made.truth.firms
        late = firms["cohort"] >= 8
        gap = firms.loc[~late, "operations"].mean() - firms.loc[late, "operations"].mean()
        assert bool(gap > 0.6) is expected
        platform = made.platform.merge(firms[["uscc", "cohort"]], on="uscc")
        by_time = platform.groupby(platform["cohort"] >= 8)["utilisation"].mean()
        assert bool(by_time[False] - by_time[True] > 0.04) is expected
        defaults = made.bank.groupby(made.bank["months_on_book"] <= 15)["default_12m"].mean()
        assert bool(defaults[True] > 1.5 * defaults[False]) is expected
    assert dirty.truth.firms.loc[dirty.truth.firms["in_bank"], "true_pd"].mean() == pytest.approx(0.07)


@pytest.mark.parametrize("party", ["platform", "public"])
def test_a_poisoned_party_swaps_rows_and_no_margin_shows_it(
    world: World, clean: FourFlows, party: str
) -> None:
    dirty = world(firms=3000, poisoned_party=party, missing=0.0)
    before, after = rows_of(world(firms=3000, missing=0.0), party), rows_of(dirty, party)
    poisoned = before.index.isin(flagged(dirty, "poisoned"))
    assert 0.25 < poisoned.mean() < 0.35
    changed = (before != after).any(axis=1)
    assert not changed[~poisoned].any()
    assert changed[poisoned].mean() > 0.95
    for name in before:
        assert sorted(before[name]) == sorted(after[name])
    for other in {"bank", "platform", "public"} - {party}:
        assert rows_of(dirty, other).equals(rows_of(world(firms=3000, missing=0.0), other))


def test_a_poisoned_bank_turns_labels_over(world: World, clean: FourFlows) -> None:
    dirty = world(firms=3000, poisoned_party="bank")
    before, after = rows_of(clean, "bank"), rows_of(dirty, "bank")
    turned = before["default_12m"] != after["default_12m"]
    assert before.index[turned].equals(flagged(dirty, "poisoned"))
    assert 0.25 < turned.mean() < 0.35
    assert dirty.truth.firms["default_12m"].equals(clean.truth.firms["default_12m"])


def test_countries_differ_in_risk_and_stand_in_every_table(world: World) -> None:
    made = world(firms=20_000, countries=("CN", "DE", "VN"))
    for party in PARTIES:
        shares = getattr(made, party)["country"].value_counts(normalize=True)
        assert shares.index.tolist() == ["CN", "DE", "VN"]
    of = {party: rows_of(made, party)["country"] for party in PARTIES}
    both = of["bank"].index.intersection(of["platform"].index)
    assert (of["bank"].loc[both] == of["platform"].loc[both]).all()
    rates = made.bank.groupby("country")["default_12m"].mean()
    assert rates["VN"] > rates["DE"]


def test_all_dirt_at_once_is_possible(world: World) -> None:
    made = world(
        firms=2000,
        unit_mixup=True,
        gbk=True,
        duplicate_ids=True,
        name_variants=True,
        delayed_labels=True,
        rejected_applicants=True,
        drift_month=6,
        poisoned_party="public",
        countries=("CN", "SG"),
    )
    assert list(made.bank.columns[:3]) == ["uscc", "firm_name", "country"]
    assert np.isin(made.bank["default_12m"].dropna(), (0, 1)).all()
