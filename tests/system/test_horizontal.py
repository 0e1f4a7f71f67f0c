"""A horizontal round survives that its roles are killed. Real processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.system.federation import ROUND_SECONDS, Federation, Table
from tests.system.in_memory import rehearse

BANKS = ("north", "south", "east")
#: So many that somebody can be killed in the middle: over the network each takes a tenth of a second or more,
#: however little there is to train.
ROUNDS = 24


def firms(seed: int, rows: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    sales, debt = generator.lognormal(8, 1, rows), generator.normal(0, 1, rows)
    sector = generator.choice(["food", "steel", "trade"], rows)
    logit = 0.8 * debt - 0.4 * (np.log(sales) - 8) + 0.5 * (sector == "steel") - 1
    bad = (generator.random(rows) < 1 / (1 + np.exp(-logit))).astype(int)
    names = [f"{seed}-{number}" for number in range(rows)]
    return pd.DataFrame({"firm": names, "sales": sales, "debt": debt, "sector": sector, "bad": bad})


@pytest.fixture(scope="module")
def banks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    folder: Path = tmp_path_factory.mktemp("banks")
    tables = []
    for seed, name in enumerate(BANKS):
        file = folder / f"{name}.csv"
        firms(seed, 600 + 200 * seed).to_csv(file, index=False)
        tables.append(Table(name, "data", file, 'key = "firm"\nlabel = "bad"'))
    with Federation(folder / "federation", tables) as running:
        yield running


def plan() -> str:
    named = "".join(f"[parties.{name}]\n" for name in BANKS)
    head = 'name = "banks"\npurpose = "credit-scoring"\nshape = "horizontal"\n'
    training = f"[training]\nrounds = {ROUNDS}\nlocal_epochs = 4\n[sum]\nprotection = 'mask'\n"
    return head + named + training


def kept(banks: Federation, party: str, run: str, file: str) -> dict[str, Any]:
    return dict(json.loads((banks.party(party) / "rounds" / run / file).read_text()))


def vector(banks: Federation, party: str, run: str) -> str:
    state = kept(banks, party, run, "state.json")
    assert state["number"] == ROUNDS
    return str(state["vector"])


def wait_round(banks: Federation, run: str, party: str, number: int) -> None:
    def there() -> bool:
        status = banks.status(run)["parties"][party]
        return status["step"] == "training" and status["iteration"] >= number

    banks.wait_for(there, f"round {number} of {run}", "federation", ROUND_SECONDS)


@pytest.fixture(scope="module")
def undisturbed(banks: Federation) -> str:
    """The same plan with the same parties' folders, in this process: what the processes must come to."""
    seen = rehearse(banks, plan())
    assert seen.errors == {}
    return str(seen.run)


def test_every_party_has_the_same_model_and_knows_what_it_gained(banks: Federation, undisturbed: str) -> None:
    vectors = {vector(banks, party, undisturbed) for party in BANKS}
    assert len(vectors) == 1
    for party in BANKS:
        found = kept(banks, party, undisturbed, "evaluation.json")
        assert found["local"]["auc"] > 0.6 and found["federated"]["auc"] > 0.6
        assert found["joint"] == kept(banks, BANKS[0], undisturbed, "evaluation.json")["joint"]
        assert found["history"][-1]["loss"] < found["history"][0]["loss"]


@pytest.mark.long
def test_a_party_and_then_the_aggregator_are_killed_and_the_result_is_the_same(
    banks: Federation, undisturbed: str
) -> None:
    run = banks.submit(plan())
    wait_round(banks, run, "south", 4)
    banks.kill("south")
    banks.start_party("south")
    banks.wait_for(lambda: banks.status(run)["attempt"] == 2, "a second attempt", "federation", ROUND_SECONDS)
    reached = banks.status(run)["parties"]["north"]["iteration"]
    wait_round(banks, run, "south", reached + 2)
    banks.kill("federation")
    banks.start_coordinator()
    status = banks.wait_over(run)
    assert status["state"] == "finished", status["cause"]
    assert status["attempt"] >= 3 and len(status["interruptions"]) >= 2
    for party in BANKS:
        assert vector(banks, party, run) == vector(banks, party, undisturbed)
        again, before = (kept(banks, party, each, "evaluation.json") for each in (run, undisturbed))
        assert again == before
