"""The hybrid demo's round in one process: what is concluded from it, and what its parties can look at."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from crypto.errors import UsageError
from federation.addresses import Address
from parties.four_flows import Settings
from parties.sandbox.countries import COLUMNS, generated_countries, hybrid_plan
from parties.sandbox.founding import Sandbox, found
from parties.sandbox.horizontal_outcome import FederatedOutcome
from parties.sandbox.hybrid_outcome import conclude
from tests.system.federation import command
from tests.system.in_memory import rehearse_sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    folder = tmp_path_factory.mktemp("demo")
    datasets, _ = generated_countries(folder, Settings(firms=3000, seed=1))
    plan = hybrid_plan()
    faster = plan.model_copy(update={"sum": plan.sum.model_copy(update={"protection": "mask"})})
    nowhere = Address("127.0.0.1", 9)
    return found(folder, datasets, faster, nowhere, nowhere, dt.datetime.now(dt.UTC), generated=True)


@pytest.fixture(scope="module")
def concluded(sandbox: Sandbox) -> FederatedOutcome:
    return conclude(sandbox, rehearse_sandbox(sandbox), 1.0)


def kept(sandbox: Sandbox, party: str, run: str, file: str) -> dict[str, Any]:
    home = next(home for name, home in sandbox.parties.items() if name == party)
    return dict(json.loads((home.folder / "rounds" / run / file).read_text()))


def test_each_countrys_figures_are_those_that_its_bank_has(
    sandbox: Sandbox, concluded: FederatedOutcome
) -> None:
    facts = concluded.facts
    assert [*facts["auc"]] == [*facts["verdict"]] == ["cn", "de"]
    for country, auc in facts["auc"].items():
        told = kept(sandbox, f"bank-{country}", facts["run"], "evaluation.json")
        assert auc["bank_only"] == told["bank_only"]["auc"]
        assert auc["consortium"] == pytest.approx(told["consortium_only"]["auc"])
        assert auc["hybrid"] == told["fused"]["auc"]
        assert facts["difference"][country]["difference"] == pytest.approx(auc["hybrid"] - auc["consortium"])


def test_the_shared_model_is_as_good_as_one_of_all_rows_pooled(concluded: FederatedOutcome) -> None:
    for auc in concluded.facts["auc"].values():
        assert abs(auc["hybrid"] - auc["pooled"]) < 0.01
        assert auc["hybrid"] > auc["bank_only"] + 0.03


def test_what_the_noise_is_worth_is_said_where_the_figures_are(
    sandbox: Sandbox, concluded: FederatedOutcome
) -> None:
    facts = concluded.facts
    spent = kept(sandbox, "public-de", facts["run"], "spent.json")["privacy"]
    assert facts["privacy"]["epsilon"] == spent["epsilon"] > 1000
    assert f"{spent['epsilon']:,.0f}" in facts["noise"] and "no promise" in facts["noise"]
    report = Path(facts["report"]).read_text("utf-8")
    assert facts["noise"].replace("'", "&#39;") in report
    assert all(text in report for text in (facts["run"], "bank-cn", "bank-de", "consortium fits without"))
    assert "http:" not in report and "https:" not in report


def test_a_party_is_shown_the_shared_weights_and_a_part_scores_nobody(
    sandbox: Sandbox, concluded: FederatedOutcome, tmp_path: Path
) -> None:
    shown = {name: command("model", "show", "--home", home.folder) for name, home in sandbox.parties.items()}
    for place, declared in COLUMNS.items():
        one, other = (shown[next(n for n in shown if n == f"{place}-{c}")] for c in ("cn", "de"))
        assert one["shared"]["weights"] == other["shared"]["weights"]
        assert {name.split(" ")[0] for name in one["shared"]["weights"]} == set(declared)
        assert (one["evaluation"] is None) == (place != "bank")
    bank = next(home.folder for name, home in sandbox.parties.items() if name == "bank-de")
    wrote = command("model", "score", "--home", bank, "--out", tmp_path / "scores.csv")
    assert wrote["scores"] == concluded.facts["test_rows"]["de"]
    (tmp_path / "new.csv").write_text("uscc\n1\n")
    with pytest.raises(UsageError, match="a part of the model only"):
        command("model", "score", "--home", bank, "--file", tmp_path / "new.csv", "--out", tmp_path / "s.csv")
