"""A session on a PostgreSQL server that can only read: one REPEATABLE READ, READ ONLY transaction.

Both hold from the first statement, before anything of party.toml is sent. Every wait ends: connecting after
`connect_seconds`, everything else after `query_seconds`, by the server's statement_timeout and, as a server
can fall silent, by this side's clock too. Rows come through a cursor of the server, some at a time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crypto.codes import Code
from crypto.errors import UsageError
from parties.connectors.source import refusal, silent

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import Connection
    from sqlalchemy.engine import URL

PORT = 5432
#: From the strictest on. "disable" and "prefer", which say nothing about who answers, only on this machine.
MODES = ("verify-full", "verify-ca", "require", "prefer", "disable")
_LOCAL_ONLY = ("prefer", "disable")
_VERIFYING = ("verify-full", "verify-ca")
#: What the server may still need to say that a statement has timed out, before this side gives up.
_GRACE = 5.0


def host(url: URL) -> str:
    """The server, or the folder of its socket."""
    return url.host or str(url.query.get("host", ""))


@dataclass(frozen=True, slots=True)
class Tls:
    """How the connection is protected: libpq's sslmode and sslrootcert."""

    mode: str
    root: str | None

    @staticmethod
    def of(url: URL, mode: str | None, root: str | None, name: str) -> Tls:
        """What party.toml says, or the default for the server; refused where nobody would be recognised."""
        local = _is_local(host(url))
        chosen = mode or ("prefer" if local else "verify-full")
        if not local and chosen in _LOCAL_ONLY:
            raise refusal(
                name,
                f'sslmode "{chosen}" is for a server on this machine',
                "Leave sslmode out, and name the authority that vouches for the server with sslrootcert.",
                code=Code.DATABASE_TLS,
            )
        if chosen in _VERIFYING and root is None:
            raise refusal(
                name,
                "nobody vouches for the server: give sslrootcert",
                "Name the file of the authority's certificate (PEM).",
                code=Code.DATABASE_TLS,
            )
        return Tls(chosen, root)


def _is_local(server: str) -> bool:
    return server.startswith(("/", "127.")) or server in ("localhost", "::1")


@contextmanager
def opening(
    url: URL, password: str | None, tls: Tls, wait: int, seconds: int, until: float
) -> Iterator[Connection]:
    """A session on the server: `wait` to connect, `seconds` for a statement; all ends `until` (monotonic)."""
    import sqlalchemy as sa
    from sqlalchemy.pool import NullPool

    cursors: list[psycopg.Cursor[Any]] = []
    driver = _driver(until + _GRACE, cursors)

    def connect() -> psycopg.Connection[Any]:
        import psycopg

        opened = driver.connect(
            host=host(url),
            port=url.port or PORT,
            dbname=url.database,
            user=url.username,
            password=password or url.password,
            sslmode=tls.mode,
            sslrootcert=tls.root,
            connect_timeout=wait,
            gssencmode="disable",  # It would come before TLS, and check no certificate.
            client_encoding="utf8",
            application_name="isthmus",
            prepare_threshold=None,  # A pooler may give each transaction another server process.
        )
        opened.read_only = True
        opened.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return opened

    engine = sa.create_engine(
        "postgresql+psycopg://",
        creator=connect,
        poolclass=NullPool,
        use_native_hstore=False,
        **silent(),
    )
    try:
        with engine.connect() as session:
            for setting in ("statement_timeout", "lock_timeout"):
                session.execute(sa.select(sa.func.set_config(setting, f"{seconds}s", True)))
            yield session
    finally:
        # Of a connection that broke SQLAlchemy closes none.
        for cursor in cursors:
            cursor.close()


