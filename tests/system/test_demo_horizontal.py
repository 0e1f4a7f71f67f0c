"""The horizontal demo's round in one process: what one model is worth to a large bank and to a small one."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from federation.addresses import Address
from parties.sandbox.founding import Sandbox, found
from parties.sandbox.horizontal_outcome import FederatedOutcome, conclude
from parties.sandbox.peers import Roles, given_peers, horizontal_plan
from tests.system.in_memory import rehearse_sandbox

#: Firms of each bank, of which a tenth trains: the small one is left with fewer than it has columns to weigh.
BANKS = {"bank-a": 2500, "bank-b": 2500, "bank-c": 700}
COLUMNS = 16


def firms(seed: int, rows: int) -> pd.DataFrame:
    """Every column tells a little of the outcome, and the same at every bank."""
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(rows, COLUMNS))
    weights = np.where(np.arange(COLUMNS) % 2, 0.7, -0.7)
    bad = (numbers @ weights + generator.logistic(size=rows) > 0).astype(int)
    table = pd.DataFrame(numbers, columns=[f"ratio_{place:02d}" for place in range(COLUMNS)])
    return table.assign(id=[f"{seed}-{row}" for row in range(rows)], bad=bad)


def check_verdicts(facts: dict[str, Any]) -> None:
    """A bank's verdict is what the interval beside it says, and the interval that of the two figures."""
    for bank, said in facts["verdict"].items():
        difference, auc = facts["difference"][bank], facts["auc"][bank]
        if difference is None:
            assert said == "too few test rows" and set(auc.values()) == {None}
            continue
        assert all(map(math.isfinite, (*auc.values(), *difference.values())))
        assert difference["difference"] == pytest.approx(auc["federated"] - auc["local"])
        assert difference["low"] <= difference["difference"] <= difference["high"]
        above, below = difference["low"] > 0, difference["high"] < 0
        assert said == ("helps" if above else "hurts" if below else "no evident difference")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    folder = tmp_path_factory.mktemp("demo")
    (data := folder / "data").mkdir()
    for seed, (name, rows) in enumerate(BANKS.items()):
        firms(seed, rows).to_csv(data / f"{name}.csv", index=False)
    datasets = given_peers(data, Roles(label="bad")).datasets
    plan = horizontal_plan(list(datasets), "logistic", "fedavg")
    cheap = {
        "split": plan.split.model_copy(update={"test_share": 0.9}),
        "sum": plan.sum.model_copy(update={"protection": "mask"}),
        "training": plan.training.model_copy(update={"rounds": 6, "local_epochs": 2}),
    }
    nowhere = Address("127.0.0.1", 9)
    now = dt.datetime.now(dt.UTC)
    return found(folder / "demo", datasets, plan.model_copy(update=cheap), nowhere, nowhere, now)


@pytest.fixture(scope="module")
def concluded(sandbox: Sandbox) -> FederatedOutcome:
    return conclude(sandbox, rehearse_sandbox(sandbox), 1.0)


def test_each_banks_figures_are_those_that_it_has_itself(
    sandbox: Sandbox, concluded: FederatedOutcome
) -> None:
    facts = concluded.facts
    assert [*facts["auc"]] == [*facts["verdict"]] == [*facts["difference"]] == [*BANKS]
    assert facts["joint"]["rows"] == sum(facts["test_rows"].values())
    for name, home in sandbox.parties.items():
        told = json.loads((home.folder / "rounds" / facts["run"] / "evaluation.json").read_text())
        assert facts["auc"][name]["local"] == told["local"]["auc"]
        assert facts["auc"][name]["federated"] == told["federated"]["auc"]
        assert abs(facts["auc"][name]["federated"] - facts["auc"][name]["pooled"]) < 0.1


def test_a_bank_of_too_few_firms_for_its_own_model_is_helped_and_is_told_so(
    concluded: FederatedOutcome,
) -> None:
    facts = concluded.facts
    check_verdicts(facts)
    assert facts["verdict"]["bank-c"] == "helps"
    assert facts["difference"]["bank-c"]["low"] > 0.02  # Far from the edge, so that no rounding decides it.
    report = Path(facts["report"]).read_text("utf-8")
    assert all(text in report for text in (facts["run"], *BANKS, "Pooled (demo only)"))
    assert "http:" not in report and "https:" not in report
