"""The desk over real TLS: who gets an answer, and that nobody else gets more than a refusal."""

from __future__ import annotations

import datetime as dt
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crypto.errors import Refusal, UsageError
from crypto.identity import SignatureRefused
from federation.addresses import Address
from federation.coordinator.home import CoordinatorHome, FederationSettings
from federation.coordinator.joining import Register, invite
from federation.errors import IdentityRefused, MessageRefused, PeerFailure
from federation.ids import PartyId
from federation.joining import calling
from federation.joining import desk as desks
from federation.joining.desk import BODY_LIMIT, Desk
from federation.joining.invitation import Invitation, prove
from parties import joining
from parties.home import PartyHome

BANK, PLANT = PartyId("bank"), PartyId("plant")


class Office:
    """A coordinator with its desk on loopback, and what it told its people."""

    def __init__(self, folder: Path, name: str = "sme") -> None:
        nowhere = Address("127.0.0.1", 9)
        self.now = dt.datetime.now(dt.UTC)
        self.told: list[str] = []
        self.home = CoordinatorHome.create(
            folder, FederationSettings(name, nowhere, nowhere, nowhere), self.now
        )
        self.desk = Desk(
            "127.0.0.1",
            0,
            Register(self.home),
            certificate_file=self.home.tls_certificate_file,
            key_file=self.home.tls_key_file,
            authority_file=self.home.authority_file,
            tell=self.told.append,
        )
        self.desk.start()
        at = Address("127.0.0.1", self.desk.port)
        self.home.move(FederationSettings(name, nowhere, nowhere, at))

    def invite(self, party: PartyId = BANK) -> Invitation:
        return invite(self.home, party, self.now)

    def join(self, folder: Path, party: PartyId = BANK) -> PartyHome:
        held = self.invite(party)
        home = joining.prepare(folder, held, self.now)
        joining.join(home, held, self.now)
        return home

    def post(self, path: str, content: bytes, member: PartyHome | None = None) -> httpx.Response:
        """What anybody can send."""
        context = ssl.create_default_context(cadata=self.home.authority().decode())
        if member is not None:
            context.load_cert_chain(member.tls_certificate_file, member.tls_key_file)
        with httpx.Client(verify=context, trust_env=False, timeout=30) as client:
            return client.post(f"https://127.0.0.1:{self.desk.port}{path}", content=content)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path / "federation")
    yield made
    made.desk.stop()


def test_an_invited_party_joins_and_learns_who_else_is_there(office: Office, tmp_path: Path) -> None:
    bank = office.join(tmp_path / "bank")
    held = office.invite(PLANT)
    plant = joining.prepare(tmp_path / "plant", held, office.now)
    joined = joining.join(plant, held, office.now)
    assert joined.admission.federation == "sme" and plant.admission().desk == held.desk
    assert joining.unpinned(plant, joined.roster) == {BANK: bank.identity().public.fingerprint}
    assert plant.pins() == {}, "the coordinator's word pins nobody"
    assert [sentence.split()[0] for sentence in office.told] == [BANK, PLANT]


def test_a_member_renews_its_certificate_and_learns_a_new_address(office: Office, tmp_path: Path) -> None:
    bank = office.join(tmp_path / "bank")
    before, settings = bank.tls_certificate(), office.home.settings()
    moved = Address("127.0.0.2", 1234)
    office.home.move(FederationSettings("sme", moved, moved, settings.desk))
    assert joining.renew(bank, office.now).admission.gate == moved
    assert bank.admission().exchange == moved and bank.tls_certificate() != before


def test_keys_are_replaced_while_the_identity_stays(office: Office, tmp_path: Path) -> None:
    bank = office.join(tmp_path / "bank")
    keys, identity = (bank.tls_key(), bank.supernode_public_key()), bank.identity().public
    joining.rotate(bank, office.now)
    assert keys[0] != bank.tls_key() and keys[1] != bank.supernode_public_key()
    assert office.home.admitted_supernodes()[BANK] == bank.supernode_public_key()
    assert office.home.roster().members[BANK].identity == identity == bank.identity().public
    assert joining.roster(bank).members.keys() == {BANK}, "the new certificate opens the desk"


def test_keys_stay_as_they_are_when_the_coordinator_does_not_answer(office: Office, tmp_path: Path) -> None:
    bank = office.join(tmp_path / "bank")
    before = {path: path.read_bytes() for path in bank.folder.rglob("*") if path.is_file()}
    office.desk.stop()
    with pytest.raises(PeerFailure):
        joining.rotate(bank, office.now)
    assert {path: path.read_bytes() for path in before} == before


def test_keys_are_not_replaced_under_a_running_node(office: Office, tmp_path: Path) -> None:
    bank = office.join(tmp_path / "bank")
    with bank.running(), pytest.raises(UsageError, match="running"):
        joining.rotate(bank, office.now)


def test_a_stranger_gets_neither_roster_nor_certificate(office: Office, tmp_path: Path) -> None:
    bank = office.join(tmp_path / "bank")
    request = json.dumps(bank.request().to_json()).encode()
    assert [office.post(path, request).status_code for path in ("/renewal", "/roster", "/")] == [403] * 3
    office.home.remove(BANK)
    assert office.post("/renewal", request, bank).status_code == 403
    with pytest.raises(Refusal):
        joining.roster(bank)


