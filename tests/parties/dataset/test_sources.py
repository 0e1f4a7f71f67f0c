"""A dataset may name a database or a folder instead of a file; what is wrong there is told with the rest."""

from __future__ import annotations

import re
import sqlite3
import tomllib
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crypto.errors import UsageError
from federation.ids import PartyId
from parties.boosting.bins import Bins
from parties.connectors import Database, FileSource, ParquetFolder
from parties.dataset import DatasetConfig, from_party_table, hindrances
from parties.features.spec import FeatureSpec
from parties.home import PartyHome
from parties.horizontal.columns import schema
from parties.privacy.charge import Marks
from tests.system.federation import command

SECRET = "s3cr3t-4711"
SQL = 'key = "id"\n[sql]\nurl = "sqlite:///bank.db"\ntable = "firms"\n'


def parse(text: str, folder: Path = Path("/home/bank")) -> DatasetConfig:
    return from_party_table("loans", tomllib.loads(text), party="bank", folder=folder)


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "bank.db")) as db:
        db.execute("CREATE TABLE firms (id TEXT, staff INTEGER, bad INTEGER, scan BLOB)")
        db.executemany(
            "INSERT INTO firms VALUES (?, ?, ?, x'00')", [(f"f{i}", i, i % 3 == 0) for i in range(200)]
        )
        db.commit()
    return tmp_path


def test_each_kind_of_source_is_read_from_its_key() -> None:
    home = Path("/home/bank")
    assert parse('file = "a.csv"\nkey = "id"').source == FileSource(home / "a.csv")
    assert parse('folder = "a"\nkey = "id"').source == ParquetFolder(home / "a")
    assert parse(SQL).source == Database(home, url="sqlite:///bank.db", table="firms")
    assert parse(SQL).place.file == "sql table firms"


def test_what_the_page_on_sources_shows_is_accepted_and_every_key_is_on_it() -> None:
    page = (Path(__file__).parents[3] / "docs" / "sources.md").read_text()
    blocks = [tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)]
    shown = [
        from_party_table(name, table, party="bank", folder=Path("/home/bank")).source
        for block in blocks
        for name, table in block["datasets"].items()
    ]
    assert [type(source) for source in shown] == [Database, ParquetFolder]
    keys = {each.name for each in fields(Database)} - {"folder"}
    assert keys == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('key = "id"', "[datasets.loans] file is missing"),
        ('file = "a.csv"\nfolder = "a"\nkey = "id"', "names file and folder: keep one"),
        ('folder = ""\nkey = "id"', "folder must be a text"),
        ('sql = "x"\nkey = "id"', "sql must be a table"),
        (SQL + 'pasword_env = "A"\n', "[datasets.loans.sql] pasword_env is not known here"),
        (SQL + "query_seconds = 1.5\n", "[datasets.loans.sql] query_seconds must be a whole number"),
        (SQL.replace("id", ""), "[datasets.loans] key must be a text"),
        (
            SQL.replace("sqlite:///bank.db", f"postgresql://a:{SECRET}@localhost/b"),
            "[datasets.loans.sql] the url holds a password",
        ),
    ],
)
def test_what_is_wrong_is_told_by_its_place(text: str, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert told in str(refused.value)
    assert SECRET not in str(refused.value) + refused.value.advice
    if "password" in told:
        assert "password_file" in refused.value.advice


def test_the_password_is_no_part_of_what_is_kept_of_a_source(
    bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READER", SECRET)
    monkeypatch.setenv("ADDRESS", f"postgresql://reader:{SECRET}@localhost/risk")
    for text in (
        'url = "postgresql://reader@localhost/risk"\npassword_env = "READER"',
        'url_env = "ADDRESS"',
    ):
        config = parse(f'key = "id"\n[sql]\n{text}\ntable = "firms"\n', bank)
        marks = Marks.of(config, bank, content="00").to_json()
        assert SECRET not in repr(config) + str(marks) + config.place.file
        assert marks["path"] == "postgresql://localhost:5432/risk#firms"


def test_what_is_excluded_is_not_selected_but_must_be_there(bank: Path) -> None:
    config = parse('exclude = ["scan", "staff"]\nsize = "staff"\n' + SQL, bank)
    snapshot = config.read()
    assert tuple(snapshot.frame.columns) == ("id", "staff", "bad")  # staff has another role too.
    assert config.digest() == snapshot.digest
    missing = parse('exclude = ["scam"]\n' + SQL, bank)
    with pytest.raises(UsageError, match="'scam', which the table does not have"):
        missing.check_columns(missing.present())


def test_a_round_goes_on_without_an_excluded_column_that_a_database_did_not_give(bank: Path) -> None:
    config = parse('label = "bad"\nexclude = ["scan"]\nunits = { scan = "CNY" }\n' + SQL, bank)
    frame = config.read().frame
    rows = np.ones(len(frame), dtype=bool)
    assert FeatureSpec.fit(frame, rows, config).names == ("staff",)
    assert len(Bins.fit(frame, rows, config, 8, 50).cuts) == 1
    assert [name for name, _ in schema(frame, config, {})] == ["staff"]
    with pytest.raises(UsageError, match="exclude names column 'scan'"):
        config.check_columns(frame.columns)


def test_a_source_that_is_not_there_is_told_when_the_node_starts(bank: Path) -> None:
    tables = {"loans": tomllib.loads(SQL), "gone": tomllib.loads(SQL.replace("firms", "gone"))}
    (told,) = hindrances(tables, party="bank", folder=bank)
    assert told.startswith("dataset gone is not ready for a round: party bank, file sql table gone: ")


def test_looking_at_a_database_tells_the_digest_that_a_round_will_keep(bank: Path) -> None:
    home = PartyHome.create(bank / "party", PartyId("bank"))
    table = '[datasets.data]\nkey = "id"\nlabel = "bad"\nexclude = ["scan"]\n'
    home.config_file.write_text(
        f'name = "bank"\n{table}[datasets.data.sql]\nurl = "sqlite:///../bank.db"\ntable = "firms"\n'
    )
    owner = ("--jurisdiction", "CN", "--kind", "bank", "--legal-name", "Bank")
    inspected = command("data", "inspect", "--home", home.folder, *owner)
    checked = command("data", "check", "--home", home.folder)
    manifest = home.folder / "governance" / "data.manifest.toml"
    fitted = command("data", "check", "--home", home.folder, "--manifest", manifest)
    assert inspected["sha256"] == checked["sha256"] and len(str(checked["sha256"])) == 64
    assert (inspected["file"], inspected["rows"], fitted["misfits"]) == ("sql table firms", 200, [])
    with closing(sqlite3.connect(bank / "bank.db")) as db:
        db.execute("UPDATE firms SET staff = 7 WHERE id = 'f5'")
        db.commit()
    assert command("data", "check", "--home", home.folder)["sha256"] != checked["sha256"]
    (bank / "firms").mkdir()
    rows = {"id": [f"f{i}" for i in range(200)], "bad": [int(i % 3 == 0) for i in range(200)]}
    pq.write_table(pa.table({**rows, "staff": range(200)}), bank / "firms" / "a.parquet")
    home.config_file.write_text(f'name = "bank"\n{table}folder = "../firms"\n'.replace('["scan"]', "[]"))
    assert command("data", "check", "--home", home.folder)["sha256"] == checked["sha256"]  # The same rows.
