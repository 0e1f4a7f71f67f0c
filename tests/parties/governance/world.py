"""A bank's folder with one small dataset, its manifest, a plan and an order; no process, no network."""

from __future__ import annotations

from pathlib import Path

from federation.ids import PartyId, RunId
from federation.order import Order
from federation.plan import Plan
from federation.roster import Member, Roster
from parties.dataset import DatasetConfig
from parties.governance.knowing import pinned
from parties.governance.shelf import Shelf
from parties.home import PartyHome
from parties.round.acceptance import own_dataset
from tests import governed

BANK, PLATFORM = PartyId("bank"), PartyId("platform")
PLAN = Plan.model_validate(
    {"name": "p", "purpose": "credit-scoring", "parties": {"bank": {"role": "label"}, "platform": {}}}
)


def bank(folder: Path) -> PartyHome:
    """The folder: firm is the key, bad the label, turnover and phone are other columns, phone is excluded."""
    home = PartyHome.create(folder, BANK)
    governed.admit(home, folder.with_name(f"{folder.name}-federation"), "platform", "public")
    (folder / "loans.csv").write_text("firm,bad,turnover,phone\nf1,0,1,5\nf2,1,2,6\n")
    home.config_file.write_text(
        'name = "bank"\n[datasets.data]\nfile = "loans.csv"\nkey = "firm"\nlabel = "bad"\n'
        'exclude = ["phone"]\n'
    )
    dataset = data_of(home)
    governed.keep_manifest(home, governed.manifest_of(dataset, ("firm", "bad", "turnover", "phone")))
    return home


def data_of(home: PartyHome) -> DatasetConfig:
    """Its one dataset."""
    return own_dataset(home, "data")


def put(home: PartyHome, **changes: object) -> None:
    """Sign and keep a grant of the dataset to the platform and the aggregator."""
    about = Shelf(home).manifest("data")
    to = {"platform": "CN", "aggregator": "CN"}
    Shelf(home).put(governed.grant_of(about, to, pinned(home), **changes))


def order(run: str = "20260301-120000-abcdef", attempt: int = 1, plan: Plan = PLAN) -> Order:
    """An attempt at a round of bank and platform."""
    members = {PLATFORM: Member(PLATFORM, governed.identity("platform").public, b"")}
    roster = Roster(governed.FEDERATION, members)
    return Order(RunId(run), attempt, BANK, plan, roster, (BANK, PLATFORM))