def _driver(until: float, cursors: list[psycopg.Cursor[Any]]) -> type[psycopg.Connection[Any]]:
    try:
        import psycopg
    except ImportError:
        raise UsageError(
            "reading from PostgreSQL needs the package psycopg, which is not installed",
            advice="Install it: pip install 'isthmus[postgresql]'.",
            code=Code.PACKAGE_MISSING,
        ) from None

    class Bounded(psycopg.Connection[Any]):
        """A connection that waits for the server `until` then and no longer, and is closed after that.

        Its `cursors` are noted.
        """

        def cursor(self, *arguments: Any, **named: Any) -> Any:
            made = super().cursor(*arguments, **named)
            cursors.append(made)
            return made

        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            left = max(0.0, until - time.monotonic())
            try:
                return super().wait(gen, interval, left if timeout is None else min(left, timeout))
            except psycopg.errors._WaitTimeout:  # The driver's own name for it; constraints.txt pins it.
                self.close()
                raise

    return Bounded


_SHUT = "the server ended the connection while it was read from; nothing of what came is used"
_TELL = "Look at the server's log, and try again."
#: By SQLSTATE (PostgreSQL manual, appendix A), the longest prefix first.
_STATES = (
    ("25006", "the query writes, and this session only reads", "Name a query that only selects."),
    (
        "28",
        "the server does not let this user in",
        "Check the url's user, and where the password is kept.",
    ),
    ("3D000", "the server has no such database", "Check the last part of the url."),
    ("3F000", "there is no such schema", "Names are compared letter by letter, case too: check `table`."),
    ("42P01", "there is no such table", "Names are compared letter by letter, case too: check `table`."),
    ("42703", "there is no such column", "Check the query, or the names in party.toml."),
    ("42501", "this user may not read it", "Ask for GRANT SELECT on it, and for no more."),
    ("42", "the server did not understand the statement", "Try the query in psql first."),
    (
        "53",
        "the server has no room for another session",
        "Try again later.",
    ),
    ("55P03", "another session holds the table locked", "Try again when it is done."),
    ("57014", "", ""),
    ("57", _SHUT, _TELL),
    ("08", _SHUT, _TELL),
    ("40", "another session changed what was read", "Try again."),
    ("22", "a cell cannot be read, or the query cannot be computed for it", "Mend it, or leave it out."),
)


def told(error: Exception, wait: int, seconds: int) -> tuple[str, str]:
    """What happened, and the next step. The server's words decide at most, and are not repeated."""
    import psycopg

    cause = getattr(error, "orig", error)
    state = getattr(cause, "sqlstate", None) or ""
    late = (
        f"reading took longer than query_seconds ({seconds}) allows",
        "Raise query_seconds, or read a smaller table.",
    )
    if isinstance(cause, psycopg.errors.ConnectionTimeout):
        return (
            f"the server did not answer within connect_seconds ({wait})",
            "Check host and port, and that a PostgreSQL server listens there.",
        )
    if isinstance(cause, psycopg.errors._WaitTimeout) or state == "57014":
        return late
    for prefix, what, advice in _STATES:
        if state.startswith(prefix):
            return what, advice
    if isinstance(cause, psycopg.DataError | UnicodeError | OverflowError):
        return _STATES[-1][1:]
    return _unstated(cause, " ".join(str(cause).lower().split()))


def _unstated(cause: object, words: str) -> tuple[str, str]:
    """Errors without a SQLSTATE: those of connecting and of a connection that breaks."""
    if "certificate" in words or "ssl" in words:
        return (
            "the server is not the one that sslrootcert vouches for, or does not speak TLS",
            "Compare its certificate's name and authority with the url and sslrootcert.",
        )
    if "password" in words or "authentication" in words or "pg_hba" in words:
        return _STATES[1][1:]
    if "does not exist" in words:
        return "the server has no such database or user", "Check the url."
    if "starting up" in words or "shutting down" in words:
        return "the server is just starting or stopping", "Try again."
    if "connection failed" in words or "resolve" in words or "refused" in words:
        return "the server cannot be reached", "Check host and port in the url, and that it is up."
    return _SHUT, _TELL
