"""A round whose parties keep their rows in a database, in a folder and in a file."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from crypto.errors import UsageError
from federation import files
from federation.ids import PartyId
from federation.plan import Plan
from parties.connectors import Database, ParquetFolder
from parties.sandbox.founding import found, vertical_plan
from tests.parties.scorecard.world import config, tables
from tests.system.federation import command
from tests.system.in_memory import rehearse_sandbox
from tests.system.test_model_life import NOWHERE

ROWS = 1200


@dataclass(frozen=True)
class Sources:
    """The bank's home, and that of the platform, after a scorecard's round; `database` is the bank's."""

    bank: Path
    platform: Path
    database: Path

    def change(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.database)) as db:
            for statement in statements:
                db.execute(statement)
            db.commit()


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """The tables are given as files, as a demo takes them; then two parties move theirs elsewhere."""
    folder = tmp_path_factory.mktemp("sources")
    datasets = {}
    for place, (party, frame) in enumerate(tables(ROWS).items()):
        mixed = frame.sample(frac=1, random_state=place)
        mixed.to_csv(folder / f"{party}.csv", index=False)
        datasets[PartyId(party)] = replace(config(party), file=folder / f"{party}.csv")
        if party == "bank":
            with closing(sqlite3.connect(folder / "bank.db")) as db:
                mixed.assign(late=mixed["late"].astype(str)).to_sql("loans", db, index=False)
        if party == "platform":
            (folder / "orders").mkdir()
            mixed.iloc[:500].to_parquet(folder / "orders" / "1.parquet", index=False)
            mixed.iloc[500:].to_parquet(folder / "orders" / "2.parquet", index=False)
    plan = Plan.model_validate(
        vertical_plan(datasets, "scorecard").model_dump() | {"scores": {"open": "all"}}
    )
    sandbox = found(folder, datasets, plan, NOWHERE, NOWHERE, dt.datetime.now(dt.UTC))
    bank, platform = (sandbox.parties[PartyId(name)] for name in ("bank", "platform"))
    _move(bank.config_file, "", f'[datasets.data.sql]\nurl = "sqlite:///{folder}/bank.db"\ntable = "loans"')
    _move(platform.config_file, f'folder = "{folder}/orders"', "")
    for name in ("bank", "platform"):
        (folder / f"{name}.csv").unlink()
    rehearse_sandbox(sandbox)
    return Sources(bank.folder, platform.folder, folder / "bank.db")


def _move(config_file: Path, line: str, table: str) -> None:
    said = config_file.read_text().splitlines()
    moved = [line if each.startswith("file = ") else each for each in said]
    config_file.write_text("\n".join([*moved, table, ""]))


def test_a_round_keeps_the_digest_of_the_rows_that_it_read(sources: Sources) -> None:
    for home, source in (
        (sources.bank, Database(sources.bank, url=f"sqlite:///{sources.database}", table="loans")),
        (sources.platform, ParquetFolder(sources.database.parent / "orders")),
    ):
        (round_folder,) = (home / "rounds").iterdir()
        spent = files.read_json(round_folder / "spent.json")
        assert spent["table_sha256"] == source.digest() == command("data", "check", "--home", home)["sha256"]
        assert spent["rows"] == ROWS


def test_single_rows_are_found_again_though_a_database_has_no_order(sources: Sources, tmp_path: Path) -> None:
    """What was kept of a round goes by the number of a row: the same firm has the same one again."""
    first, again = tmp_path / "first.parquet", tmp_path / "again.parquet"
    command("model", "score", "--home", sources.bank, "--out", first)
    shuffle = "CREATE TABLE moved AS SELECT * FROM loans ORDER BY random()"
    sources.change(shuffle, "DELETE FROM loans", "INSERT INTO loans SELECT * FROM moved")
    command("model", "score", "--home", sources.bank, "--out", again)
    pd.testing.assert_frame_equal(pd.read_parquet(again), pd.read_parquet(first))
    explained = command("model", "explain", "--home", sources.bank, "--worst", 5)["firms"]
    scores = pd.read_parquet(first).set_index("id")["score"]
    assert [each["score"] for each in explained] == [scores[each["firm"]] for each in explained]


def test_a_table_that_changed_since_the_round_is_told_wherever_rows_are_needed(
    sources: Sources, tmp_path: Path
) -> None:
    change = "UPDATE loans SET bad = 1 - bad WHERE id = 'firm7'"
    sources.change(change)
    try:
        for asked in (("score", "--out", tmp_path / "s.csv"), ("explain", "--worst", 3)):
            with pytest.raises(UsageError, match="the table has changed since"):
                command("model", *asked, "--home", sources.bank)
        command("model", "document", "--home", sources.bank, "--out", tmp_path / "model.md")
    finally:
        sources.change(change)
    text = (tmp_path / "model.md").read_text()
    assert "sql table loans" in text and "another one: figures below that need its rows" in text
    command("model", "document", "--home", sources.bank, "--out", tmp_path / "model.md")
    assert "another one: figures below" not in (tmp_path / "model.md").read_text()
