"""A table of SQLite becomes what a file of it would, is only read, and is known again by its rows."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from parties.connectors import Database, read_table
from parties.errors import DatasetError

SECRET = "s3cr3t-4711"
ROWS = [("A1", 10, 1.5, "shop"), ("B2", None, 2.5, ""), ("C3", 30, None, "farm")]


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "bank.db")) as db:
        db.execute('CREATE TABLE firms (id TEXT, staff INTEGER, "debt ratio" REAL, kind TEXT)')
        db.executemany("INSERT INTO firms VALUES (?, ?, ?, ?)", ROWS)
        db.commit()
    return tmp_path


def database(folder: Path, **fields: object) -> Database:
    what = {"table": "firms"} if "query" not in fields else {}
    return Database(folder, **{"url": "sqlite:///bank.db", **what, **fields})  # type: ignore[arg-type]


def change(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "bank.db")) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


def refused(read: Callable[[], object]) -> DatasetError:
    with pytest.raises(DatasetError) as caught:
        read()
    told = str(caught.value) + caught.value.advice + repr(caught.value)
    assert SECRET not in told and caught.value.__cause__ is None
    return caught.value


def test_a_table_is_what_a_csv_file_of_it_is(bank: Path) -> None:
    (bank / "firms.csv").write_text(
        "id,staff,debt ratio,kind\n" + "".join(f"{a},{b or ''},{c or ''},{d}\n" for a, b, c, d in ROWS)
    )
    snapshot = database(bank).read()
    assert snapshot.present == ("id", "staff", "debt ratio", "kind")
    pd.testing.assert_frame_equal(
        snapshot.frame.sort_values("id", ignore_index=True), read_table(bank / "firms.csv")
    )


def test_neither_the_order_of_rows_nor_the_batch_has_a_part_in_the_digest(
    bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = database(bank).read()
    change(bank, "CREATE TABLE other AS SELECT * FROM firms ORDER BY id DESC")
    monkeypatch.setattr("parties.connectors.database._BATCH", 1)
    again = database(bank, table="other").read()
    assert again.digest == first.digest
    pd.testing.assert_frame_equal(again.frame, first.frame)  # The same rows under the same numbers.


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE firms SET staff = 11 WHERE id = 'A1'",
        "UPDATE firms SET staff = NULL WHERE id = 'A1'",
        "DELETE FROM firms WHERE id = 'A1'",
        "INSERT INTO firms SELECT * FROM firms WHERE id = 'A1'",
        "UPDATE firms SET kind = 'farm' WHERE id = 'A1'",
        "ALTER TABLE firms RENAME COLUMN kind TO sort",
    ],
)
def test_a_table_that_changed_between_two_readings_has_another_digest(bank: Path, statement: str) -> None:
    first = database(bank).digest()
    assert database(bank).digest() == first
    change(bank, statement)
    assert database(bank).digest() != first


def test_cells_that_are_swapped_between_columns_change_the_digest(bank: Path) -> None:
    change(bank, "CREATE TABLE two (a TEXT, b TEXT)", "INSERT INTO two VALUES ('x', 'y'), ('y', 'x')")
    first = database(bank, table="two").digest()
    change(bank, "UPDATE two SET a = 'x', b = 'x' WHERE a = 'x'", "UPDATE two SET b = 'y' WHERE a = 'y'")
    assert database(bank, table="two").digest() != first


def test_only_the_columns_that_are_asked_for_are_read(bank: Path) -> None:
    change(bank, "ALTER TABLE firms ADD COLUMN photo BLOB", "UPDATE firms SET photo = x'00ff'")
    snapshot = database(bank).read(lambda present: tuple(each for each in present if each != "photo"))
    assert "photo" in snapshot.present and "photo" not in snapshot.frame.columns
    error = refused(database(bank).read)
    assert error.field == "photo" and "bytes" in error.what and "exclude" in error.advice


def test_whole_numbers_that_are_keys_stay_text_and_long_ones_are_not_rounded(bank: Path) -> None:
    change(
        bank,
        "CREATE TABLE codes (id INTEGER, account INTEGER)",
        f"INSERT INTO codes VALUES (1, {2**53 + 1}), (NULL, NULL), (3, 5)",
    )
    frame = database(bank, table="codes").read(codes=frozenset({"id"})).frame
    assert sorted(frame["id"].dropna()) == ["1", "3"] and frame["id"].isna().sum() == 1
    assert sorted(frame["account"].dropna()) == ["5", str(2**53 + 1)]


def test_a_column_of_numbers_and_text_is_refused_by_its_name(bank: Path) -> None:
    change(
        bank, "CREATE TABLE mixed (id TEXT, staff)", f"INSERT INTO mixed VALUES ('a', 1), ('b', '{SECRET}')"
    )
    assert refused(database(bank, table="mixed").read).field == "staff"


def test_a_query_may_hold_colons_percent_signs_and_a_comment_at_its_end(bank: Path) -> None:
    query = "SELECT id, 'a:b' AS sign, 7 % 4 AS rest FROM firms WHERE kind LIKE 's%' -- shops :x"
    frame = database(bank, query=query).read().frame
    assert frame.to_dict("list") == {"id": ["A1"], "sign": ["a:b"], "rest": [3]}


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM firms",
        "SELECT 1; DELETE FROM firms",
        "SELECT 1 AS a) AS x; DELETE FROM firms; SELECT * FROM (SELECT 1",
        "PRAGMA writable_schema = 1",
        "ATTACH 'other.db' AS other",
    ],
)
def test_a_query_that_is_not_one_select_is_refused_before_anything_is_opened(bank: Path, query: str) -> None:
    assert "query must be one" in refused(lambda: database(bank, query=query)).what


def test_what_the_words_let_through_the_session_does_not(bank: Path) -> None:
    """The session counts, not the words: a WITH may precede a DELETE, and functions may do anything."""
    before = (bank / "bank.db").read_bytes()
    for query in (
        "WITH gone AS (SELECT 1) DELETE FROM firms RETURNING id",
        "SELECT load_extension('/tmp/x.so') AS a",
        "SELECT writefile('/tmp/x', 'y') AS a",
    ):
        refused(database(bank, query=query).read)
    assert (bank / "bank.db").read_bytes() == before


@pytest.mark.parametrize("table", ['firms" WHERE 1 --', "firms'; DROP TABLE firms", 'a"."b', "FIRMS x"])
def test_a_tables_name_is_a_name_whatever_stands_in_it(bank: Path, table: str) -> None:
    refused(database(bank, table=table).read)
    change(bank, f"""CREATE TABLE "{table.replace('"', '""').split(".")[-1]}" AS SELECT * FROM firms""")
    if "." not in table:
        assert len(database(bank, table=table).read().frame) == len(ROWS)
    assert len(database(bank).read().frame) == len(ROWS)


