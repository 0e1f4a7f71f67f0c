"""The scene `town`: a coordinator and three parties, each in a folder of its own, from nothing to a model.

What the pages suppose is there: a table in PostgreSQL, a folder of Parquet files, a CSV file; the contract;
and what people send each other by other ways. Everything else is done by the pages' own commands.
"""

from __future__ import annotations

import datetime as dt
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from tests.docs.playing import Reader
from tests.postgresql import Server
from tests.system.federation import command

PARTIES = ("bank", "platform", "public")
#: So many that the platform has fifty training rows for each of its columns.
FIRMS = 3000
_TYPES = {"i": "bigint", "u": "bigint", "f": "double precision", "b": "boolean"}


class Town:
    """`reader` is at its folders; `before` is asked before each step."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        #: An address of this machine that nobody else has: the pages' ports are free there.
        host = "127." + ".".join(str(1 + secrets.randbelow(250)) for _ in range(3))
        until = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=200)
        self.reader = Reader(
            folder,
            {
                "fed.example.org": host,
                "127.0.0.1:5432": f"127.0.0.1:{server.port}",
                "2027-06-30": f"{until:%Y-%m-%d}",
            },
        )
        tables = self._tables(folder / "firms")
        for place in ("coordinator", *PARTIES):
            (folder / place).mkdir()
            (folder / place / "contract.pdf").write_bytes(b"%PDF-1.7 a contract between the parties")
        lend(server, tables["bank"])
        (folder / "platform" / "orders").mkdir()
        orders = tables["platform"]
        orders.iloc[:900].to_parquet(folder / "platform" / "orders" / "2025.parquet", index=False)
        orders.iloc[900:].to_parquet(folder / "platform" / "orders" / "2026.parquet", index=False)
        tables["public"].to_csv(folder / "public" / "registry.csv", index=False)
        self._steps: dict[int, Callable[[], None]] = {3: self._send}

    def before(self, step: int) -> None:
        """What happens outside the pages before this step."""
        self._steps.get(step, lambda: None)()

    def _tables(self, firms: Path) -> dict[str, pd.DataFrame]:
        command("data", "generate", "--out", firms, "--firms", FIRMS, "--files", "parquet")
        return {party: pd.read_parquet(firms / f"{party}.parquet") for party in PARTIES}

    def _send(self) -> None:
        """The coordinator sends invitation and plan."""
        for party in PARTIES:
            for file in (f"{party}.invitation", "plan.toml"):
                shutil.copy(self.folder / "coordinator" / file, self.folder / party / file)


def lend(server: Server, table: pd.DataFrame) -> None:
    """The bank's table `lending.firms`, and a user who may read it."""
    columns = ", ".join(f'"{name}" {_TYPES.get(kind.kind, "text")}' for name, kind in table.dtypes.items())
    server.run(
        "CREATE SCHEMA lending",
        f"CREATE TABLE lending.firms ({columns})",
        "CREATE ROLE isthmus_reader LOGIN PASSWORD 'only-reads'",
        "GRANT USAGE ON SCHEMA lending TO isthmus_reader",
        "GRANT SELECT ON lending.firms TO isthmus_reader",
    )
    with server.connect() as session, session.cursor().copy("COPY lending.firms FROM STDIN") as copied:
        for row in table.astype(object).where(table.notna(), None).itertuples(index=False):
            copied.write_row(row)
