"""A folder of Parquet files as one table, read by DuckDB. Folders named COLUMN=VALUE are columns too.

DuckDB runs in this process, with no file and no network but the folder: it loads no extension, its
configuration is locked before it sees a name, its memory and threads are bounded, and it spills to no disk.
Of a partition's folder the value is text first, and becomes a number by the rules for CSV: 007 stays 007.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crypto.codes import Code
from crypto.errors import UsageError
from parties.connectors.cells import from_arrow
from parties.connectors.files import columns as columns_of_file
from parties.connectors.files import typed
from parties.connectors.fingerprint import in_order
from parties.connectors.source import Choose, Names, Snapshot, check_names, every, refusal

if TYPE_CHECKING:
    import duckdb

_MEMORY, _THREADS = "1GB", 2
_BATCH = 1 << 16
#: DuckDB reads these in a file's name as a pattern.
_PATTERN = frozenset("*?[]{}")
_SMALLER = "Write the files in smaller row groups, or exclude columns."
_READ = (
    "SELECT * FROM read_parquet($files, hive_partitioning = $partitioned, hive_types_autocast = false, "
    "union_by_name = false)"
)


@dataclass(frozen=True, slots=True)
class ParquetFolder:
    """The `.parquet` files in and below the folder at `path`, but for names that begin with . or _."""

    path: Path

    @property
    def name(self) -> str:
        return f"folder {self.path.name}"

    @property
    def where(self) -> Path:
        return self.path

    @property
    def hashed(self) -> str:
        return "the rows that are read, however the files part them"

    def columns(self) -> Names:
        with self._table() as (table, _):
            return check_names(self.name, table.columns)

    def read(self, choose: Choose = every, codes: frozenset[str] = frozenset()) -> Snapshot:
        import duckdb
        import pandas as pd

        with self._table() as (table, partitions):
            present = check_names(self.name, table.columns)
            wanted = choose(present)
            cells = (
                table.select(*(duckdb.ColumnExpression(name) for name in wanted))
                .to_arrow_reader(_BATCH)
                .read_all()
            )
        frame = pd.DataFrame(
            {
                name: typed(name, cells.column(place).fill_null(""))
                if name in partitions and name not in codes
                else from_arrow(self.name, name, cells.column(place), code=name in codes)
                for place, name in enumerate(wanted)
            }
        )
        if frame.empty:
            raise refusal(
                self.name,
                "its files hold no rows",
                "Export the table again, with its rows.",
                code=Code.TABLE_EMPTY,
            )
        frame, digest = in_order(frame)
        return Snapshot(frame, digest, present)

    def digest(self, choose: Choose = every, codes: frozenset[str] = frozenset()) -> str:
        return self.read(choose, codes).digest

    @contextmanager
    def _table(self) -> Iterator[tuple[duckdb.DuckDBPyRelation, frozenset[str]]]:
        """All files as one table, and the columns that are names of folders."""
        files, partitions = self._files()
        with self._session() as session:
            import duckdb
            import pyarrow as pa

            given = {"files": list(map(str, files)), "partitioned": bool(partitions)}
            try:
                yield session.sql(_READ, params=given), partitions
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                # What DuckDB finds while Arrow asks it for rows comes as Arrow's error. The text may hold a
                # path or a cell: it is looked at, and not repeated.
                if "out of memory" in str(error).lower():
                    what, advice = f"reading it takes more memory than {_MEMORY}", _SMALLER
                else:
                    what, advice = "its files cannot be read as one table", "Write them all with one schema."
                raise refusal(self.name, what, advice) from None

    @contextmanager
    def _session(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB that can reach this folder and nothing else."""
        try:
            import duckdb
        except ImportError:
            raise UsageError(
                "reading a folder of Parquet files needs the package duckdb, which is not installed",
                advice="Install it: pip install 'isthmus[duckdb]'.",
                code=Code.PACKAGE_MISSING,
            ) from None
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "memory_limit": _MEMORY,
            "temp_directory": "",
            "threads": _THREADS,
        }
        session = duckdb.connect(":memory:", config=config)
        folder = str(self.path.resolve()).replace("'", "''")
        try:
            session.execute(f"SET allowed_directories = ['{folder}']")  # It takes no parameter.
            session.execute("SET enable_external_access = false")
            session.execute("SET lock_configuration = true")
            yield session
        finally:
            session.close()

    def _files(self) -> tuple[list[Path], frozenset[str]]:
        """The files, in the order of their paths, and the columns that their folders name."""
        root = self.path.resolve()
        if not root.is_dir():
            raise refusal(
                self.name, "there is no such folder", "Check the path in party.toml.", code=Code.TABLE_MISSING
            )
        found = sorted(path for path in root.rglob("*.parquet") if not _hidden(path.relative_to(root)))
        if not found:
            raise refusal(
                self.name,
                "there is no .parquet file in it",
                "Check the path in party.toml.",
                code=Code.TABLE_MISSING,
            )
        if any(_PATTERN & set(str(path)) for path in found):
            raise refusal(
                self.name,
                "the name of a file or folder holds one of the signs * ? [ ] { }",
                "Rename it: the files are read by name.",
            )
        if any(not path.resolve().is_relative_to(root) for path in found):
            raise refusal(self.name, "a link in it leads out of the folder", "Copy the file into it instead.")
        parted = [_partitions(path.relative_to(root)) for path in found]
        heads = [(columns_of_file(path), names) for path, names in zip(found, parted, strict=True)]
        for path, head in zip(found, heads, strict=True):
            if (set(head[0]), head[1]) != (set(heads[0][0]), heads[0][1]):
                raise refusal(
                    self.name,
                    f"file {path.name} has other columns than the first one",
                    "Write all files with one schema, in folders that are named alike.",
                    code=Code.COLUMN_MISSING,
                )
        return found, frozenset(parted[0])


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _partitions(path: Path) -> Names:
    return tuple(part.partition("=")[0] for part in path.parts[:-1] if "=" in part)
