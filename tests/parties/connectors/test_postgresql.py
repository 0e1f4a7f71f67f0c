"""A table of PostgreSQL becomes what a file of it would, by a session that can only read and always ends."""

from __future__ import annotations

import datetime as dt
import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crypto.certificates import new_tls_key, self_signed_loopback
from parties.connectors import Database, database, postgresql
from parties.connectors.cells import Gathered
from parties.errors import DatasetError
from tests.postgresql import Server

FIRMS = 12_000


@pytest.fixture(scope="module")
def firms(server: Server) -> Server:
    """Tables to read. `reader` may write them too: what keeps it from that is the session."""
    server.run(
        "CREATE TABLE lending.firms (id text PRIMARY KEY, staff int, turnover numeric(14, 2), ratio float8, "
        "listed bool, founded date, seen timestamptz, sector text, scan bytea, tags text[], extra jsonb, "
        "pause interval, opens time, address inet)",
        "INSERT INTO lending.firms SELECT 'F' || i, nullif(i % 50, 0), i * 1.25, nullif(i % 7, 0) / 3.0, "
        "i % 2 = 0, date '2020-02-29' + i % 365, timestamptz '2024-03-10 23:30:00-05' + i * interval '1 s', "
        "(ARRAY['shop', 'farm', '', '制造业'])[1 + i % 4], '\\x00', '{a,b}', '{\"a\": 1}', "
        "'1 h', '9:00', '10.0.0.1' "
        f"FROM generate_series(1, {FIRMS}) AS i",
        'CREATE TABLE lending."Odd ""name; --" ("Größe %s" int, "select" text)',
        'INSERT INTO lending."Odd ""name; --" VALUES (1, \'x\')',
        "CREATE TABLE lending.wide (account numeric(20), tiny numeric(4), note varchar, gap bool, void int)",
        "INSERT INTO lending.wide VALUES (12345678901234567890, 7, '007'), (5, 8, 'x')",
        "UPDATE lending.wide SET gap = true WHERE tiny = 8",
        "CREATE TYPE lending.grade AS ENUM ('good', 'fair')",
        "ALTER TABLE lending.wide ADD COLUMN grade lending.grade DEFAULT 'fair', ADD COLUMN ref uuid",
        "UPDATE lending.wide SET ref = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' WHERE tiny = 8",
    )
    return server


@pytest.fixture
def source(firms: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Database]:
    monkeypatch.setenv("READER_PASSWORD", firms.password)

    def made(**fields: Any) -> Database:
        what = {} if "query" in fields else {"table": "lending.firms"}
        known = {"url": firms.url(), "password_env": "READER_PASSWORD", "query_seconds": 120}
        return Database(tmp_path, **{**known, **what, **fields})

    return made


NESTED = ("scan", "tags", "extra", "pause", "opens", "address")


def plain(present: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in present if name not in NESTED)


def refused(read: Callable[[], object], *hidden: str) -> DatasetError:
    """The refusal, in which neither the server's words nor what is hidden stand."""
    with pytest.raises(DatasetError) as caught:
        read()
    error = caught.value
    told = str(error) + error.advice + repr(error) + error.cause
    assert not any(text in told for text in (*hidden, "reader", "127.0.0.1", "ERROR:", "psycopg"))
    assert error.__cause__ is None
    return error


def test_columns_are_typed_as_those_of_a_file(source: Callable[..., Database]) -> None:
    snapshot = source().read(plain)
    frame = snapshot.frame.sort_values("turnover", ignore_index=True)
    assert snapshot.present == (*plain(snapshot.present), *NESTED) and len(frame) == FIRMS
    assert frame["turnover"].dtype == np.float64 and frame["turnover"].iloc[1] == 2.5
    assert frame["staff"].dtype == np.float64 and frame["staff"].isna().sum() == FIRMS // 50
    assert frame["listed"].dtype == np.bool_
    assert frame["founded"].iloc[0] == pd.Timestamp("2020-03-01")
    assert frame["seen"].iloc[0] == pd.Timestamp("2024-03-11 04:30:01")  # UTC.
    assert frame["sector"].iloc[:4].tolist()[0] == "farm" and frame["sector"].isna().sum() == FIRMS // 4
    wide = source(table="lending.wide").read().frame.sort_values("tiny", ignore_index=True)
    assert wide["account"].tolist() == ["12345678901234567890", "5"]  # As in a CSV: float64 would round it.
    assert wide["tiny"].dtype == np.int64 and wide["note"].tolist() == ["007", "x"]
    assert wide["grade"].tolist() == ["fair", "fair"]
    assert wide["ref"].iloc[1] == "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11" and pd.isna(wide["ref"].iloc[0])
    assert wide["gap"].iloc[1] == "true" and wide[["gap", "void"]].isna().to_numpy()[0].all()


