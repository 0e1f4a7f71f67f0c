"""The scene `town`: a coordinator and three parties, each in a folder of its own, from nothing to a model.

What the pages suppose is there: a table in PostgreSQL, a folder of Parquet files, a CSV file; the contract;
and what people send each other by other ways. Everything else is done by the pages' own commands.
"""

from __future__ import annotations

import datetime as dt
import secrets
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

import pandas as pd

from tests.docs.blocks import ROOT, blocks
from tests.docs.playing import Reader
from tests.postgresql import Server
from tests.system.federation import command

PARTIES = ("bank", "platform", "public")
#: So many that each party has fifty training rows for each of its columns after encoding.
FIRMS = 1500
#: Of the generated columns those that the parties have here: fewer columns, a faster round.
COLUMNS = {
    "bank": "uscc lender leverage overdrafts_12m credit_utilisation interest_rate loans_repaid default_12m",
    "platform": "uscc sales_growth sales_variation on_time_rate kwh_trend utilisation defect_rate",
    "public": "uscc age_years employees court_cases penalties late_tax_payments",
}
_TYPES = {"i": "bigint", "u": "bigint", "f": "double precision", "b": "boolean"}


class Town:
    """`reader` is at its folders; `before` is asked before each step."""

    def __init__(self, folder: Path, server: Server, elsewhere: Collection[str]) -> None:
        self.folder = folder
        until = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=200)
        self.reader = Reader(
            folder,
            {
                "fed.example.org": own_address(),
                "127.0.0.1:5432": f"127.0.0.1:{server.port}",
                "2027-06-30": f"{until:%Y-%m-%d}",
                "2027-10-31": f"{until:%Y-%m-%d}",
            },
            elsewhere=elsewhere,
        )
        tables = self._tables(folder / "firms")
        for place in ("coordinator", *PARTIES):
            (folder / place).mkdir()
            (folder / place / "contract.pdf").write_bytes(b"%PDF-1.7 a contract between the parties")
        lend(server, tables["bank"])
        (folder / "platform" / "orders").mkdir()
        orders = tables["platform"]
        orders.iloc[:500].to_parquet(folder / "platform" / "orders" / "2025.parquet", index=False)
        orders.iloc[500:].to_parquet(folder / "platform" / "orders" / "2026.parquet", index=False)
        tables["public"].to_csv(folder / "public" / "registry.csv", index=False)
        self._steps: dict[int, Callable[[], None]] = {
            3: self._send,
            10: self._lay_out,
            12: self._name_the_run,
            17: self._move_house,
            20: self._go_home,
            22: self._turn_down,
            24: self._copy_loans,
            26: self._gather_papers,
            27: self._gather_statements,
        }
        self._loans = tables["bank"]

    def before(self, step: int) -> None:
        """What happens outside the pages before this step."""
        self._steps.get(step, lambda: None)()

    def _tables(self, firms: Path) -> dict[str, pd.DataFrame]:
        command("data", "generate", "--out", firms, "--firms", FIRMS, "--files", "parquet")
        return {
            party: pd.read_parquet(firms / f"{party}.parquet", columns=COLUMNS[party].split())
            for party in PARTIES
        }

    def _send(self) -> None:
        """The coordinator sends invitation and plan."""
        for party in PARTIES:
            for file in (f"{party}.invitation", "plan.toml"):
                shutil.copy(self.folder / "coordinator" / file, self.folder / party / file)

    def _lay_out(self) -> None:
        """All folders beside each other, as pages name them, and the scorecard that docs/models.md plans.

        The parties agree to it as their pages say; two of them share their points.
        """
        desk = self.folder / "desk"
        desk.mkdir()
        (desk / "federation").symlink_to(self.folder / "coordinator" / "federation")
        (plan,) = (b for b in blocks(ROOT / "docs" / "models.md") if 'name = "sme-scorecard"' in b.text)
        (desk / "plan.toml").write_text(plan.text)
        (desk / "isthmus-demo" / "parties").mkdir(parents=True)
        (desk / "isthmus-demo" / "parties" / "bank").symlink_to(self.folder / "bank" / "party")
        (desk / "contract.pdf").write_bytes((self.folder / "bank" / "contract.pdf").read_bytes())
        for party in PARTIES:
            home = self.folder / party / "party"
            (desk / party).symlink_to(home)
            if party != "bank":
                told = (home / "party.toml").read_text()
                (home / "party.toml").write_text(told.replace("key =", "share_points = true\nkey =", 1))
            others = [f"--to={other}=CN" for other in (*PARTIES, "aggregator") if other != party]
            until = self.reader.examples["2027-06-30"]
            command(
                *("grant", "new", "--home", home, "--plan", desk / "plan.toml", *others, "--until", until),
                *("--basis", "not-personal:company data", "--evidence", desk / "contract.pdf", "--yes"),
            )

    def _go_home(self) -> None:
        """What follows needs no service: the last are stopped. The first question is about one firm."""
        self.reader.stop()
        explained = command("model", "explain", "--home", self.folder / "bank" / "party", "--worst", 1)
        self.reader.examples["91110000600037341L"] = explained["firms"][0]["firm"]

    def _name_the_run(self) -> None:
        names = {"bank": "12ab ...", "platform": "34cd ...", "public": "78ab ..."}
        for party, shown in names.items():
            facts = command("party", "show", "--home", self.folder / party / "party")
            self.reader.examples[shown] = facts["fingerprint"]
        (self.folder / "desk" / "packs").mkdir()
        coordinator = command("federation", "show", "--home", self.folder / "coordinator" / "federation")
        self.reader.examples["56ef ..."] = coordinator["fingerprint"]
        self.reader.examples["20261127-101502-3fa9c1"] = max(
            run.name for run in (self.folder / "bank" / "party" / "rounds").iterdir()
        )

    def _turn_down(self) -> None:
        """Firms like those of the bank, without key and outcome."""
        rejected = self._loans.drop(columns=["uscc", "default_12m"]).sample(400, random_state=1)
        rejected.to_csv(self.folder / "desk" / "rejected.csv", index=False)

    def _copy_loans(self) -> None:
        self._loans.to_csv(self.folder / "desk" / "loans.csv", index=False)

    def _gather_papers(self) -> None:
        (self.folder / "desk" / "assessment.pdf").write_bytes(b"%PDF-1.7 an assessment of a transfer")
        for party in PARTIES:
            manifest = self.folder / party / "party" / "governance" / "data.manifest.toml"
            shutil.copy(manifest, self.folder / "desk" / f"{party}.manifest.toml")
        for kind, pattern in (("said", "*.manifest.toml"), ("granted", "grants/*.dsse.json")):
            (self.folder / "desk" / kind).mkdir()
            for file in (self.folder / "bank" / "party" / "governance").glob(pattern):
                shutil.copy(file, self.folder / "desk" / kind / f"bank-{file.name}")

    def _gather_statements(self) -> None:
        (signed := self.folder / "desk" / "signed").mkdir()
        for file in (self.folder / "desk").glob("*.attestation.json"):
            shutil.copy(file, signed / file.name)

    def _move_house(self) -> None:
        self.reader.examples["new.example.org"] = own_address()


def own_address() -> str:
    """An address of this machine that nobody else has: the pages' ports are free there."""
    return "127." + ".".join(str(1 + secrets.randbelow(250)) for _ in range(3))


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
