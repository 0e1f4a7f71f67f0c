"""A party's pack: what every role's has, and the grants that the run stood on, and no other document."""

from __future__ import annotations

import base64
import datetime as dt
import json
from pathlib import Path

import pytest

from federation import files
from federation.addresses import Address
from federation.coordinator.home import CoordinatorHome, FederationSettings
from federation.errors import UsageError
from federation.ids import PartyId, RunId
from federation.ledger import keeping
from federation.ledger import pack as packs
from federation.ledger.findings import State
from federation.ledger.verify import verify
from parties.governance.packing import packed
from parties.governance.shelf import Shelf
from parties.home import PartyHome
from tests.federation.ledger import world
from tests.federation.ledger.world import fingerprints, joined

RUN = RunId(world.RUN)
NOW = world.START + dt.timedelta(hours=3)
NOWHERE = Address("127.0.0.1", 9)


@pytest.fixture
def bank(tmp_path: Path) -> PartyHome:
    """Bank's folder as it stands after the run, admitted to the federation."""
    role = world.made().roles["bank"]
    home = PartyHome.create(tmp_path / "bank", PartyId("bank"))
    files.write_private(home.identity_file, role.identity.to_pem())
    now = dt.datetime.now(dt.UTC)
    settings = FederationSettings(world.FEDERATION, NOWHERE, NOWHERE)
    coordinator = CoordinatorHome.create(tmp_path / "federation", settings, now)
    home.accept(coordinator.admit(home.request(), now), now)
    run, ledger = home.round_folder(RUN), home.folder / "ledger"
    files.write_private(ledger / "log.jsonl", joined(role.lines))
    for size, text in role.notes.items():
        files.write_private(ledger / "checkpoints" / f"{size}.note", text.encode())
    files.write_private(run / "journal.jsonl", joined(role.frames))
    files.write(run / "plan.json", world.PLAN)
    everybody = {PartyId(name): world.identity(name).public for name in world.ROLES}
    keeping.keep_members(run, everybody, dict.fromkeys(everybody, "CN"))
    keeping.keep_decided(run, world.policies.TEXT, role.entities, role.verdicts.values())
    keeping.keep_seed(run, 1, role.seed)
    governance = home.folder / "governance"
    files.write(governance / "grants" / f"{role.grant.id}.dsse.json", role.grant_file)
    files.write(governance / "grants" / "of-another-run.dsse.json", b"{}")
    files.write(governance / "data.manifest.toml", b"[fields.balance]")
    return home


def test_a_party_s_folder_gives_a_clean_pack(bank: PartyHome) -> None:
    report = verify([packs.parse(packed(bank, RUN, NOW), "bank.zip")], fingerprints())
    assert report.state is State.PASS, report.to_json()


def test_only_the_run_s_own_grants_are_in_it_and_no_key_and_no_column_of_the_manifest(
    bank: PartyHome,
) -> None:
    pack = packs.parse(packed(bank, RUN, NOW), "bank.zip")
    assert list(pack.under("grants")) == ["bank-grant.dsse.json"]
    whole = packed(bank, RUN, NOW)
    assert b"PRIVATE KEY" not in whole
    assert b"balance" not in whole


def test_a_revocation_goes_with_its_grant(bank: PartyHome) -> None:
    role = world.made().roles["bank"]
    revoked = world.revocation(role, world.START + dt.timedelta(days=1))
    files.write(bank.folder / "governance" / "revocations" / f"{role.grant.id}.dsse.json", revoked)
    pack = packs.parse(packed(bank, RUN, NOW), "bank.zip")
    assert list(pack.under("revocations")) == ["bank-grant.dsse.json"]


def test_why_a_grant_was_taken_back_is_in_no_pack(bank: PartyHome) -> None:
    shelf, grant = Shelf(bank), world.made().roles["bank"].grant
    (shelf.folder / "grants" / "of-another-run.dsse.json").unlink()
    log = bank.folder / "ledger" / "log.jsonl"
    before = log.read_bytes()
    assert shelf.revoke(grant.id, "contract ended", NOW).reason == "contract ended"
    log.write_bytes(before)  # The world's ledger is signed as it is.
    pack = packs.parse(packed(bank, RUN, NOW), "bank.zip")
    assert list(pack.under("revocations")) == ["bank-grant.dsse.json"]
    told = base64.b64decode(json.loads(pack.under("revocations")["bank-grant.dsse.json"])["payload"])
    assert set(json.loads(told)) == {"revocation", "grant_id", "at"}
    assert not any(b"contract ended" in data for data in pack.files.values())


def test_a_run_that_this_party_does_not_know_is_a_mistake(bank: PartyHome) -> None:
    with pytest.raises(UsageError, match="there is no run"):
        packed(bank, RunId("20260101t000000-other"), NOW)
