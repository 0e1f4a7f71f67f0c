"""The promises of the generated world as a credit modeller would check them, over five seeds."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from parties.four_flows import FourFlows

World = Callable[..., FourFlows]
Join = Callable[[FourFlows], pd.DataFrame]

SEEDS = range(3)
PARTIES = ("bank", "platform", "public")


def features(made: FourFlows, *parties: str) -> list[str]:
    return [name for party in parties for name in getattr(made, party) if name not in ("uscc", "default_12m")]


def linear() -> object:
    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(max_iter=300))


def auc_of(rows: pd.DataFrame, names: list[str]) -> float:
    table = pd.get_dummies(rows[names]).astype(float)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    chance = cross_val_predict(linear(), table, rows["default_12m"], cv=folds, method="predict_proba")
    return float(roc_auc_score(rows["default_12m"], chance[:, 1]))


def one_column_auc(flag: pd.Series, column: pd.Series) -> float:
    """How well one column alone separates, whichever way round; text by the rate of each value."""
    known = column.notna()
    flag, column = flag[known], column[known]
    if column.dtype.kind not in "fi":
        column = column.map(flag.groupby(column).mean())
    auc = float(roc_auc_score(flag, column))
    return max(auc, 1 - auc)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_party_that_joins_makes_the_model_better(world: World, joined: Join, seed: int) -> None:
    made = world(seed=seed)
    rows = joined(made)
    bank, two, three = (auc_of(rows, features(made, *PARTIES[:count])) for count in (1, 2, 3))
    assert 0.70 <= bank <= 0.75
    assert 0.75 <= two <= 0.83
    assert 0.78 <= three <= 0.85
    assert two > bank + 0.03
    assert three > two + 0.01
    assert three > bank + 0.06


def test_three_parties_have_fifty_features_between_them(world: World) -> None:
    """Columns that differ between firms: neither the key, the label nor one that is the same for all."""
    made = world()
    names = features(made, *PARTIES)
    assert len(set(names)) == len(names) >= 50
    for party in PARTIES:
        own = getattr(made, party)[features(made, party)]
        assert (own.nunique() >= 2).all()
        blank = own.drop(columns="months_on_book", errors="ignore").isna().mean()
        assert blank.between(0.01, 0.03).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_chance_caps_every_model(world: World, seed: int) -> None:
    assert 0.86 <= world(seed=seed).truth.ceiling <= 0.90


@pytest.mark.parametrize("seed", SEEDS)
def test_the_base_rate_is_that_of_small_firms(world: World, joined: Join, seed: int) -> None:
    made = world(seed=seed)
    assert 0.05 <= made.bank["default_12m"].mean() <= 0.08
    assert 0.05 <= joined(made)["default_12m"].mean() <= 0.08
    assert made.truth.firms.loc[made.truth.firms["in_bank"], "true_pd"].mean() == pytest.approx(
        0.07, abs=1e-6
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_no_column_tells_the_outcome_alone(world: World, joined: Join, seed: int) -> None:
    made = world(seed=seed)
    rows = joined(made)
    told = {name: one_column_auc(rows["default_12m"], rows[name]) for name in features(made, *PARTIES)}
    assert max(told.values()) <= 0.80, max(told, key=lambda name: told[name])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_intersection_is_what_the_truth_says(world: World, seed: int) -> None:
    made = world(seed=seed)
    firms = made.truth.firms
    keys = {party: set(getattr(made, party)["uscc"]) for party in PARTIES}
    for party in PARTIES:
        assert keys[party] == set(firms.loc[firms[f"in_{party}"], "uscc"])
        assert len(keys[party]) == len(getattr(made, party))
    assert len(keys["bank"] & keys["platform"]) == round(0.78 * 6000)
    assert len(keys["bank"] & keys["public"]) == round(0.95 * 6000)
    for party in ("platform", "public"):
        assert len(keys[party] - keys["bank"]) == 600
    everywhere = set(firms.loc[firms["in_bank"] & firms["in_platform"] & firms["in_public"], "uscc"])
    assert keys["bank"] & keys["platform"] & keys["public"] == everywhere


def test_fake_trade_shows_only_where_tables_are_joined(world: World, joined: Join) -> None:
    """Over five seeds together: a hundred fakes a seed alone would leave 0.03 of noise."""
    worlds = [world(seed=seed) for seed in range(5)]
    for party in PARTIES:
        names = features(worlds[0], party)
        table = pd.concat(
            getattr(made, party).merge(made.truth.firms[["uscc", "fake_trade"]], on="uscc") for made in worlds
        )
        told = {name: one_column_auc(table["fake_trade"], table[name]) for name in names}
        assert max(told.values()) <= 0.60, max(told, key=lambda name: told[name])
    rows = pd.concat(joined(made) for made in worlds)
    gap = np.log1p(rows["invoices"]) - np.log1p(rows["waybills"])
    gap -= gap.groupby(rows["industry"]).transform("median")
    assert one_column_auc(rows["fake_trade"], gap) >= 0.80


@pytest.mark.parametrize("seed", SEEDS)
def test_few_firms_fake_trade(world: World, seed: int) -> None:
    assert 0.015 <= world(seed=seed).truth.firms["fake_trade"].mean() <= 0.035


def test_trees_beat_a_linear_model(world: World, joined: Join) -> None:
    """Leverage hurts where one buyer decides: a product, which a linear model does not see."""
    made = world(firms=40_000)
    rows = joined(made)
    table = pd.get_dummies(rows[features(made, *PARTIES)]).astype(float)
    fit, held, known, asked = train_test_split(
        table, rows["default_12m"], test_size=0.3, random_state=0, stratify=rows["default_12m"]
    )
    trees = HistGradientBoostingClassifier(
        max_iter=100, learning_rate=0.08, max_leaf_nodes=8, min_samples_leaf=60, max_bins=63, random_state=0
    )
    plain = linear().fit(fit, known)  # type: ignore[attr-defined]
    grown = trees.fit(fit, known)
    straight, branched = (roc_auc_score(asked, model.predict_proba(held)[:, 1]) for model in (plain, grown))
    assert branched > straight


def test_the_interaction_is_between_two_parties(world: World, joined: Join) -> None:
    rows = joined(world(firms=40_000)).dropna(subset=["leverage", "top_buyer_share"])
    high, one_buyer = (rows[name] > rows[name].median() for name in ("leverage", "top_buyer_share"))
    rate = {
        (lever, buyer): rows.loc[(high == lever) & (one_buyer == buyer), "true_pd"].mean()
        for lever, buyer in itertools.product((False, True), repeat=2)
    }
    # Where buyers are many, leverage makes little difference; where one decides, it makes much.
    assert rate[True, True] / rate[False, True] > 1.5 * rate[True, False] / rate[False, False]