def test_a_missing_file_is_told_and_not_made(bank: Path) -> None:
    error = refused(database(bank, url="sqlite:///gone.db").read)
    assert "no such database file" in error.what
    assert not (bank / "gone.db").exists()
    (bank / "text.db").write_text("no database " * 200)
    assert "no SQLite database" in refused(database(bank, url="sqlite:///text.db").read).what


def test_a_file_that_another_program_holds_is_not_waited_for_longer_than_is_said(bank: Path) -> None:
    with closing(sqlite3.connect(bank / "bank.db")) as db:
        db.execute("BEGIN EXCLUSIVE")
        assert "locked for 1 seconds" in refused(database(bank, connect_seconds=1).read).what
        db.rollback()
    assert len(database(bank).read().frame) == len(ROWS)


def test_a_query_that_does_not_end_is_ended(bank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.monotonic()
    monkeypatch.setattr(
        "parties.connectors.database.time",
        type("Clock", (), {"monotonic": staticmethod(lambda: begun - 700)}),
    )
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS m FROM n"
    assert "query_seconds" in refused(database(bank, query=endless).read).what


def test_a_table_without_rows_is_refused(bank: Path) -> None:
    assert "no rows" in refused(database(bank, query="SELECT * FROM firms WHERE 0").read).what


# -- what party.toml may say -----------------------------------------------------------------------------

PG = "postgresql://reader@localhost/risk"
WRONG = {
    "holds a password": {"url": f"postgresql://reader:{SECRET}@localhost/risk"},
    "holds a password ": {"url": f"postgresql://reader@localhost/risk?password={SECRET}"},
    "no options but host": {"url": f"{PG}?options=-cdefault_transaction_read_only=off"},
    "neither of postgresql nor of sqlite": {"url": f"mysql://reader:{SECRET}@localhost/risk"},
    "no address": {"url": f"postgresql://reader:{SECRET}@localhost:port/risk"},
    "no address ": {"url": SECRET},
    "names no host": {"url": "postgresql://reader@/risk"},
    "names no user": {"url": "postgresql://localhost/risk"},
    "or several": {"url": "postgresql://reader@10.0.0.1,10.0.0.2/risk"},
    "names no database": {"url": "postgresql://reader@localhost"},
    "nobody vouches for the server": {"url": "postgresql://reader@db.example/risk"},
    "nobody vouches for the server ": {"url": PG, "sslmode": "verify-ca"},
    "for a server on this machine": {"url": "postgresql://reader@db.example/risk", "sslmode": "disable"},
    "sslmode must be one of": {"url": PG, "sslmode": "allow"},
    "not both": {"url": PG, "password_env": "A", "password_file": "b"},
    "says nothing about a file": {"password_env": "A"},
    "url or url_env": {"url_env": "A"},
    "table or query": {"table": "firms", "query": "SELECT 1"},
    "must be a name": {"table": "a..b"},
    "must be a name ": {"table": "a\x00b"},
    "connect_seconds": {"connect_seconds": 0},
    "query_seconds": {"query_seconds": 100_000},
}


@pytest.mark.parametrize("why", WRONG)
def test_what_cannot_be_is_refused_without_the_address(tmp_path: Path, why: str) -> None:
    assert why.strip() in refused(lambda: database(tmp_path, **WRONG[why])).what


def test_a_password_in_the_url_is_answered_by_where_it_may_stand(tmp_path: Path) -> None:
    error = refused(lambda: database(tmp_path, url=f"postgresql://reader:{SECRET}@localhost/risk"))
    assert "password_env" in error.advice and "password_file" in error.advice


def test_an_address_of_the_environment_is_read_when_it_is_needed(
    bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = database(bank, url=None, url_env="BANK_URL")
    assert "BANK_URL" in refused(source.read).what
    monkeypatch.setenv("BANK_URL", f"mysql://reader:{SECRET}@localhost/risk")
    assert "neither of postgresql" in refused(source.read).what
    monkeypatch.setenv("BANK_URL", "sqlite:///bank.db")
    assert source.digest() == database(bank).digest()


@pytest.mark.parametrize("content", ["", "\n", "two\nlines"])
def test_a_password_file_must_hold_a_password_for_its_owner_alone(tmp_path: Path, content: str) -> None:
    file = tmp_path / "password"
    file.write_text(content)
    file.chmod(0o600)
    source = database(tmp_path, url=PG, password_file="password")
    assert "no password" in refused(source.columns).what
    file.write_text(SECRET)
    file.chmod(0o640)
    with pytest.raises(Exception, match="others on this machine can read") as caught:
        source.columns()
    assert SECRET not in str(caught.value)


def test_where_a_table_lies_is_known_without_user_and_query(bank: Path) -> None:
    assert database(bank).where == f"sqlite:{bank.resolve()}/bank.db#firms"
    query = "SELECT * FROM firms WHERE id <> 'A1'"
    assert database(bank, url=PG, query=query).where == (
        f"postgresql://localhost:5432/risk#{hashlib.sha256(query.encode()).hexdigest()}"
    )
    assert "A1" not in repr(database(bank, query=query))


def test_numbers_are_read_to_the_last_bit(bank: Path) -> None:
    numbers = np.random.default_rng(5).standard_normal(50) * 10.0 ** np.arange(-20, 30)
    change(
        bank, "CREATE TABLE exact (x REAL)", *(f"INSERT INTO exact VALUES ({x!r})" for x in numbers.tolist())
    )
    np.testing.assert_array_equal(
        np.sort(database(bank, table="exact").read().frame["x"].to_numpy()), np.sort(numbers)
    )
