"""The doctor finds what stands between a party and a round, and names the step that mends it."""

from __future__ import annotations

import datetime as dt
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from crypto.version import component_versions
from federation import files
from federation.addresses import Address
from federation.coordinator.home import CoordinatorHome, FederationSettings
from federation.coordinator.joining import Register, invite
from federation.exchange.server import Exchange
from federation.flower.listener import TlsListener
from federation.ids import PartyId
from federation.joining import desk as desks
from federation.joining.desk import Desk
from federation.plan import Plan
from federation.readiness.findings import Finding, Readiness
from federation.tables import Alignment, PlanParty
from federation.tls import serving_members
from parties import joining
from parties.home import PartyHome
from parties.readiness import examining
from parties.readiness.examining import examine
from tests.governed import govern

NAMES = ("bank", "platform")
PLAN = Plan(
    name="sme",
    purpose="credit-scoring",
    parties={"bank": PlanParty(role="label"), "platform": PlanParty()},
    alignment=Alignment(minimum_intersection=50),
)


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """An app that answers the start and the end of its listener, and no request."""
    while scope["type"] == "lifespan":
        kind = (await receive())["type"].removeprefix("lifespan.")
        await send({"type": f"lifespan.{kind}.complete"})
        if kind == "shutdown":
            return


class Town:
    """A coordinator with its three doors on loopback, and two parties that joined and are ready."""

    def __init__(self, folder: Path) -> None:
        self._open = ExitStack()
        # Read here and not when this file is: its certificates begin five minutes before they are made.
        self.now = dt.datetime.now(dt.UTC)
        home = self.coordinator = CoordinatorHome.create(
            folder / "federation", FederationSettings("sme", *[Address("127.0.0.1", 9)] * 3), self.now
        )
        files_of = (home.tls_certificate_file, home.tls_key_file, home.authority_file)
        self.gate = TlsListener(nothing, "127.0.0.1", 0, serving_members(*files_of), "the gate")
        self.exchange = Exchange(
            "127.0.0.1:0", home.authority(), home.tls_certificate(), home.tls_key(), lambda: NAMES
        )
        named = dict(zip(("certificate_file", "key_file", "authority_file"), files_of, strict=True))
        self.desk = Desk("127.0.0.1", 0, Register(home), **named, tell=lambda sentence: None)
        for each in (self.gate, self.exchange, self.desk):
            each.start()
            self._open.callback(each.stop)
        at = Address("127.0.0.1", self.desk.port)
        exchange = Address.parse(self.exchange.address)
        home.move(FederationSettings("sme", Address("127.0.0.1", self.gate.port), exchange, at))
        self.parties = {name: self._join(folder / name, PartyId(name)) for name in NAMES}
        for name, party in self.parties.items():
            for other in set(NAMES) - {name}:
                party.pin(PartyId(other), self.parties[other].identity().public.fingerprint)
        govern(self.bank, NAMES)

    def _join(self, folder: Path, name: PartyId) -> PartyHome:
        held = invite(self.coordinator, name, self.now)
        home = joining.prepare(folder, held, self.now)
        joining.join(home, held, self.now)
        label = 'label = "bad"' if name == "bank" else ""
        lines = [f"{number},{number % 7},{int(number % 5 == 0)}" for number in range(400)]
        (folder / "data.csv").write_text("\n".join(["id,x,bad", *lines]) + "\n")
        exclude = "" if name == "bank" else 'exclude = ["bad"]'
        home.config_file.write_text(
            f'name = "{name}"\n[datasets.data]\nfile = "data.csv"\nkey = "id"\n{label}\n{exclude}\n'
        )
        return home

    @property
    def bank(self) -> PartyHome:
        return self.parties["bank"]

    def examined(self, plan: Plan | None = PLAN, now: dt.datetime | None = None) -> Readiness:
        return examine(self.bank, plan, now or dt.datetime.now(dt.UTC))

    def close(self) -> None:
        self._open.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    town = Town(tmp_path_factory.mktemp("town"))
    yield town
    town.close()


