"""Where a dataset's rows come from, from its table in party.toml: `file`, `folder` or `sql`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from parties.connectors import Database, ParquetFolder, Source
from parties.connectors.database import MOST_CONNECT_SECONDS, MOST_QUERY_SECONDS
from parties.dataset.problems import Problems, Table
from parties.errors import SourceError

#: The keys of which a dataset has one.
SOURCES = ("file", "folder", "sql")
_TEXTS = ("url", "url_env", "table", "query", "password_env", "password_file", "sslmode", "sslrootcert")


def read_source(
    reader: Table, section: str, folder: Path, problems: Problems
) -> tuple[Path | None, Source | None]:
    """The dataset's file, or what it is read from instead. Notes every problem; no value of them."""
    given = [name for name in SOURCES if name in reader.names()]
    if len(given) > 1:
        problems.add(f"{section} names {' and '.join(given)}: keep one")
    if "sql" in given:
        return None, _database(reader, section, folder, problems)
    if "folder" in given:
        return None, ParquetFolder(folder / reader.text("folder"))
    return folder / reader.text("file"), None


def _database(reader: Table, section: str, folder: Path, problems: Problems) -> Database | None:
    inner = reader.within("sql")
    if inner is None:
        return None
    inner.refuse_others((*_TEXTS, "connect_seconds", "query_seconds"))
    fields: dict[str, Any] = {name: inner.optional_text(name) for name in _TEXTS}
    for name, most in (("connect_seconds", MOST_CONNECT_SECONDS), ("query_seconds", MOST_QUERY_SECONDS)):
        fields[name] = inner.whole(name, 1, most)
    try:
        return Database(folder, **{name: value for name, value in fields.items() if value is not None})
    except SourceError as error:
        problems.add(f"[{section.strip('[]')}.sql] {error.what}")
        problems.advise(error.advice)
        return None
