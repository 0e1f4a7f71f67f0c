"""A bank asks another lender about firms that it turned down, and looks what that changes, by the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click.testing
import numpy as np
import pandas as pd
import pytest

from cli.main import isthmus
from crypto.errors import IsthmusError
from federation.ids import RunId
from federation.plan import Plan
from parties.home import PartyHome
from parties.privacy.overview import overview
from parties.reject.observed import Observed
from tests.system.federation import Federation, Table
from tests.system.in_memory import Seen, rehearse

FIRMS, RULE = 3000, 0.55

ASK = """
name = "turned-down"
purpose = "credit-scoring"
[parties.bank]
role = "label"
dataset = "{applicants}"
[parties.lender]
dataset = "{customers}"
[model]
kind = "rejects"
[rejects]
bands = 4
"""
FIT = """
name = "accepted"
purpose = "credit-scoring"
[parties.bank]
role = "label"
[parties.lender]
dataset = "features"
[model]
kind = "{kind}"
max_iterations = 3
"""


class Market:
    """Firms whose risk rises where the bank turned them down; the lender has three quarters of all."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(5)
        debt, arrears = rng.normal(size=(2, FIRMS))
        risk = 1 / (1 + np.exp(2.2 - 0.4 * debt - np.maximum(debt, 0.3) - 0.8 * arrears))
        self.bad = (rng.random(FIRMS) < risk).astype(int)
        taken = debt + 0.6 * rng.normal(size=FIRMS) < np.quantile(debt, RULE)
        firm = [f"firm-{number}" for number in range(FIRMS)]
        outcome = pd.Series(self.bad, dtype="Int64").mask(~taken)
        columns = {"firm": firm, "debt": debt.round(4), "arrears": arrears.round(4)}
        self.applicants = pd.DataFrame({**columns, "approved": np.where(taken, "yes", "no"), "bad": outcome})
        self.accepted = self.applicants[taken].drop(columns="approved")
        self.rejected = self.applicants[~taken].drop(columns=["approved", "bad"])
        known = rng.permutation(FIRMS)[: 3 * FIRMS // 4]
        sales = pd.Series(rng.normal(size=FIRMS).round(4))
        self.customers = pd.DataFrame({"firm": firm, "sales": sales, "bad": self.bad}).iloc[known]
        self.folder = folder
        contradicting = self.applicants.assign(bad=self.bad)
        self.tables = [
            self._table("bank", "data", self.accepted, 'label = "bad"'),
            self._table("bank", "applicants", self.applicants, 'label = "bad"\naccepted = "approved"'),
            self._table("bank", "contradicting", contradicting, 'label = "bad"\naccepted = "approved"'),
            self._table("lender", "customers", self.customers, 'label = "bad"'),
            self._table("lender", "features", self.customers.drop(columns="bad"), ""),
        ]

    def _table(self, party: str, name: str, frame: pd.DataFrame, config: str) -> Table:
        return Table(party, name, self.written(f"{party}-{name}", frame), f'key = "firm"\n{config}')

    def written(self, name: str, frame: pd.DataFrame) -> Path:
        path = self.folder / f"{name}.csv"
        frame.to_csv(path, index=False)
        return path


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return Market(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="module")
def lenders(market: Market) -> Federation:
    return Federation(market.folder / "federation", market.tables)


def ask(lenders: Federation, applicants: str = "applicants", customers: str = "customers") -> Seen:
    return rehearse(lenders, ASK.format(applicants=applicants, customers=customers))


@pytest.fixture(scope="module")
def asked(lenders: Federation) -> Seen:
    seen = ask(lenders)
    assert {role: str(error) for role, error in seen.errors.items()} == {}
    return seen


@pytest.fixture(scope="module")
def trained(lenders: Federation) -> RunId:
    seen = rehearse(lenders, FIT.format(kind="logistic"))
    assert {role: str(error) for role, error in seen.errors.items()} == {}
    return seen.run


def rejects(lenders: Federation, file: Path, *words: object, party: str = "bank") -> tuple[int, str]:
    done = click.testing.CliRunner().invoke(
        isthmus, ["model", "rejects", *map(str, (file, *words)), "--home", str(lenders.party(party))]
    )
    if isinstance(done.exception, IsthmusError):
        return done.exit_code, f"{done.exception} next: {done.exception.advice}"
    return done.exit_code, done.output


def table(lenders: Federation, file: Path, *words: object) -> dict[str, Any]:
    code, said = rejects(lenders, file, *words, "--format", "json")
    assert code == 0, said
    found: dict[str, Any] = json.loads(said)
    return found


def test_the_bank_is_told_the_bad_rates_of_its_bands(
    market: Market, lenders: Federation, asked: Seen
) -> None:
    home = PartyHome.open(lenders.party("bank"))
    found = Observed.load(home.round_folder(asked.run), "bank")
    both = market.rejected[market.rejected["firm"].isin(market.customers["firm"])]
    bands = found.told.bands.of(found.model.risk(both).open_locally())
    assert np.bincount(bands).tolist() == list(found.told.rows)
    assert min(found.told.rows) >= 50
    exact = np.bincount(bands, weights=market.bad[both.index])
    assert np.abs(np.array(found.told.bad) - exact).max() <= 20  # Ten standard deviations.


def test_the_lender_is_charged_for_the_noise_and_keeps_no_answer(lenders: Federation, asked: Seen) -> None:
    home = PartyHome.open(lenders.party("lender"))
    (account,) = overview(home, "customers")
    (run,) = (each for each in account.to_json()["runs"] if each["run"] == asked.run)
    assert (run["unit"], run["settled"]) == ("record", True)
    assert run["epsilon"] == pytest.approx(2.94, abs=0.01)  # rho = 1/8, as it is counted.
    assert not (home.round_folder(asked.run) / "observed.json").exists()


def test_counts_are_told_in_one_attempt_only(
    lenders: Federation, asked: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Plan, "most_attempts", 2)  # Grants allow no other attempt at such a run at all.
    again = rehearse(lenders, ASK.format(applicants="applicants", customers="customers"), after=asked)
    assert "told in an earlier attempt" in again.cause.what
    assert (again.cause.party, "new round" in again.cause.advice) == ("lender", True)


def test_what_was_observed_brings_the_inferred_rate_to_the_truth(
    market: Market, lenders: Federation, asked: Seen, trained: RunId
) -> None:
    file = market.written("rejected", market.rejected)
    found = table(lenders, file, "--observed", asked.run, "--multiplier", 2, "--method", "fuzzy")
    assert found["run"] == trained  # The newest round with a model: a look-up is none.
    rates = {each["method"]: each["inferred"] for each in found["assumptions"]}
    assert list(rates) == ["accepted only", "fuzzy", "parcelling, observed"]
    truth = market.bad[market.rejected.index].mean()
    assert abs(rates["parcelling, observed"] - truth) < min(0.03, abs(rates["accepted only"] - truth))
    assert set(found["assumptions"][0]["shifts"]) == {"debt", "arrears"}
    code, said = rejects(lenders, file, trained, "--observed", asked.run)
    assert code == 0
    assert "observed at lender, give or take 2 firms" in said
    assert "own columns alone" in said


def test_a_scorecards_own_columns_are_refitted_too(market: Market, lenders: Federation) -> None:
    seen = rehearse(lenders, FIT.format(kind="scorecard") + "[binning]\nminimum_iv = 0.0\n")
    assert {role: str(error) for role, error in seen.errors.items()} == {}
    found = table(lenders, market.written("rejected", market.rejected), seen.run)
    assert found["columns"] == ["debt", "arrears"]
    assert [each["multiplier"] for each in found["assumptions"]] == [1.0, 1.0, *[1.0, 1.5, 2.0, 3.0] * 2]


@pytest.mark.parametrize(
    ("change", "told", "field"),
    [
        (lambda rejected, accepted: rejected.drop(columns="debt"), "lacks columns", ""),
        (lambda rejected, accepted: rejected.assign(bad=1), "have an outcome", "bad"),
        (lambda rejected, accepted: accepted.drop(columns="bad").head(7), "7 firms are among the", "firm"),
    ],
)
def test_a_wrong_file_is_told_with_party_field_and_next_step(
    market: Market, lenders: Federation, trained: RunId, change: Any, told: str, field: str
) -> None:
    accepted = market.accepted
    if field == "firm":  # Only firms that both parties know are among the round's.
        accepted = accepted[accepted["firm"].isin(market.customers["firm"])]
    file = market.written("wrong", change(market.rejected, accepted))
    code, said = rejects(lenders, file, trained)
    assert code != 0
    assert told in said
    assert all(word in said for word in ("bank", "wrong.csv", field, "next:"))


def test_who_cannot_be_asked_is_told_why(
    market: Market, lenders: Federation, asked: Seen, trained: RunId
) -> None:
    file = market.written("rejected", market.rejected)
    code, said = rejects(lenders, file, trained, "--observed", trained)
    assert (code != 0, "told this party no outcomes of rejected firms" in said) == (True, True)
    code, said = rejects(lenders, file, asked.run)
    assert (code != 0, "no model came of it" in said) == (True, True)
    code, said = rejects(lenders, file, trained, party="lender")
    assert (code != 0, "Run this at the label party" in said) == (True, True)


@pytest.mark.parametrize(
    ("applicants", "customers", "party", "told"),
    [
        ("data", "customers", "bank", "does not say whom it accepted"),
        ("applicants", "features", "lender", "both lenders have outcomes"),
        ("contradicting", "customers", "bank", "firms were not accepted and have an outcome"),
    ],
)
def test_a_data_set_that_does_not_fit_the_question_is_refused(
    lenders: Federation, applicants: str, customers: str, party: str, told: str
) -> None:
    seen = ask(lenders, applicants, customers)
    cause = seen.cause
    assert told in cause.what
    assert (cause.party, bool(cause.field), bool(cause.advice)) == (party, True, True)
    (account,) = overview(PartyHome.open(lenders.party("lender")), "customers")
    costs = {each["run"]: each["epsilon"] for each in account.to_json()["runs"]}
    assert costs.get(seen.run, 0) == 0  # Nothing was told, so nothing is charged.


def test_applicants_without_outcomes_train_no_model(lenders: Federation) -> None:
    plan = FIT.format(kind="logistic").replace('role = "label"', 'role = "label"\ndataset = "applicants"')
    cause = rehearse(lenders, plan).cause
    assert (cause.party, cause.field) == ("bank", "datasets.applicants.accepted")