@pytest.fixture
def town(made: Town, tmp_path: Path) -> Iterator[Town]:
    """The town as it was made; what a test does to the bank's folder and the roster is undone."""
    shutil.copytree(made.bank.folder, tmp_path / "bank", copy_function=shutil.copy2)
    shutil.copytree(made.coordinator.members_folder, tmp_path / "members")
    yield made
    for kept, place in (
        (tmp_path / "bank", made.bank.folder),
        (tmp_path / "members", made.coordinator.members_folder),
    ):
        shutil.rmtree(place)
        shutil.copytree(kept, place, copy_function=shutil.copy2)


def failed(found: Readiness) -> list[Finding]:
    return [each for each in found.findings if each.severity == "fail"]


def only_failure(found: Readiness) -> Finding:
    (one,) = failed(found)
    assert not found.ready
    return one


def test_a_party_that_lacks_nothing_is_ready(town: Town) -> None:
    found = town.examined()
    assert failed(found) == [] and found.ready
    areas = {each.area for each in found.findings}
    assert areas == {
        *(
            "folder",
            "certificates",
            "machine",
            "network",
            "clock",
            "versions",
            "data",
            "partners",
            "grants",
            "plan",
        )
    }
    assert found.score("network") == found.score("clock") == found.score("grants") == 100


def test_looking_changes_nothing(town: Town) -> None:
    before = {path: path.read_bytes() for path in town.bank.folder.rglob("*") if path.is_file()}
    town.examined()
    assert {path: path.read_bytes() for path in town.bank.folder.rglob("*") if path.is_file()} == before


# -- seeded faults: each is found, and its next step is the right one ------------------------------------


