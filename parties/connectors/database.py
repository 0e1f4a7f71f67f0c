"""A table or a query of a database, read in one session that can only read.

    [datasets.loans.sql]
    url = "postgresql://reader@db.bank.example:5432/risk"   # or url_env = "RISK_URL"
    password_file = "secret/risk-db"                        # or password_env = "RISK_PASSWORD"
    table = "lending.firms"                                 # or query = "SELECT ..."
    sslrootcert = "risk-db-ca.pem"                          # PostgreSQL: who vouches for the server
    sslmode = "verify-full"                                 # the default, but for a server on this machine
    connect_seconds = 10
    query_seconds = 600

The statement is built by SQLAlchemy: names are quoted as identifiers, and only the columns that are asked
for are selected. A query is one SELECT without a semicolon; what keeps it from writing is the session, which
the server (PostgreSQL) or the file's mode (SQLite) holds to reading. Every reading is one snapshot.

A password is looked up when a session is opened and is kept nowhere; no text of a driver is ever repeated,
for it may hold an address, a user or a cell.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crypto.codes import Code
from federation import files
from parties.connectors import postgresql, sqlite
from parties.connectors.cells import Gathered
from parties.connectors.fingerprint import in_order
from parties.connectors.source import Choose, Names, Snapshot, check_names, every, refusal
from parties.errors import SourceError

if TYPE_CHECKING:
    from sqlalchemy import Connection, FromClause, Select
    from sqlalchemy.engine import URL

#: The bounds of the two waits, in seconds.
CONNECT_SECONDS, MOST_CONNECT_SECONDS = 10, 120
QUERY_SECONDS, MOST_QUERY_SECONDS = 600, 86_400
#: Rows that are under way at a time.
_BATCH = 5000
_KINDS = {"postgresql": "postgresql", "postgresql+psycopg": "postgresql", "sqlite": "sqlite"}
#: What may stand in a url behind its question mark: the folder of a socket.
_OPTIONS = frozenset({"host"})
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_SELECT = re.compile(r"\s*(select|with)\b", re.IGNORECASE)

_OUT_OF_URL = (
    "Take it out, change it, as whoever saw this file knows it, and name where it is kept: "
    'password_env = "VARIABLE", or password_file = "FILE" with mode 0600.'
)


@dataclass(frozen=True, slots=True)
class Database:
    """What party.toml says of one table or query, and no secret. `folder`: what its paths are relative to.

    Made by hand it is checked like a table: `SourceError` lists every problem.
    """

    folder: Path
    url: str | None = None
    url_env: str | None = None
    table: str | None = None
    query: str | None = field(default=None, repr=False)
    password_env: str | None = None
    password_file: str | None = None
    sslmode: str | None = None
    sslrootcert: str | None = None
    connect_seconds: int = CONNECT_SECONDS
    query_seconds: int = QUERY_SECONDS

    def __post_init__(self) -> None:
        if found := list(_problems(self)):
            raise refusal(self.name, "; ".join(found), _OUT_OF_URL if found == [_IN_URL] else "Correct it.")

    @property
    def name(self) -> str:
        return f"sql table {self.table}" if self.table else "sql query"

    @property
    def hashed(self) -> str:
        return "the rows that are read, in whatever order they come"

    @property
    def where(self) -> str:
        url = self._address()
        what = self.table or hashlib.sha256((self.query or "").encode()).hexdigest()
        if _KINDS[url.drivername] == "sqlite":
            return f"sqlite:{self._file(url).resolve()}#{what}"
        host = postgresql.host(url)
        return f"postgresql://{host}:{url.port or postgresql.PORT}/{url.database}#{what}"

    def columns(self) -> Names:
        with self._session() as session:
            return self._present(session)

    def read(self, choose: Choose = every, codes: frozenset[str] = frozenset()) -> Snapshot:
        with self._session() as session:
            present = self._present(session)
            wanted = choose(present)
            gathered = Gathered(self.name, wanted)
            rows = session.execution_options(yield_per=_BATCH).execute(self._select(wanted))
            for batch in rows.partitions():
                gathered.add(batch)
        frame = gathered.frame(codes)
        if frame.empty:
            raise refusal(
                self.name,
                "it holds no rows",
                "Look at the table, or at what the query drops.",
                code=Code.TABLE_EMPTY,
            )
        frame, digest = in_order(frame)
        return Snapshot(frame, digest, present)

    def digest(self, choose: Choose = every, codes: frozenset[str] = frozenset()) -> str:
        return self.read(choose, codes).digest

    # -- the statement -----------------------------------------------------------------------------

    def _present(self, session: Connection) -> Names:
        import sqlalchemy as sa

        everything: Select[*tuple[Any, ...]] = (
            sa.select(sa.literal_column("*")).select_from(self._from()).limit(0)
        )
        found = session.execute(everything)
        description = found.cursor.description if found.cursor is not None else None
        return check_names(self.name, (str(each[0]) for each in description or ()))

    def _select(self, wanted: Names) -> Select[*tuple[Any, ...]]:
        import sqlalchemy as sa
        from sqlalchemy.sql.elements import quoted_name

        return sa.select(*(sa.column(quoted_name(name, True)) for name in wanted)).select_from(self._from())

    def _from(self) -> FromClause:
        import sqlalchemy as sa
        from sqlalchemy.sql.elements import quoted_name

        if self.table is not None:
            schema, _, name = self.table.rpartition(".")
            return sa.table(quoted_name(name, True), schema=quoted_name(schema, True) if schema else None)
        # A colon begins a parameter for SQLAlchemy; a comment at the query's end ends with the line.
        text = (self.query or "").strip().rstrip(";").replace(":", "\\:")
        return sa.text(f"{text}\n").columns().subquery("isthmus_rows")

    # -- the session -------------------------------------------------------------------------------

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        """A connection that can only read; whatever goes wrong in it becomes a `SourceError`."""
        import sqlalchemy as sa

        url = self._address()
        until = time.monotonic() + self.connect_seconds + self.query_seconds
        if _KINDS[url.drivername] == "sqlite":
            told, opened = sqlite.told, sqlite.opening(self._file(url), self.connect_seconds, until)
        else:
            tls = postgresql.Tls.of(url, self.sslmode, self._root(), self.name)
            told = postgresql.told
            opened = postgresql.opening(
                url, self._password(), tls, self.connect_seconds, self.query_seconds, until
            )
        try:
            with opened as session:
                yield session
        except (sa.exc.SQLAlchemyError, UnicodeError, OverflowError) as error:
            what, advice = told(error, self.connect_seconds, self.query_seconds)
            raise refusal(self.name, what, advice) from None

    def _address(self) -> URL:
        if self.url is not None:
            return _parsed(self.url)
        text = os.environ.get(self.url_env or "")
        try:
            url = _parsed(text) if text else None
        except ValueError:
            url = None
        if url is None or (wrong := _wrong_address(url, of_environment=True)) is not None:
            raise refusal(
                self.name,
                f"the environment variable {self.url_env} holds no address of a database"
                if url is None
                else f"the environment variable {self.url_env} holds no address of a database: {wrong}",
                "Set it to postgresql://USER@HOST:PORT/DATABASE or sqlite:///FILE, where the party runs.",
                code=Code.DATABASE_ACCESS,
            )
        return url

    def _file(self, url: URL) -> Path:
        return self.folder / (url.database or "")

    def _root(self) -> str | None:
        """The file of who vouches for the server. libpq's "system" is not offered: the driver's own OpenSSL,
        as its wheels bring it, looks for the system's authorities where there are none."""
        if self.sslrootcert is None:
            return None
        path = self.folder / self.sslrootcert
        if not path.is_file():
            raise refusal(
                self.name,
                "there is no file sslrootcert",
                "Name the certificate (PEM) of the authority that vouches for the server.",
                code=Code.DATABASE_TLS,
            )
        return str(path)

    def _password(self) -> str | None:
        if self.password_env is not None:
            found = os.environ.get(self.password_env)
            if not found:
                raise refusal(
                    self.name,
                    f"the environment variable {self.password_env}, where its password is kept, is not set",
                    "Set it where the party runs, such as in the service's environment file.",
                    code=Code.DATABASE_ACCESS,
                )
            return found
        if self.password_file is None:
            return None
        path = self.folder / self.password_file
        try:
            found = files.read_secret(path).decode().rstrip("\r\n")
        except UnicodeDecodeError:
            found = ""
        if not found or _UNPRINTABLE.search(found):
            raise refusal(
                self.name,
                "its password file holds no password",
                "Write it there, on one line, as UTF-8.",
                code=Code.DATABASE_ACCESS,
            )
        return found


