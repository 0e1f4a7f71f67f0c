"""A SQLite file, opened so that it cannot be written: mode=ro, and an authorizer that knows only SELECT."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from parties.connectors.source import silent

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Steps of SQLite's machine between two looks at the clock: about a millisecond.
_STEPS = 20_000
_ALLOWED = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION}
)


@contextmanager
def opening(path: Path, wait: int, until: float) -> Iterator[Connection]:
    """A session on the file. `wait`: seconds for a writer to be done; `until`: when it ends (monotonic)."""
    import sqlalchemy as sa
    from sqlalchemy.pool import NullPool

    opened: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        uri = f"{path.resolve().as_uri()}?mode=ro"
        made = sqlite3.connect(uri, uri=True, timeout=wait, check_same_thread=False)
        made.set_progress_handler(lambda: int(time.monotonic() > until), _STEPS)
        opened.append(made)
        return made

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=NullPool, **silent())
    with engine.connect() as session:
        session.exec_driver_sql("BEGIN")  # The columns and the rows are of one moment.
        opened[-1].set_authorizer(_authorize)
        yield session


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_DENY if (second or "").lower() == "load_extension" else sqlite3.SQLITE_OK
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def told(error: Exception, wait: int, seconds: int) -> tuple[str, str]:
    """What happened, and the next step. The driver's own words decide, and are not repeated."""
    words = str(getattr(error, "orig", error)).lower()
    if isinstance(error, UnicodeError) or "utf-8" in words:
        return "a text in it is not UTF-8", "Mend it at its source, or leave the column out with a query."
    if "unable to open" in words:
        return "there is no such database file, or it may not be read", "Check the path behind sqlite:///."
    if "not a database" in words or "malformed" in words:
        return "the file is no SQLite database, or is damaged", "Check the path, or restore it from a backup."
    if "interrupted" in words:
        return (
            f"reading took longer than query_seconds ({seconds}) allows",
            "Raise query_seconds, or read a smaller table.",
        )
    if "locked" in words or "busy" in words:
        return (
            f"another program has held the file locked for {wait} seconds",
            "Try again when it is done, or raise connect_seconds.",
        )
    if "no such table" in words or "no such column" in words or "unknown database" in words:
        return "there is no such table or column", "Names are compared as they are written: check them."
    if "not authorized" in words or "prohibited" in words or "readonly" in words:
        return "the query does more than read", "Name a query that only selects."
    return "the database did not understand the statement", "Try the query in its own program first."
