"""A scorecard's whole round in one process: as good as pooled data, exact to a point, explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from federation.ids import RunId
from parties import results
from parties.home import PartyHome
from parties.scorecard.model import ScorecardPart
from parties.scorecard.results import Rebuilt, own_rows, reasons
from tests.parties.scorecard.world import PARTIES, tables
from tests.system.federation import Federation, Table
from tests.system.in_memory import Seen, rehearse

ROWS = 3000
MODEL = '[model]\nkind = "scorecard"\nl2 = 1.0\n'
OPEN = '[scores]\nopen = "all"\n'


@pytest.fixture(scope="module")
def lenders(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    folder = tmp_path_factory.mktemp("lenders")
    rules = {
        "bank": 'label = "bad"\n[datasets.data.columns.late.reason]\nen = "Paid late"\nzh = "逾期"',
        "platform": "[datasets.data.columns.c]\nspecial = [-999]",
        "public": '[datasets.data.columns.d]\ntrend = "none"',
    }
    written = []
    for place, (party, frame) in enumerate(tables(ROWS).items()):
        frame.sample(frac=1, random_state=place).to_csv(folder / f"{party}.csv", index=False)
        written.append(Table(party, "data", folder / f"{party}.csv", f'key = "id"\n{rules[party]}'))
    return Federation(folder / "federation", written)


def play(lenders: Federation, extra: str) -> Seen:
    seen = rehearse(lenders, lenders.plan(extra=MODEL + extra))
    assert {role: str(error) for role, error in seen.errors.items()} == {}
    return seen


@pytest.fixture(scope="module")
def played(lenders: Federation) -> Seen:
    return play(lenders, OPEN)


def home(lenders: Federation, party: str) -> PartyHome:
    return PartyHome.open(lenders.party(party))


def parts(lenders: Federation, run: RunId) -> dict[str, Rebuilt]:
    return {party: own_rows(home(lenders, party), run) for party in PARTIES}


def pooled(own: dict[str, Rebuilt]) -> npt.NDArray[np.float64]:
    return np.hstack([each.rows.encoded.open_locally() for each in own.values()])


def test_it_is_as_good_as_pooled_woe_and_scikit_learn(lenders: Federation, played: Seen) -> None:
    own = parts(lenders, played.run)
    woe, training = pooled(own), own["bank"].rows.training
    labels = own["bank"].rows.labels.open_locally()  # type: ignore[union-attr]
    whole = LogisticRegression(C=1.0, tol=1e-8, max_iter=2000).fit(woe[training], labels[training])
    scores = results.scores(home(lenders, "bank"), played.run).open_locally().set_index("id")
    test = scores[scores["split"] == "test"]
    bad = tables(ROWS)["bank"].set_index("id")["bad"].loc[test.index]
    reference = roc_auc_score(labels[~training], whole.decision_function(woe[~training]))
    assert roc_auc_score(bad, test["probability"]) == pytest.approx(reference, abs=0.001)
    coefficients = np.concatenate([each.part.coefficients for each in own.values()])
    assert coefficients == pytest.approx(whole.coef_[0], abs=0.01)
    figures = results.show(home(lenders, "bank"), played.run).facts["evaluation"]
    assert figures["fused"]["auc"] > figures["bank_only"]["auc"] + 0.02


def test_points_add_up_exactly_over_the_parties(lenders: Federation, played: Seen) -> None:
    own = parts(lenders, played.run)
    units = sum(each.part.units(each.rows.codes).open_locally() for each in own.values())
    keys = own["bank"].rows.frame.open_locally()["id"]
    scores = results.scores(home(lenders, "bank"), played.run).open_locally().set_index("id")
    assert len(scores) == len(keys)
    assert np.array_equal(scores.loc[keys, "score"], units)
    scale = own["bank"].part.scale
    odds = np.exp((scores["score"] - scale.offset) / scale.factor)
    assert scores["probability"].to_numpy() == pytest.approx(1 / (1 + odds), abs=1e-12)


def test_one_firm_has_the_points_that_it_has_among_all(lenders: Federation, played: Seen) -> None:
    for each in parts(lenders, played.run).values():
        frame, place = each.rows.frame.open_locally(), each.dataset.place
        batch = each.part.units(each.rows.codes).open_locally()
        for row in (0, 17, 1234):
            codes = each.part.book.codes(frame.iloc[[row]], place)
            assert each.part.units(type(each.rows.codes)(codes)).open_locally() == batch[row]


def test_the_declined_have_reasons_by_points_lost(lenders: Federation, played: Seen) -> None:
    own = parts(lenders, played.run)
    scores = results.scores(home(lenders, "bank"), played.run).open_locally().set_index("id")
    told = reasons(home(lenders, "bank"), played.run).open_locally()
    test = scores[scores["split"] == "test"]["score"]
    explained = test[test <= np.quantile(test, 0.1, method="inverted_cdf")]
    assert set(told["id"]) == set(explained.index)
    assert told.groupby("id").size().max() <= 4
    late = told[told["code"] == "R-bank-2"]
    assert set(late["en"]) == {"Paid late"}
    assert set(late["zh"]) == {"逾期"}
    assert set(told[told["code"].str.startswith("R-platform")]["en"]) == {""}
    # Each firm's losses are the four largest over all parties' columns.
    keys = own["bank"].rows.frame.open_locally()["id"]
    firm = told["id"].iloc[0]
    row = int(np.flatnonzero(keys == firm)[0])
    losses = sorted(
        (
            max(points) - points[each.rows.codes.open_locally()[row, at]]
            for each in own.values()
            for at, points in enumerate(each.part.points)
        ),
        reverse=True,
    )
    assert told[told["id"] == firm]["points_lost"].tolist() == [lost for lost in losses[:4] if lost]


def test_each_party_holds_its_own_points_and_nobody_elses(lenders: Federation, played: Seen) -> None:
    for party in PARTIES:
        folder = lenders.party(party) / "rounds" / played.run
        part = ScorecardPart.load(folder)
        assert (part.base is None, part.intercept is None) == (party != "bank",) * 2
        assert (folder / "scorecard.json").exists() == (party == "bank")
        texts = json.loads((folder / "model" / "reasons.json").read_text())
        assert [each["code"] for each in texts] == [f"R-{party}-{n + 1}" for n in range(len(part.points))]
        shown = results.show(home(lenders, party), played.run)
        assert [each["column"] for each in shown.facts["columns"]] == list(part.columns)
        assert any("points of each bin" in line for line in shown.lines)
    noise = ScorecardPart.load(lenders.party("public") / "rounds" / played.run)
    assert noise.columns == ("d",)
    assert [table.column for table in noise.left_out.tables] == ["e"]


def test_what_scores_mean_is_kept_for_the_label_party(lenders: Federation, played: Seen) -> None:
    figures: dict[str, Any] = results.show(home(lenders, "bank"), played.run).facts["scorecard"]
    rates = [each["bad_rate"] for each in figures["cutoffs"]]
    assert rates[0] < rates[-1]
    assert sum(each["rows"] for each in figures["grades"]) == sum(each["rows"] for each in figures["bands"])
    assert figures["swap_sets"][1]["swapped_in"]["rows"] == figures["swap_sets"][1]["swapped_out"]["rows"]


def test_with_rounded_woe_no_party_but_the_label_partys_own_holds_a_count(lenders: Federation) -> None:
    extra = (
        'max_iterations = 4\n[binning]\ndisclose = "woe"\nmethod = "chimerge"\n[scorecard]\ncutoff = 560.0\n'
    )
    seen = play(lenders, extra)
    own = parts(lenders, seen.run)
    for party, each in own.items():
        assert {table.bad is None for table in each.part.book.tables} == {party != "bank"}
    woe = [value for table in own["platform"].part.book.tables for value in table.woe]
    assert woe == [round(value, 2) for value in woe]
    figures = results.show(home(lenders, "bank"), seen.run).facts
    assert figures["evaluation"]["fused"]["auc"] > figures["evaluation"]["bank_only"]["auc"] + 0.02
    told = reasons(home(lenders, "bank"), seen.run).open_locally()
    scores = results.scores(home(lenders, "bank"), seen.run).open_locally().set_index("id")["score"]
    assert set(told["id"]) == set(scores[scores < 560].index)


@pytest.mark.parametrize(
    ("party", "change", "told"),
    [
        ("bank", {"bad": lambda frame: np.arange(len(frame)) % 3}, "3 different values instead of two"),
        ("public", {"d": lambda frame: 1.0}, "no column has an information value"),
    ],
)
def test_bad_data_is_told_with_party_field_and_next_step(
    lenders: Federation, tmp_path: Path, party: str, change: dict[str, Any], told: str
) -> None:
    path = lenders.party(party).parent.parent / f"{party}.csv"
    good = path.read_bytes()
    frame = pd.read_csv(path)
    try:
        frame.assign(**change).to_csv(path, index=False)
        seen = rehearse(lenders, lenders.plan(extra=MODEL))
    finally:
        path.write_bytes(good)
    cause = seen.cause
    assert told in str(cause)
    assert (cause.party, bool(cause.field), bool(cause.advice)) == (party, True, True)