def test_fault_1_a_clock_that_is_ten_minutes_off(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    late = (dt.datetime.now(dt.UTC) - dt.timedelta(minutes=10)).isoformat(timespec="seconds")
    monkeypatch.setattr(desks, "timestamp", lambda: late)
    fault = only_failure(town.examined())
    assert fault.area == "clock" and "ahead of the coordinator's" in fault.what
    assert "timedatectl set-ntp true" in fault.advice


def test_fault_2_a_certificate_that_ended(town: Town) -> None:
    fault = next(
        each
        for each in failed(town.examined(now=town.now + dt.timedelta(days=366)))
        if each.area == "certificates"
    )
    assert "ended on" in fault.what and "isthmus party request" in fault.advice


def test_fault_3_a_certificate_that_ends_in_five_days(town: Town) -> None:
    found = town.examined(plan=None, now=town.now + dt.timedelta(days=360))
    (fault,) = [each for each in found.findings if each.area == "certificates"]
    assert fault.severity == "warn" and "isthmus party renew" in fault.advice


@pytest.mark.parametrize("door", ["gate", "exchange", "desk"])
def test_fault_4_to_6_a_door_that_is_closed_while_the_others_are_open(town: Town, door: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = Address("127.0.0.1", unused.getsockname()[1])
    settings = town.coordinator.settings()
    places = {name: getattr(settings, name) for name in ("gate", "exchange", "desk")} | {door: closed}
    town.coordinator.move(FederationSettings("sme", **places))
    try:
        town.bank.accept(town.coordinator.admit(town.bank.request(), town.now), town.now)
    finally:
        town.coordinator.move(settings)
    fault = only_failure(town.examined())
    assert fault.area == "network" and str(closed) in fault.what and "cannot be reached" in fault.what
    assert "isthmus federation start" in fault.advice and str(closed.port) in fault.advice


def test_fault_7_what_answers_is_another_federation(town: Town, tmp_path: Path) -> None:
    other = CoordinatorHome.create(tmp_path / "other", town.coordinator.settings(), town.now)
    files.write(town.bank.authority_file, other.authority())
    faults = [each for each in failed(town.examined()) if each.area == "network"]
    assert len(faults) == 3
    assert all("not this federation's aggregator" in each.what for each in faults)
    assert all("party renew --desk" in each.advice for each in faults)


def test_fault_8_a_disk_that_is_nearly_full(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    full = type("Usage", (), {"free": 10_000_000})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    faults = failed(town.examined())
    assert {each.area for each in faults} == {"machine"}
    assert all("GB are free" in each.what and "Free space" in each.advice for each in faults)


def test_fault_9_another_version_at_the_coordinator(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {**component_versions(), "isthmus": "9.9.9"}
    monkeypatch.setattr(desks, "component_versions", lambda: other)
    fault = only_failure(town.examined())
    assert fault.area == "versions" and "9.9.9 at the coordinator" in fault.what
    assert "pip install isthmus==9.9.9" in fault.advice


def test_fault_10_a_file_that_party_toml_names_and_that_is_not_there(town: Town) -> None:
    (town.bank.folder / "data.csv").unlink()
    fault = next(each for each in failed(town.examined()) if each.area == "data")
    assert "data.csv" in fault.what and fault.advice


def test_fault_11_no_grant_for_the_plan(town: Town) -> None:
    shutil.rmtree(town.bank.folder / "governance" / "grants")
    faults = [each for each in failed(town.examined()) if each.area == "grants"]
    assert "G-GRANT" in faults[0].what and "isthmus grant" in faults[0].advice


def test_fault_12_a_grant_that_ended(town: Town) -> None:
    found = town.examined(now=town.now + dt.timedelta(days=4000))
    fault = next(each for each in failed(found) if each.area == "grants")
    assert "G-" in fault.what and "isthmus grant" in fault.advice


def test_fault_13_a_partner_that_nobody_compared(town: Town) -> None:
    (town.bank.folder / "pins.json").unlink()
    faults = {each.area: each for each in failed(town.examined())}
    assert "platform" in faults["partners"].what and "isthmus party trust" in faults["partners"].advice


def test_fault_14_a_key_that_others_can_read(town: Town) -> None:
    town.bank.supernode_key_file.chmod(0o644)
    fault = only_failure(town.examined())
    assert fault.area == "folder" and f"chmod 600 {town.bank.supernode_key_file}" in fault.advice


def test_fault_15_a_damaged_admission(town: Town) -> None:
    town.bank.admission_file.write_bytes(b"{")
    faults = [each for each in failed(town.examined(plan=None)) if "admission.json" in each.what]
    assert faults and all("isthmus party accept" in each.advice for each in faults)


def test_fault_16_rows_without_an_outcome(town: Town) -> None:
    table = town.bank.folder / "data.csv"
    table.write_text(table.read_text().replace("\n3,3,0\n", "\n3,3,\n"))
    fault = next(each for each in failed(town.examined()) if each.area == "plan")
    assert "1 rows have no outcome" in fault.what and "bad" in fault.what and "accepted" in fault.advice


def test_fault_17_a_partner_that_is_no_member(town: Town) -> None:
    town.coordinator.remove(PartyId("platform"))
    fault = only_failure(town.examined())
    assert fault.area == "partners" and "isthmus federation invite platform" in fault.advice


def test_fault_18_this_party_was_removed(town: Town) -> None:
    town.coordinator.remove(PartyId("bank"))
    fault = failed(town.examined())[0]
    assert "refused" in fault.what and "isthmus federation members" in fault.advice


def test_a_folder_that_is_half_made_is_told_how_to_go_on(tmp_path: Path) -> None:
    home = PartyHome.create(tmp_path / "bank", PartyId("bank"))
    fault = only_failure(examine(home, None, dt.datetime.now(dt.UTC)))
    assert "isthmus party join" in fault.advice


def test_a_plan_without_this_party_is_told(town: Town) -> None:
    plan = PLAN.model_copy(update={"parties": {"x-y": PlanParty(role="label"), "platform": PlanParty()}})
    assert "does not name bank" in [each.what for each in failed(town.examined(plan))][-1]


def test_the_clocks_allowance_is_its_own_width() -> None:
    at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    for off, severity in ((0, "ok"), (25, "ok"), (45, "warn"), (-45, "warn"), (300, "fail"), (-300, "fail")):
        assert examining.skew(at + dt.timedelta(seconds=off), at, at).severity == severity