_IN_URL = "the url holds a password"


def _parsed(text: str) -> URL:
    """The address. ValueError without a word of it where it is none."""
    import sqlalchemy as sa

    try:
        return sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise ValueError("no address") from None


def _wrong_address(url: URL, *, of_environment: bool = False) -> str | None:
    """What is wrong with an address, without a word of it; None where nothing is."""
    if url.drivername not in _KINDS:
        return "the url is neither of postgresql nor of sqlite"
    if (url.password is not None and not of_environment) or "password" in url.query:
        return _IN_URL
    if set(url.query) - _OPTIONS:
        return "the url may hold no options but host: the others have keys of their own"
    if not url.database:
        return "the url names no database"
    if _KINDS[url.drivername] == "sqlite":
        return (
            "the url of a file has neither host nor user" if url.host or url.username or url.query else None
        )
    if url.host is not None and "host" in url.query:
        return "the url names two hosts"
    host = postgresql.host(url)
    if not host or "," in host:
        return "the url names no host, or several: name one, or ?host=/var/run/postgresql"
    return None if url.username else "the url names no user"


def _problems(source: Database) -> Iterator[str]:
    """Everything that is wrong between its fields; no value of them."""
    if (source.url is None) == (source.url_env is None):
        yield "give url or url_env, and one of them"
    if (source.table is None) == (source.query is None):
        yield "give table or query, and one of them"
    if source.password_env is not None and source.password_file is not None:
        yield "give password_env or password_file, not both"
    if source.table is not None and (_UNPRINTABLE.search(source.table) or "" in source.table.split(".")):
        yield 'table must be a name, or "schema.table"'
    if source.query is not None:
        text = source.query.strip().rstrip(";")
        if not _SELECT.match(text) or "\x00" in text:
            yield "query must be one SELECT (or WITH)"
        if ";" in text:
            yield "query must be one statement, and hold no semicolon, in a text neither"
    if source.sslmode is not None and source.sslmode not in postgresql.MODES:
        yield f"sslmode must be one of: {', '.join(postgresql.MODES)}"
    for name, value, most in (
        ("connect_seconds", source.connect_seconds, MOST_CONNECT_SECONDS),
        ("query_seconds", source.query_seconds, MOST_QUERY_SECONDS),
    ):
        if not 1 <= value <= most:
            yield f"{name} must be a whole number from 1 to {most}"
    if source.url is not None:
        yield from _url_problems(source, source.url)


def _url_problems(source: Database, text: str) -> Iterator[str]:
    try:
        url = _parsed(text)
    except ValueError:
        yield "url is no address: write postgresql://USER@HOST:PORT/DATABASE or sqlite:///FILE"
        return
    wrong = _wrong_address(url)
    if wrong is not None:
        yield wrong
    elif _KINDS[url.drivername] == "sqlite":
        for name in ("password_env", "password_file", "sslmode", "sslrootcert"):
            if getattr(source, name) is not None:
                yield f"{name} says nothing about a file: take it out"
    else:
        try:
            postgresql.Tls.of(url, source.sslmode, source.sslrootcert, source.name)
        except SourceError as error:
            yield error.what