def test_the_digest_is_that_of_the_rows_whatever_their_order(
    firms: Server, source: Callable[..., Database]
) -> None:
    first = source().read(plain)
    firms.run("CREATE TABLE lending.again AS SELECT * FROM lending.firms ORDER BY md5(id)")
    again = source(table="lending.again").read(plain)
    assert again.digest == first.digest
    pd.testing.assert_frame_equal(again.frame, first.frame)
    firms.run("UPDATE lending.again SET staff = staff + 1 WHERE id = 'F77'")
    assert source(table="lending.again").digest(plain) != first.digest


@pytest.mark.parametrize("column", NESTED)
def test_a_column_that_no_model_reads_is_refused_by_name(
    source: Callable[..., Database], column: str
) -> None:
    error = refused(lambda: source().read(lambda present: ("id", column)))
    assert error.field == column and "which no model reads" in error.what


def test_names_with_quotes_signs_and_words_of_sql_are_names(source: Callable[..., Database]) -> None:
    odd = source(table='lending.Odd "name; --')
    assert odd.columns() == ("Größe %s", "select")
    assert odd.read().frame.to_dict("list") == {"Größe %s": [1], "select": ["x"]}
    assert (
        "no such table" in refused(source(table='lending.firms"; DROP TABLE lending.firms; --').columns).what
    )
    assert "no such table" in refused(source(table="gone.firms").columns).what


def test_a_query_may_hold_colons_percent_signs_and_a_comment(source: Callable[..., Database]) -> None:
    sign = "SELECT id, id::varchar || ':b' AS sign, 7 % 4 AS rest"
    query = f"{sign} FROM lending.firms WHERE id LIKE 'F12_' -- :x %s"
    frame = source(query=query).read().frame.sort_values("id", ignore_index=True)
    assert frame.iloc[0].tolist() == ["F120", "F120:b", 3] and len(frame) == 10
    assert "earlier one" in refused(source(query="SELECT 1 AS a, 2 AS a").columns).what


@pytest.mark.parametrize(
    "query",
    [
        "WITH gone AS (DELETE FROM lending.firms RETURNING id) SELECT * FROM gone",
        "SELECT nextval('lending.counter') AS a",
        "SELECT lending.writes() AS a",
        "SELECT set_config('transaction_read_only', 'off', false), lending.writes() AS a",
    ],
)
def test_a_query_cannot_write_though_its_user_may(
    firms: Server, source: Callable[..., Database], query: str
) -> None:
    firms.run(
        "CREATE SEQUENCE IF NOT EXISTS lending.counter",
        "GRANT ALL ON SEQUENCE lending.counter TO reader",
        "CREATE OR REPLACE FUNCTION lending.writes() RETURNS int LANGUAGE sql AS "
        "$$ DELETE FROM lending.firms RETURNING 1 $$",
    )
    refused(source(query=query).read)
    with firms.connect() as session:
        count = session.execute("SELECT count(*) FROM lending.firms").fetchone()
        called = session.execute("SELECT is_called FROM lending.counter").fetchone()
    assert (count, called) == ((FIRMS,), (False,))


def test_the_columns_and_the_rows_are_of_one_moment(firms: Server, source: Callable[..., Database]) -> None:
    """A row that comes while the table is read is not half in it."""
    firms.run("CREATE TABLE lending.moving AS SELECT id, staff FROM lending.firms")
    late = threading.Event()

    def choose(present: tuple[str, ...]) -> tuple[str, ...]:
        firms.run("INSERT INTO lending.moving VALUES ('late', 1)")
        late.set()
        return present

    moving = source(table="lending.moving")
    assert len(moving.read(choose).frame) == FIRMS and late.is_set()
    assert len(moving.read().frame) == FIRMS + 1


