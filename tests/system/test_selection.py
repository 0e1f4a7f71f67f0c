"""A scorecard's round that selects: what goes across parties is what would go of pooled data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from parties import results
from parties.home import PartyHome
from parties.scorecard.model import ScorecardPart
from parties.scorecard.results import Rebuilt, own_rows
from parties.selection.stepwise import Rule, stepwise
from tests.parties.scorecard.world import PARTIES, tables
from tests.parties.selection.test_stepwise import fitted
from tests.system.federation import Federation, Table
from tests.system.in_memory import Seen, rehearse

ROWS = 1800
PLAN = """
[model]
kind = "scorecard"
[binning]
minimum_iv = 0.0
bins = 4
[selection]
most_missing = 0.8
stepwise = "backward"
criterion = "p"
signs = true
"""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Federation, Seen]:
    folder = tmp_path_factory.mktemp("selection")
    frames = tables(ROWS, seed=4)
    noise = np.random.default_rng(1).normal(size=(2, ROWS))
    frames["public"]["twin"] = frames["bank"]["a"] + 0.2 * noise[0]
    frames["platform"]["gaps"] = np.where(np.arange(ROWS) % 7 == 0, frames["platform"]["c"], np.nan)
    frames["bank"]["noise"] = noise[1]
    written = []
    for party, frame in frames.items():
        frame.to_csv(folder / f"{party}.csv", index=False)
        label = 'label = "bad"' if party == "bank" else ""
        written.append(Table(party, "data", folder / f"{party}.csv", f'key = "id"\n{label}'))
    federation = Federation(folder / "federation", written)
    seen = rehearse(federation, federation.plan(extra=PLAN))
    assert seen.errors == {}
    return federation, seen


@pytest.fixture(scope="module")
def own(played: tuple[Federation, Seen]) -> dict[str, Rebuilt]:
    federation, seen = played
    return {party: own_rows(PartyHome.open(federation.party(party)), seen.run) for party in PARTIES}


def reasons(part: ScorecardPart) -> dict[str, str]:
    return {each.column: each.reason for each in part.why}


def test_of_twins_at_two_parties_one_goes_and_its_owner_alone_is_told(
    played: tuple[Federation, Seen], own: dict[str, Rebuilt]
) -> None:
    federation, seen = played
    assert "a" in own["bank"].part.columns
    assert "correlation above 0.7" in reasons(own["public"].part)["twin"]
    assert "86.1% of its values are missing" in reasons(own["platform"].part)["gaps"]
    notes = {
        party: " ".join(results.show(PartyHome.open(federation.party(party)), seen.run).facts["notes"])
        for party in PARTIES
    }
    assert {party for party in PARTIES if "Column twin is left out" in notes[party]} == {"public"}
    assert {party for party in PARTIES if "Column gaps is left out" in notes[party]} == {"platform"}


def test_stepwise_over_all_parties_keeps_what_it_keeps_of_pooled_woe(own: dict[str, Rebuilt]) -> None:
    names, blocks, training = [], [], own["bank"].rows.training
    for party, each in own.items():
        before = {"twin", "gaps"}  # They went before training.
        for table in (*each.part.book.tables, *each.part.left_out.tables):
            if table.column not in before:
                names.append((party, table.column))
                frame = each.rows.frame.open_locally()[training]
                blocks.append(table.transform(frame[table.column], each.dataset.place))
    outcomes = own["bank"].rows.labels.open_locally()[training].astype(float)  # type: ignore[union-attr]
    woe = np.column_stack([np.ones(len(outcomes)), *blocks])
    estimate, covariance, _ = fitted(woe, outcomes)
    pooled = stepwise(
        *(estimate, covariance, Rule("p")),
        rows=len(outcomes),
        groups=[-1, *range(len(names))],
        expected=[0, *[-1] * len(names)],
    )
    kept = {names[place - 1] for place in pooled.kept if place}
    assert kept == {(party, column) for party, each in own.items() for column in each.part.columns}
    assert len(kept) < len(names)
    steps = {(step.number, step.action, step.column) for each in own.values() for step in each.part.steps}
    assert steps == {
        (number, step.action, names[step.group][1]) for number, step in enumerate(pooled.steps, 1)
    }
    left = woe[:, pooled.kept]
    chosen, spread, _ = fitted(left, outcomes)
    errors = np.sqrt(np.diag(spread))
    places = {names[place - 1]: at for at, place in enumerate(pooled.kept) if place}
    refit = LogisticRegression(C=1.0, tol=1e-8, max_iter=2000).fit(left[:, 1:], outcomes)
    for party, each in own.items():
        pairs = zip(each.part.columns, each.part.coefficients, each.part.tests, strict=True)
        for column, coefficient, test in pairs:
            at = places[party, column]
            assert coefficient == pytest.approx(refit.coef_[0, at - 1], abs=0.01)
            assert test.standard_error == pytest.approx(errors[at], rel=0.03)
            assert test.z == pytest.approx(chosen[at] / errors[at], rel=0.1)
            assert coefficient < 0


def test_what_was_chosen_is_shown_and_saved_and_the_bank_alone_keeps_all_its_columns(
    played: tuple[Federation, Seen], own: dict[str, Rebuilt]
) -> None:
    federation, seen = played
    shown = results.show(PartyHome.open(federation.party("bank")), seen.run)
    assert any("  a  IV" in line and "std. error" in line and "  p " in line for line in shown.lines)
    assert "noise" in {each["column"] for each in shown.facts["why_left_out"]}
    assert [each["p"] is None for each in shown.facts["columns"]] == [False] * len(shown.facts["columns"])
    part = own["bank"].part
    folder: Path = federation.party("bank") / "rounds" / seen.run
    assert ScorecardPart.load(folder) == part
    assert {table.column for table in part.left_out.tables} == set(reasons(part))
