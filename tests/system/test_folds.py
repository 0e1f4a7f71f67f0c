"""Cross-validation over parties: the AUCs that the pooled table would give, told to the label party alone."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from federation.errors import PlanRefused
from federation.plan import Plan
from federation.session import Session
from parties.evaluation.folds import folds
from parties.home import PartyHome
from parties.round.folds import FILE, check_folds
from parties.round.matrix import OwnMatrix
from parties.round.results import own_matrix, shown
from tests.seats import THREE, seating
from tests.system.federation import Federation, Table
from tests.system.in_memory import rehearse

ROWS, PARTIES = 900, ("bank", "platform")
PLAN = """
name = "folds"
purpose = "credit-scoring"
[parties.bank]
role = "label"
[parties.platform]
[split]
folds = 2
[model]
tolerance = 0.03
"""


def federation(folder: Path) -> Federation:
    rng = np.random.default_rng(8)
    tables, logit = [], -1.0 + 0 * rng.normal(size=ROWS)
    for name in reversed(PARTIES):
        frame = pd.DataFrame({"id": [f"firm-{number:04d}" for number in range(ROWS)]})
        for column in range(2):
            frame[f"x{column}"] = rng.normal(size=ROWS)
            logit = logit + 0.8 * frame[f"x{column}"]
        if name == "bank":
            frame["owner"] = np.arange(ROWS) // 3
            frame["default"] = (rng.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(int)
        frame.to_csv(folder / f"{name}.csv", index=False)
        more = '\nlabel = "default"\ngroup = "owner"' if name == "bank" else ""
        tables.append(Table(name, "data", folder / f"{name}.csv", f'key = "id"{more}'))
    return Federation(folder / "federation", tables[::-1])


def test_each_fold_is_judged_as_the_pooled_table_would_judge_it(tmp_path: Path) -> None:
    made = federation(tmp_path)
    seen = rehearse(made, PLAN)
    assert seen.errors == {}
    homes = {name: PartyHome.open(made.party(name)) for name in PARTIES}
    told = json.loads((homes["bank"].round_folder(seen.run) / FILE).read_bytes())
    assert [name for name, home in homes.items() if (home.round_folder(seen.run) / FILE).exists()] == ["bank"]

    rebuilt = {name: own_matrix(home, seen.run) for name, home in homes.items()}
    bank = rebuilt["bank"].matrix
    pooled = np.hstack([each.matrix.encoded.open_locally() for each in rebuilt.values()])[bank.training]
    assert bank.labels is not None
    labels = bank.labels.open_locally()[bank.training]
    owners = bank.frame.open_locally()["owner"].astype(str).to_numpy()[bank.training]
    numbers = folds(len(labels), 2, rebuilt["bank"].plan.split.seed, groups=owners)
    assert all(len(set(numbers[owners == owner])) == 1 for owner in owners[:50])
    expected = []
    for fold in range(2):
        learn = numbers != fold
        model = LogisticRegression(C=1.0, tol=1e-8).fit(pooled[learn], labels[learn])
        expected.append(roc_auc_score(labels[~learn], model.decision_function(pooled[~learn])))
    assert told["auc"] == pytest.approx(expected, abs=2e-3)
    assert told["mean"] == pytest.approx(np.mean(expected), abs=2e-3)
    assert told["standard_error"] == pytest.approx(np.std(told["auc"], ddof=1) / np.sqrt(2))
    assert shown(homes["bank"], seen.run).facts["cross_validation"] == told


def test_the_fits_of_all_folds_count_against_the_limit() -> None:
    plan = Plan.model_validate(tomllib.loads(PLAN))
    session = cast(Session, SimpleNamespace(seating=seating(THREE, {})))

    def matrix(columns: int) -> OwnMatrix:
        return cast(OwnMatrix, SimpleNamespace(widths={"bank": 90, "platform": columns}, training_rows=600))

    check_folds(session, plan, matrix(4))  # 12 sums over 600 rows: two in a hundred.
    with pytest.raises(PlanRefused, match="15 columns over 600 training rows"):
        check_folds(session, plan, matrix(5))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("folds = 1", "split.folds"),
        ('folds = 2\n[scores]\nopen = "none"', "scores.open"),
        ('folds = 2\n[model]\nkind = "boosting"', "only vertical plans"),
    ],
)
def test_a_plan_that_cannot_be_cross_validated_is_refused(change: str, told: str) -> None:
    parties = '[parties.bank]\nrole = "label"\n[parties.platform]'
    text = f'name = "a"\npurpose = "b"\n{parties}\n[split]\n{change}\n'
    with pytest.raises(ValidationError, match=told):
        Plan.model_validate(tomllib.loads(text))
