"""A round of boosted trees in one process, from files to scores: better than the bank alone, kept, shown."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from federation.ids import RunId
from parties import results
from parties.boosting.model import BoostingPart
from parties.boosting.objective import Floats
from parties.boosting.trees import total
from parties.home import PartyHome
from parties.round.acceptance import dataset_of
from tests.system.federation import Federation, Table
from tests.system.in_memory import rehearse

ROWS = 1600
PLAN = """
[model]
kind = "boosting"
[boosting]
trees = 4
max_depth = 3
own_trees = 1
[scores]
open = "all"
"""
PARTIES = ("bank", "platform", "public")


def frames() -> dict[str, pd.DataFrame]:
    """Columns of every awkward kind: huge, constant, binary, with gaps, codes, levels, rare levels."""
    rng = np.random.default_rng(11)
    firms = [f"firm-{number:05d}" for number in range(ROWS)]
    plain = rng.normal(size=(ROWS, 4))
    sector = rng.choice(["a", "b", "c", "d"], ROWS, p=[0.5, 0.3, 0.19, 0.01])
    flag = (rng.random(ROWS) < 0.3).astype(int)
    logits = plain @ [0.5, 0.9, 0.8, 0.0] + 1.2 * (sector == "b") + 0.8 * flag - 1.5
    bad = (rng.random(ROWS) < 1 / (1 + np.exp(-logits))).astype(int)
    gaps, coded = plain[:, 2].copy(), plain[:, 3].copy()
    gaps[rng.random(ROWS) < 0.2] = np.nan
    coded[:80] = -999.0
    found = {
        "bank": pd.DataFrame({"id": firms, "own": plain[:, 0], "bad": bad}),
        "platform": pd.DataFrame({"id": firms, "sales": 1e6 * plain[:, 1], "same": 7.0, "flag": flag}),
        "public": pd.DataFrame({"id": firms, "gaps": gaps, "coded": coded, "sector": sector}),
    }
    return {party: frame.sample(frac=1, random_state=3) for party, frame in found.items()}


@pytest.fixture(scope="module")
def lenders(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    folder = tmp_path_factory.mktemp("boosted")
    rules = {
        "bank": 'label = "bad"',
        "platform": '[datasets.data.columns.sales]\ntrend = "ascending"',
        "public": "[datasets.data.columns.coded]\nspecial = [-999]",
    }
    tables = []
    for party, frame in frames().items():
        frame.to_csv(folder / f"{party}.csv", index=False)
        tables.append(Table(party, "data", folder / f"{party}.csv", f'key = "id"\n{rules[party]}'))
    return Federation(folder / "federation", tables)


@pytest.fixture(scope="module")
def run(lenders: Federation) -> RunId:
    seen = rehearse(lenders, lenders.plan(extra=PLAN))
    assert {role: str(error) for role, error in seen.errors.items()} == {}
    return seen.run


def home(lenders: Federation, party: str) -> PartyHome:
    return PartyHome.open(lenders.party(party))


def parts(lenders: Federation, run: RunId) -> dict[str, BoostingPart]:
    return {party: BoostingPart.load(home(lenders, party).round_folder(run)) for party in PARTIES}


def scored(lenders: Federation, run: RunId, firms: list[str]) -> Floats:
    """The logits of these firms, by every party's own part of the model."""
    own, sides = parts(lenders, run), {}
    for party, part in own.items():
        frame = frames()[party].set_index("id").loc[firms].reset_index()
        codes = part.bins.codes(frame, dataset_of(home(lenders, party), run).place)
        sides[part.party] = part.sides(codes, len(firms))
    base = own["bank"].base
    assert base is not None
    return total(base, own["bank"].trees, len(firms), sides)


def test_trees_over_three_parties_beat_trees_of_the_bank_alone(lenders: Federation, run: RunId) -> None:
    figures = results.show(home(lenders, "bank"), run).facts["evaluation"]
    assert figures["fused"]["auc"] > figures["bank_only"]["auc"] + 0.05
    scores = results.scores(home(lenders, "bank"), run).open_locally().set_index("id")
    test = scores[scores["split"] == "test"]
    outcome = frames()["bank"].set_index("id")["bad"].loc[test.index]
    assert roc_auc_score(outcome, test["logit"]) == pytest.approx(figures["fused"]["auc"])


def test_the_parts_score_a_firm_alone_as_the_round_scored_it_among_all(
    lenders: Federation, run: RunId
) -> None:
    scores = results.scores(home(lenders, "bank"), run).open_locally().set_index("id")["logit"]
    firms = list(scores.index)
    assert np.array_equal(scored(lenders, run, firms), scores.to_numpy())
    for firm in (firms[0], firms[700]):
        assert scored(lenders, run, [firm])[0] == scores[firm]


def test_each_party_keeps_its_own_edges_and_the_bank_no_other_ones(lenders: Federation, run: RunId) -> None:
    own = parts(lenders, run)
    assert set(own["platform"].bins.columns) == {"sales", "flag"}
    assert own["platform"].trees == () and own["platform"].base is None
    saved = (home(lenders, "bank").round_folder(run) / "model" / "model.json").read_text()
    assert not any(name in saved for name in ("sales", "sector", "coded"))
    assert {split.owner for split in own["bank"].trees[0].splits} == {"bank"}
    split = {split.owner for tree in own["bank"].trees for split in tree.splits}
    assert split == set(PARTIES)


def test_it_is_shown_with_gains_at_the_bank_and_splits_elsewhere(lenders: Federation, run: RunId) -> None:
    at_bank, at_platform = (results.show(home(lenders, party), run) for party in ("bank", "platform"))
    assert sum(at_bank.facts["gain_shares"].values()) == pytest.approx(1)
    assert at_bank.facts["trees"] == 4
    assert at_platform.facts["gain_shares"] is None
    assert at_platform.facts["splits"]["sales"] > 0
    assert any("same has one bin" in note for note in at_platform.facts["notes"])
    assert not any("fused" in line for line in at_platform.lines)
    json.dumps(at_bank.facts)


def test_a_trend_holds_in_every_tree(lenders: Federation, run: RunId) -> None:
    """With all else as it is, a firm with more sales is never scored safer."""
    own = parts(lenders, run)
    place = own["platform"].bins.columns.index("sales")
    width = own["platform"].bins.cuts[place].width - 1
    firms = [str(firm) for firm in frames()["bank"]["id"].iloc[:40]]
    sides = {}
    for party, part in own.items():
        frame = frames()[party].set_index("id").loc[firms].reset_index()
        sides[party] = part.bins.codes(frame, dataset_of(home(lenders, party), run).place)
    before = np.full(len(firms), -np.inf)
    for bin_of_sales in range(width):
        sides["platform"][place] = np.full(len(firms), bin_of_sales, dtype=np.uint8)
        marks = {own[party].party: own[party].sides(codes, len(firms)) for party, codes in sides.items()}
        logits = total(0.0, own["bank"].trees, len(firms), marks)
        assert (logits >= before - 1e-12).all()
        before = logits
