"""A plan played with imagined partners: to its end in every shape, by the own error, and without a trace."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from federation.coordinator.record import RoundStatus
from federation.errors import IsthmusError, PlanRefused, UsageError
from federation.ids import PartyId
from federation.plan import Plan
from parties.home import PartyHome
from parties.sandbox.dry_run import DryRun, dry_run

NOW = dt.datetime.now(dt.UTC)
TABLE = """
[datasets.data]
file = "firms.csv"
key = "id"
{label}
"""


def table(rows: int = 700) -> pd.DataFrame:
    """Two columns of numbers, one of levels, an outcome that has to do with the first."""
    rng = np.random.default_rng(1)
    ratio = rng.random(rows)
    return pd.DataFrame(
        {
            "id": [f"F{number:05d}" for number in range(rows)],
            "ratio": ratio,
            "growth": rng.standard_normal(rows),
            "grade": rng.choice(["A", "B"], rows),
            "default": (rng.random(rows) < 0.1 + 0.3 * ratio).astype(int),
        }
    )


def party(folder: Path, frame: pd.DataFrame | None = None, *, label: bool = True) -> PartyHome:
    """The bank with `frame`; without a label it has no outcomes at all."""
    home = PartyHome.create(folder / "bank", PartyId("bank"))
    frame = table() if frame is None else frame
    (frame if label else frame.drop(columns="default")).to_csv(home.folder / "firms.csv", index=False)
    text = TABLE.format(label='label = "default"' if label else "")
    home.config_file.write_text(f'name = "bank"\n{text}')
    return home


def plan(**tables: object) -> Plan:
    """The smallest vertical plan, with what `tables` say."""
    parties = {"bank": {"role": "label"}, "platform": {}}
    return Plan.model_validate(
        {
            "name": "trial",
            "purpose": "credit-scoring",
            "parties": parties,
            **({} if tables.get("shape") == "horizontal" else {"alignment": {"minimum_intersection": 200}}),
            **tables,
        }
    )


HORIZONTAL = {
    "shape": "horizontal",
    "parties": {"bank": {}, "bank-b": {}, "bank-c": {}},
    "training": {"rounds": 1},
}
HYBRID = {
    "shape": "hybrid",
    "parties": {
        "platform": {"consortium": "cn"},
        "bank": {"role": "label", "consortium": "cn"},
        "platform-de": {"consortium": "de"},
        "bank-de": {"role": "label", "consortium": "de"},
    },
    "columns": {
        "ratio": {"range": [0.0, 1.0]},
        "growth": {"range": [-2.0, 2.0]},
        "grade": {"levels": ["A", "B"]},
        "void_rate": {"range": [0.0, 0.4]},
        "tax_grade": {"levels": ["A", "B", "C"]},
    },
    "training": {"rounds": 1, "mu": 0.03},
    "privacy": {"unit": "party", "noise_multiplier": 0.002, "epsilon": 1e6},
}


def played(home: PartyHome, what: Plan, columns: int = 2) -> DryRun:
    """The dry run, watched by nobody."""
    return dry_run(home, what, columns=columns, seed=0, now=NOW, watch=lambda status: None)


@pytest.mark.parametrize("tables", [{}, HORIZONTAL, HYBRID], ids=["vertical", "horizontal", "hybrid"])
def test_a_plan_of_every_shape_comes_to_its_end(tmp_path: Path, tables: dict[str, object]) -> None:
    what = plan(**tables)
    done = played(party(tmp_path), what)
    assert set(done.partners) == {*what.parties} - {"bank"}
    assert (done.rows, done.features) == (700, 3)
    assert sum(done.sent.values()) > 10_000 and sum(done.received.values()) > 10_000


def test_a_party_without_outcomes_plays_with_an_imagined_bank(tmp_path: Path) -> None:
    what = plan(parties={"platform": {"role": "label"}, "bank": {}})
    assert played(party(tmp_path, label=False), what).partners == ("platform",)


def test_rows_of_a_database_are_played_as_they_are_read(tmp_path: Path) -> None:
    home = party(tmp_path)
    with sqlite3.connect(home.folder / "firms.db") as connection:
        table().to_sql("firms", connection, index=False)
    connection.close()
    text = 'key = "id"\nlabel = "default"\n[datasets.data.sql]\nurl = "sqlite:///firms.db"\ntable = "firms"\n'
    home.config_file.write_text(f'name = "bank"\n[datasets.data]\n{text}')
    assert played(home, plan()).rows == 700


def test_a_dry_run_leaves_nothing_and_shows_its_steps(tmp_path: Path) -> None:
    home = party(tmp_path)
    before, seen = contents(home.folder), []

    def watch(status: RoundStatus) -> None:
        seen.append(status.parties[PartyId("bank")].step)

    dry_run(home, plan(), columns=2, seed=0, now=NOW, watch=watch)
    assert contents(home.folder) == before
    assert seen


def test_what_would_end_the_round_here_is_this_partys_own_error(tmp_path: Path) -> None:
    frame = table()
    frame.loc[0, "default"] = 2
    home = party(tmp_path, frame)
    before = contents(home.folder)
    with pytest.raises(IsthmusError, match="different values instead of two") as caught:
        played(home, plan())
    assert caught.value.party == "bank" and caught.value.advice
    assert contents(home.folder) == before


def test_an_imagined_partner_that_ends_the_run_is_called_imagined(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"platform, as it was imagined.*equations|platform, as it was"
    ) as caught:
        played(party(tmp_path), plan(), columns=40)
    assert caught.value.party == "bank" and "--columns" in caught.value.advice


def test_a_plan_without_this_party_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not name this party"):
        played(party(tmp_path), plan(parties={"bank-b": {"role": "label"}, "platform": {}}))


def test_a_lender_who_knows_rejected_firms_is_not_imagined(tmp_path: Path) -> None:
    with pytest.raises(PlanRefused, match="cannot be imagined") as caught:
        played(party(tmp_path), plan(model={"kind": "rejects"}))
    assert "isthmus doctor" in caught.value.advice


def contents(folder: Path) -> dict[str, str]:
    """Every file but the lock, by its digest."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "dry-run.lock"
    }