def test_a_member_renews_for_itself_alone(office: Office, tmp_path: Path) -> None:
    bank, plant = office.join(tmp_path / "bank"), office.join(tmp_path / "plant", PLANT)
    theirs = json.dumps(plant.request().to_json()).encode()
    assert office.post("/renewal", theirs, bank).status_code == 403


def test_a_certificate_of_another_federation_opens_no_connection(office: Office, tmp_path: Path) -> None:
    other = Office(tmp_path / "other")
    try:
        foreign = other.join(tmp_path / "foreign")
        with pytest.raises(httpx.TransportError):
            office.post("/renewal", b"{}", foreign)
    finally:
        other.desk.stop()


def test_a_desk_of_another_authority_is_not_spoken_to(office: Office, tmp_path: Path) -> None:
    other = Office(tmp_path / "other")
    try:
        held = office.invite()
        there = other.home.settings().desk
        assert there is not None
        misled = Invitation(
            held.id,
            held.federation,
            held.party,
            there,
            held.authority,
            held.coordinator,
            held.expires,
            held.key,
        )
        home = joining.prepare(tmp_path / "bank", misled, office.now)
        with pytest.raises(PeerFailure, match="not this federation"):
            joining.join(home, misled, office.now)
        assert not home.admission_file.exists()
    finally:
        other.desk.stop()


def test_an_answer_that_another_coordinator_signed_is_refused(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Office(tmp_path / "other")
    other.desk.stop()
    held = office.invite()
    home = joining.prepare(tmp_path / "bank", held, office.now)
    forged = other.home.admit(home.request(), office.now)
    honest = Register.join

    def swapped(register: Register, *arguments: Any) -> bytes:
        honest(register, *arguments)
        return forged

    monkeypatch.setattr(Register, "join", swapped)
    with pytest.raises(IdentityRefused, match="another coordinator"):
        joining.join(home, held, office.now)
    assert not home.admission_file.exists()


def test_a_roster_that_was_changed_on_its_way_is_refused(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = office.join(tmp_path / "bank")
    honest = Register.signed_roster(Register(office.home))
    changed = json.loads(honest)
    changed["members"][0]["supernode"] = changed["members"][0]["identity"]
    monkeypatch.setattr(Register, "signed_roster", lambda self: json.dumps(changed).encode())
    with pytest.raises(SignatureRefused):
        joining.roster(bank)
    other = Office(tmp_path / "other")
    other.desk.stop()
    monkeypatch.setattr(Register, "signed_roster", lambda self: signed_by_other)
    signed_by_other = json.dumps({**json.loads(honest), "coordinator": _key(other)}).encode()
    with pytest.raises(MessageRefused, match="another coordinator"):
        joining.roster(bank)


def _key(office: Office) -> str:
    import base64

    return base64.b64encode(office.home.identity().public.key).decode()


def test_what_is_no_request_is_refused_in_bounded_time_and_size(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = [b"", b"[]", b"{}", b"\xff", b"[" * 5000, b" " * (BODY_LIMIT + 1), b'{"invitation":1,"proof":2}']
    assert {office.post("/admission", body).status_code for body in bodies} == {400}
    monkeypatch.setattr(desks, "_BODY_SECONDS", 0.2)

    def slowly() -> Iterator[bytes]:
        import time

        yield b"{"
        time.sleep(1.0)
        yield b"}"

    context = ssl.create_default_context(cadata=office.home.authority().decode())
    with httpx.Client(verify=context, trust_env=False, timeout=30) as client:
        answer = client.post(f"https://127.0.0.1:{office.desk.port}/admission", content=slowly())
    assert answer.status_code == 408


def test_guessing_is_slowed_down_and_no_answer_tells_a_stranger_anything(
    office: Office, tmp_path: Path
) -> None:
    held, other = office.invite(), office.invite(PLANT)
    asked = joining.prepare(tmp_path / "bank", held, office.now).request()
    guess = {"proof": prove(other, asked).hex(), "request": asked.to_json()}
    answers = [
        office.post("/admission", json.dumps({"invitation": number, **guess}).encode())
        for number in (held.id, "0" * 16)
    ]
    assert answers[0].content == answers[1].content, "whether an invitation exists is not told"
    answers = [office.post("/admission", b"{}") for _ in range(60)]
    assert answers[0].status_code == 400 and answers[-1].status_code == 429


def test_a_desk_that_is_away_is_named(office: Office, tmp_path: Path) -> None:
    held = office.invite()
    home = joining.prepare(tmp_path / "bank", held, office.now)
    office.desk.stop()
    with pytest.raises(PeerFailure, match=f"admission desk at 127.0.0.1:{held.desk.port} cannot be reached"):
        joining.join(home, held, office.now)


def test_an_answer_without_an_end_is_cut_off(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = office.join(tmp_path / "bank")
    monkeypatch.setattr(calling, "_LONGEST", 100)
    with pytest.raises(MessageRefused, match="cannot be read"):
        joining.roster(bank)