def test_a_wrong_password_is_told_without_it(
    source: Callable[..., Database], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("READER_PASSWORD", "w1ng-hidden")
    with caplog.at_level(logging.DEBUG):
        error = refused(source().read, "w1ng-hidden")
    assert "does not let this user in" in error.what
    assert "w1ng-hidden" not in caplog.text
    assert "w1ng-hidden" not in "".join(traceback.format_exception(error))
    monkeypatch.delenv("READER_PASSWORD")
    assert "READER_PASSWORD, where its password is kept, is not set" in refused(source().read).what


def test_no_cell_is_logged_however_much_is(
    source: Callable[..., Database], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        source(query="SELECT 'F' || 4711 || 'cell' AS id").read()
    assert "F4711cell" not in caplog.text


def test_the_other_roles_hear_that_it_cannot_be_read_and_no_more(source: Callable[..., Database]) -> None:
    error = refused(source(table="lending.gone").columns)
    assert error.told == "its dataset cannot be read where it lies; its own people are told where"


def test_what_is_not_there_or_not_permitted_is_told_apart(
    firms: Server, source: Callable[..., Database]
) -> None:
    firms.run("CREATE TABLE public.hidden (id int)", "REVOKE ALL ON public.hidden FROM reader, public")
    assert "may not read it" in refused(source(table="hidden").columns).what
    assert "no such table" in refused(source(table="lending.FIRMS").columns).what
    assert "no such column" in refused(source(query="SELECT nothing FROM lending.firms").columns).what
    assert "no such database" in refused(source(url=firms.url(database="gone")).columns).what
    assert "did not understand" in refused(source(query="SELECT FROM WHERE").columns).what
    assert (
        "a cell cannot be read"
        in refused(source(query="SELECT 1 / (staff - 1) AS a FROM lending.firms").read).what
    )
    assert "cannot be read" in refused(source(query="SELECT date 'infinity' AS a").read).what


def test_a_server_is_recognised_by_its_certificate_or_not_spoken_to(
    firms: Server, source: Callable[..., Database], tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_bytes(firms.certificate.read_bytes())
    (tmp_path / "other.pem").write_bytes(self_signed_loopback(new_tls_key(), dt.datetime.now(dt.UTC)))
    elsewhere = firms.url(host="127.0.0.2")  # The certificate does not name it.
    encrypted = source(sslmode="verify-full", sslrootcert="ca.pem", query=TLS)
    assert encrypted.read().frame["ssl"].tolist() == [True]
    assert source(url=elsewhere, sslmode="verify-ca", sslrootcert="ca.pem").columns()
    for wrong in (
        {"url": elsewhere, "sslmode": "verify-full", "sslrootcert": "ca.pem"},
        {"sslmode": "verify-full", "sslrootcert": "other.pem"},
        {"sslmode": "verify-ca", "sslrootcert": "other.pem"},
    ):
        assert "not the one that sslrootcert vouches for" in refused(source(**wrong).columns).what
    assert (
        "no file sslrootcert" in refused(source(sslmode="verify-full", sslrootcert="gone.pem").columns).what
    )


TLS = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def test_a_server_that_speaks_no_tls_is_none_where_it_must(
    source: Callable[..., Database], tmp_path: Path
) -> None:
    """It answers the request for TLS as a server without it does: with one letter."""

    def refuse(listening: socket.socket) -> None:
        with listening.accept()[0] as caller:
            caller.recv(64)
            caller.sendall(b"N")
            caller.recv(64)

    (tmp_path / "ca.pem").write_bytes(self_signed_loopback(new_tls_key(), dt.datetime.now(dt.UTC)))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)
        thread = threading.Thread(target=refuse, args=(listening,))
        thread.start()
        url = f"postgresql://reader@127.0.0.1:{listening.getsockname()[1]}/risk"
        error = refused(source(url=url, sslmode="verify-full", sslrootcert="ca.pem").columns)
        thread.join()
    assert "does not speak TLS" in error.what


def test_a_socket_of_this_machine_is_a_server(firms: Server, source: Callable[..., Database]) -> None:
    url = f"postgresql://reader@:{firms.port}/postgres?host={firms.folder}"
    assert source(url=url, table="lending.wide").columns()[:3] == ("account", "tiny", "note")


# -- servers that do not do their part -------------------------------------------------------------------


@contextmanager
def silent() -> Iterator[int]:
    """The port of something that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_server_that_accepts_and_says_nothing_is_not_waited_for(source: Callable[..., Database]) -> None:
    with silent() as port:
        url = f"postgresql://reader@127.0.0.1:{port}/risk"
        error = refused(source(url=url, connect_seconds=1).columns, str(port))
    assert "did not answer within connect_seconds (1)" in error.what


def test_nobody_at_the_address_is_told(source: Callable[..., Database]) -> None:
    with silent() as port:
        pass
    assert (
        "cannot be reached" in refused(source(url=f"postgresql://reader@127.0.0.1:{port}/risk").columns).what
    )


def test_a_statement_that_takes_too_long_is_ended_by_the_server(source: Callable[..., Database]) -> None:
    slow = source(query="SELECT pg_sleep(600)::text AS a", query_seconds=1)
    assert "longer than query_seconds (1)" in refused(slow.read).what


def test_a_server_that_falls_silent_while_it_is_read_is_not_waited_for(
    source: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """This side's own clock ends it, where the server does not."""
    monkeypatch.setattr(
        postgresql, "_GRACE", -118.0
    )  # Its statement_timeout is 120 s: the clock comes first.
    slow = source(query="SELECT pg_sleep(600)::text AS a", connect_seconds=1)
    assert "longer than query_seconds (120)" in refused(slow.read).what


def test_a_session_that_the_server_ends_in_mid_read_is_told_and_the_next_one_reads(
    firms: Server,
    source: Callable[..., Database],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    came = []

    class Restarting(Gathered):
        def add(self, rows: Sequence[Sequence[object]]) -> None:
            super().add(rows)
            came.append(len(rows))
            if len(came) == 2:
                firms.control("restart", "-m", "fast")

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(database, "Gathered", Restarting)
        patched.setattr(database, "_BATCH", 100)
        error = refused(lambda: source().read(plain), firms.password)
    assert "the server ended the connection" in error.what
    assert len(came) < FIRMS // 100  # Rows had come, and others had not.
    assert firms.password not in caplog.text
    assert len(source().read(plain).frame) == FIRMS


def test_without_the_driver_the_line_that_installs_it_is_told(
    source: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(Exception, match="psycopg, which is not installed") as caught:
        source().columns()
    assert "pip install 'isthmus[postgresql]'" in caught.value.advice  # type: ignore[attr-defined]
