"""A party's folder: made once, admitted as itself by one coordinator, trusting what somebody compared."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest

from crypto.certificates import CertificateAuthority, certificate_request, new_tls_key
from crypto.errors import Refusal
from crypto.identity import Identity
from federation.addresses import Address
from federation.coordinator.home import CoordinatorHome, FederationSettings
from federation.errors import IdentityRefused, IsthmusError, MessageRefused, UsageError
from federation.ids import PartyId, RunId
from federation.roster import Request, encode, signed
from parties.admission import read_admission
from parties.home import PartyHome

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
BANK, PLANT = PartyId("bank"), PartyId("plant")


def federation(folder: Path, name: str = "sme") -> CoordinatorHome:
    settings = FederationSettings(name, Address("127.0.0.1", 7443), Address("127.0.0.1", 7444))
    return CoordinatorHome.create(folder, settings, NOW)


@pytest.fixture
def coordinator(tmp_path: Path) -> CoordinatorHome:
    return federation(tmp_path / "federation")


@pytest.fixture
def home(tmp_path: Path) -> PartyHome:
    return PartyHome.create(tmp_path / "bank", BANK)


def admission(coordinator: CoordinatorHome, home: PartyHome) -> bytes:
    return coordinator.admit(Request.from_json(home.request().to_json()), NOW)


def signed_anew(coordinator: CoordinatorHome, fields: dict[str, Any]) -> bytes:
    """What a coordinator would sign that says this."""
    fields.pop("signature", None)
    return signed(fields, "admission file", coordinator.identity())


def test_a_party_is_made_once_and_its_keys_are_kept(home: PartyHome) -> None:
    identity = home.identity().public
    with pytest.raises(UsageError, match="a party in this folder already") as refused:
        PartyHome.create(home.folder, PLANT)
    assert refused.value.party == "bank"
    assert PartyHome.open(home.folder).identity().public == identity


def test_a_folder_without_a_party_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        PartyHome.open(tmp_path)
    assert "isthmus party init" in refused.value.advice


def test_a_configuration_that_stands_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "party.toml").write_text('name = "bank"\n# mine\n')
    assert "# mine" in PartyHome.create(tmp_path / "bank", BANK).config_file.read_text()


def test_the_template_is_toml_and_names_the_party(home: PartyHome) -> None:
    assert home.name() == "bank" and home.config() == {"name": "bank"}


@pytest.mark.parametrize("text", ["name = ", "\xff", 'name = "aggregator"', "", "name = 3"])
def test_a_configuration_without_a_good_name_is_refused(home: PartyHome, text: str) -> None:
    home.config_file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError):
        home.name()


def test_a_request_holds_public_keys_only_and_is_signed(home: PartyHome) -> None:
    text = json.dumps(home.request().to_json())
    for path in (home.folder / "secret").iterdir():
        for line in path.read_text().splitlines():
            assert line not in text
    assert Request.from_json(json.loads(text)).identity == home.identity().public


@pytest.mark.parametrize("name", ["identity.key", "tls.key", "supernode.key"])
def test_no_request_is_made_with_a_key_that_others_can_read(home: PartyHome, name: str) -> None:
    (home.folder / "secret" / name).chmod(0o644)
    with pytest.raises(UsageError, match="others on this machine"):
        home.request()


def test_an_admission_is_accepted_and_can_be_renewed(coordinator: CoordinatorHome, home: PartyHome) -> None:
    with pytest.raises(UsageError, match="not admitted"):
        home.admission()
    for _ in range(2):
        accepted = home.accept(admission(coordinator, home), NOW)
        assert accepted.coordinator == coordinator.identity().public
        assert home.admission() == accepted
    assert home.authority_file.read_bytes() == coordinator.authority_file.read_bytes()


def written(home: PartyHome) -> list[bool]:
    return [path.exists() for path in (home.authority_file, home.tls_certificate_file, home.admission_file)]


def test_an_admission_for_another_party_is_refused_and_nothing_is_written(
    coordinator: CoordinatorHome, home: PartyHome, tmp_path: Path
) -> None:
    plant = PartyHome.create(tmp_path / "plant", PLANT)
    theirs = admission(coordinator, plant)
    with pytest.raises(IdentityRefused, match="this admission is for plant"):
        home.accept(theirs, NOW)
    renamed = {**json.loads(theirs), "party": "bank"}
    with pytest.raises(IdentityRefused, match="this admission is for bank"):
        home.accept(signed_anew(coordinator, renamed), NOW)
    assert written(home) == [False] * 3


def test_a_certificate_of_another_federation_is_refused(
    coordinator: CoordinatorHome, home: PartyHome, tmp_path: Path
) -> None:
    other = federation(tmp_path / "other")
    mixed = {
        **json.loads(admission(coordinator, home)),
        "certificate": json.loads(admission(other, home))["certificate"],
    }
    with pytest.raises(Refusal, match="another federation"):
        home.accept(signed_anew(coordinator, mixed), NOW)
    assert written(home) == [False] * 3


def test_a_member_of_one_federation_does_not_go_over_to_another(
    coordinator: CoordinatorHome, home: PartyHome, tmp_path: Path
) -> None:
    home.accept(admission(coordinator, home), NOW)
    before = home.admission_file.read_bytes()
    with pytest.raises(IdentityRefused, match="member of another federation"):
        home.accept(admission(federation(tmp_path / "other"), home), NOW)
    assert home.admission_file.read_bytes() == before


def test_an_expired_certificate_is_refused(coordinator: CoordinatorHome, home: PartyHome) -> None:
    with pytest.raises(Refusal, match="ended on 2027-03-01"):
        home.accept(admission(coordinator, home), NOW + dt.timedelta(days=400))


@pytest.mark.parametrize(
    "change",
    [
        {"isthmus_admission": 2},
        {"certificate": encode(b"junk")},
        {"authority": encode(b"junk")},
        {"certificate": "!"},
        {"certificate": None},
        {"coordinator": encode(b"short")},
        {"gate": "nowhere"},
        {"exchange": ""},
        {"party": None},
    ],
)
def test_a_damaged_admission_is_refused_and_nothing_is_written(
    coordinator: CoordinatorHome, home: PartyHome, change: dict[str, Any]
) -> None:
    bad = {**json.loads(admission(coordinator, home)), **change}
    with pytest.raises(IsthmusError):
        home.accept(signed_anew(coordinator, bad), NOW)
    assert written(home) == [False] * 3


def test_whoever_carries_the_admission_cannot_put_its_own_authority_and_addresses_into_it(
    coordinator: CoordinatorHome, home: PartyHome, tmp_path: Path
) -> None:
    # The carrier knows the party's request, so its own authority can certify the party's own key.
    mine = json.loads(admission(federation(tmp_path / "mine"), home))
    theirs = json.loads(admission(coordinator, home))
    stolen = {**theirs, "authority": mine["authority"], "certificate": mine["certificate"]}
    for changed in (stolen, {**theirs, "gate": "mine.example:1"}, {**theirs, "exchange": "mine.example:1"}):
        with pytest.raises(IdentityRefused, match="not what the coordinator signed"):
            home.accept(json.dumps(changed).encode(), NOW)
    del theirs["signature"]
    with pytest.raises(IsthmusError):
        home.accept(json.dumps(theirs).encode(), NOW)
    assert written(home) == [False] * 3


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"\xff", b"3"])
def test_what_is_no_admission_is_refused(data: bytes) -> None:
    with pytest.raises(MessageRefused):
        read_admission(data)


def test_a_certificate_by_a_party_of_the_same_federation_is_refused(
    coordinator: CoordinatorHome, home: PartyHome
) -> None:
    key = new_tls_key()
    plant = Request.make(PLANT, Identity.generate(), certificate_request(key, "plant"), b"node")
    fields = json.loads(coordinator.admit(plant, NOW))
    below = CertificateAuthority(key, base64.b64decode(fields["certificate"]))
    forged = below.issue_party(home.request().tls_request, "bank", NOW)
    bad = {**json.loads(admission(coordinator, home)), "certificate": encode(forged)}
    with pytest.raises(Refusal):
        home.accept(signed_anew(coordinator, bad), NOW)


def test_a_pin_is_normalised_kept_and_not_replaced(home: PartyHome) -> None:
    fingerprint, other = Identity.generate().public.fingerprint, Identity.generate().public.fingerprint
    home.pin(PLANT, "  " + fingerprint.upper().replace(" ", "\n"))
    home.pin(PLANT, fingerprint)
    assert home.pins() == {"plant": fingerprint}
    with pytest.raises(IdentityRefused, match="pinned to another fingerprint") as refused:
        home.pin(PLANT, other)
    assert "delete its line" in refused.value.advice and home.pins() == {"plant": fingerprint}


def test_a_second_node_in_the_folder_is_refused(home: PartyHome) -> None:
    with home.running(), pytest.raises(UsageError, match="running already"), home.running():
        pytest.fail("a second node holds the folder")


def test_what_a_killed_node_was_writing_is_gone_when_another_starts_and_when_it_ends(home: PartyHome) -> None:
    left = home.folder / "rounds" / "one" / f".status.json.{os.getpid()}.0123abcd"
    left.parent.mkdir(parents=True)
    left.touch()
    with home.running():
        assert not left.exists()
        left.touch()
    assert not left.exists()


def test_a_certificate_for_another_key_is_not_accepted(coordinator: CoordinatorHome, home: PartyHome) -> None:
    asked = home.request()
    foreign = Request.make(BANK, home.identity(), certificate_request(new_tls_key(), BANK), asked.supernode)
    with pytest.raises(Refusal, match="another key"):
        home.accept(coordinator.admit(foreign, NOW), NOW)
    assert not home.admission_file.exists()


def test_a_kept_plan_of_another_version_is_named_and_nobody_is_told_to_launch_again(home: PartyHome) -> None:
    run = RunId("20261126-000000-abcdef")
    file = home.round_folder(run) / "plan.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"name": "older"}')
    with pytest.raises(UsageError, match="another version") as refusal:
        home.plan(run)
    assert (refusal.value.party, refusal.value.file) == ("bank", str(file))
    assert "launch" not in refusal.value.advice


def test_a_coordinators_folder_is_told_from_a_partys_and_none_is_made_in_it(
    coordinator: CoordinatorHome, home: PartyHome
) -> None:
    for refuse in (
        lambda: PartyHome.open(coordinator.folder),
        lambda: PartyHome.create(coordinator.folder, BANK),
    ):
        with pytest.raises(UsageError, match="this is a coordinator's folder, not a party's") as refused:
            refuse()
        assert refused.value.file == str(coordinator.folder)
        assert "isthmus round list" in refused.value.advice
    assert not (coordinator.folder / "party.toml").exists()
    with pytest.raises(UsageError, match="this is a party's folder") as refused:
        CoordinatorHome.open(home.folder)
    assert refused.value.file == str(home.folder)
    assert refused.value.advice.startswith("Name the federation's folder")
