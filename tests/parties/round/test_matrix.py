"""A party's columns before training: no party is given more sums than its rows allow, whatever it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crypto.errors import Refusal
from crypto.private import Private
from crypto.sealed import RowMarks
from federation.errors import PlanRefused
from federation.ids import AGGREGATOR
from federation.message import Role
from federation.messages.round import Prepared, TrainingRows
from federation.plan import Plan
from federation.session import Session
from parties.dataset import DatasetConfig
from parties.keys import align_keys
from parties.round.matrix import prepare
from parties.round.rows import OwnTable
from tests.seats import THREE, run_seats

ROWS = 400
PLAN = Plan.model_validate(
    {"name": "test", "purpose": "test", "parties": {"bank": {"role": "label"}, "platform": {}, "public": {}}}
)


def honest(session: Session) -> Any:
    rng = np.random.default_rng(len(session.me))
    frame = pd.DataFrame({"id": [f"F{i}" for i in range(ROWS)], "size": rng.normal(size=ROWS)})
    label = "default" if session.role is Role.LABEL else None
    if label is not None:
        frame[label] = rng.permutation(np.arange(ROWS) % 4 == 0).astype(int)
    dataset = DatasetConfig("data", Path("data.csv"), "id", label=label, party=session.me)
    keys = align_keys(frame, dataset)
    table = OwnTable(Private(frame), keys.ids, keys.positions, keys.report)
    return prepare(session, PLAN, dataset, table, Private(np.arange(ROWS)))


def announcing(columns: int) -> Callable[[Session], Any]:
    """A party that says it has so many columns, whatever its own program would check."""

    def part(session: Session) -> Any:
        if session.role is Role.LABEL:
            marks = RowMarks.of(np.arange(ROWS) % 4 != 0)
            session.send_all(session.others(), TrainingRows(marks))
        else:
            session.receive(session.seating.playing(Role.LABEL), TrainingRows)
        session.send_all(session.others(), Prepared(columns))
        return session.gather(session.others(), Prepared)

    return part


def run(**parts: Callable[[Session], Any]) -> dict[str, Any]:
    everyone = dict.fromkeys(("bank", "platform", "public"), honest)
    return run_seats(THREE, {**everyone, **parts, AGGREGATOR: lambda session: None})


def test_all_parties_know_the_same_widths() -> None:
    out = run()
    for name in ("bank", "platform", "public"):
        assert out[name].widths == {"bank": 2, "platform": 1, "public": 1}


@pytest.mark.parametrize("liar", ["platform", "public"])
def test_the_others_count_the_equations_of_a_party_that_does_not(liar: str) -> None:
    with pytest.raises(PlanRefused, match=r"times the 0\.02 that the plan allows") as refused:
        run(**{liar: announcing(60)})
    assert refused.value.party == liar


def test_a_label_party_with_as_many_columns_as_rows_is_refused() -> None:
    with pytest.raises(PlanRefused, match="more than a quarter") as refused:
        run(bank=announcing(300))
    assert refused.value.party == "bank"


@pytest.mark.parametrize("columns", [0, -1])
def test_a_number_of_columns_that_is_none_is_refused_and_its_sender_named(columns: int) -> None:
    with pytest.raises(Refusal) as refused:
        run(public=announcing(columns))
    assert refused.value.party == "public"
