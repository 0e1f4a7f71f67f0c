"""A demo's owners keep at home what a draft keeps at home, and sign what the demo's plan needs."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest

from crypto.errors import UsageError
from federation.addresses import Address
from federation.governance.terms import Form
from federation.ids import PartyId, RunId
from federation.order import Order
from federation.plan import Plan
from parties.governance.authority import authorise
from parties.governance.shelf import Shelf
from parties.round.acceptance import own_dataset
from parties.sandbox.founding import ModelKind, Sandbox, found, given, vertical_plan

NOWHERE, NOW = Address("127.0.0.1", 9), dt.datetime.now(dt.UTC)
BANK = "id,default,a,phone\n" + "".join(f"f{row:04d},{row % 2},{row},+86138{row:08d}\n" for row in range(60))
PLATFORM = "id,b\n" + "".join(f"f{row:04d},{row * 3 % 7}\n" for row in range(60))


def sandbox(folder: Path, plan: Plan | None = None, **tables: str) -> Sandbox:
    (folder / "data").mkdir()
    for name, text in tables.items():
        (folder / "data" / f"{name}.csv").write_text(text)
    datasets, _ = given(folder / "data", None)
    chosen = plan or vertical_plan(datasets)
    return found(folder / "demo", datasets, chosen, NOWHERE, NOWHERE, NOW)


def test_what_identifies_a_person_is_left_out_and_told(tmp_path: Path) -> None:
    made = sandbox(tmp_path, bank=BANK, platform=PLATFORM)
    config = tomllib.loads((made.parties[PartyId("bank")].folder / "party.toml").read_text())
    assert config["datasets"]["data"]["exclude"] == ["phone"]
    assert any("Left out at bank" in sentence and "phone" in sentence for sentence in made.told)
    assert "all in CN" in made.told[0]


def test_every_party_grants_what_the_plan_needs_and_no_other_plan(tmp_path: Path) -> None:
    made = sandbox(tmp_path, bank=BANK, platform=PLATFORM)
    for name, home in made.parties.items():
        members = tuple(made.parties)
        order = Order(RunId("20260301-120000-abcdef"), 1, name, made.plan, made.coordinator.roster(), members)
        found_here = authorise(home, order, own_dataset(home, "data"))
        assert set(found_here.places) == {*members, "aggregator"} - {name}
        (kept,) = Shelf(home).grants()
        assert "*" not in kept.grant.fields and kept.grant.purpose == made.plan.purpose


def test_a_key_that_names_persons_is_matched_where_one_person_owns_all_files(tmp_path: Path) -> None:
    tables = {
        name: text.replace("id,", "phone,", 1).replace("f0", "+861380000").replace(",+86138", ",9")
        for name, text in (("bank", BANK.replace(",phone\n", ",other\n")), ("platform", PLATFORM))
    }
    made = sandbox(tmp_path, **tables)
    manifest = Shelf(made.parties[PartyId("platform")]).manifest("data")
    assert manifest.fields["phone"].egress == (Form.PSI_TOKEN,)


def test_a_party_of_which_nothing_is_left_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    only = "id,mobile\n" + "".join(f"f{row:04d},+86138{row:08d}\n" for row in range(60))
    with pytest.raises(UsageError, match=r"party platform.*no column is left"):
        sandbox(tmp_path, bank=BANK, platform=only)
    assert not (tmp_path / "demo" / "federation").exists()


@pytest.mark.parametrize("kind", ["boosting", "scorecard"])
def test_models_that_tell_sides_of_splits_are_granted_and_what_a_draft_lacked_is_told(
    tmp_path: Path, kind: ModelKind
) -> None:
    tables = {"bank": BANK.replace("id,default,a", "id,default,gender"), "platform": PLATFORM}
    (tmp_path / "data").mkdir()
    for name, text in tables.items():
        (tmp_path / "data" / f"{name}.csv").write_text(text)
    datasets, _ = given(tmp_path / "data", None)
    made = found(tmp_path / "demo", datasets, vertical_plan(datasets, kind), NOWHERE, NOWHERE, NOW)
    for name, home in made.parties.items():
        order = Order(
            RunId("20260301-120000-abcdef"),
            1,
            name,
            made.plan,
            made.coordinator.roster(),
            tuple(made.parties),
        )
        assert authorise(home, order, own_dataset(home, "data")).grants
    assert (
        "Permitted at bank beyond its manifest's draft, as this plan needs it: predicate of gender."
        in made.told
    )
    assert not any("Permitted at platform" in sentence for sentence in made.told)
