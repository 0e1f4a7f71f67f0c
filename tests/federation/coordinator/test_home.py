"""The coordinator's folder: made once, one identity to a name, and out is out."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import pytest
from cryptography import x509

from crypto.certificates import certificate_request, check_issued_by, new_tls_key
from crypto.errors import Refusal
from crypto.identity import Identity
from federation.addresses import Address
from federation.coordinator.home import CoordinatorHome, FederationSettings
from federation.errors import UsageError
from federation.ids import PartyId, RunId
from federation.locks import held, holder
from federation.roster import Request, decode

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
SETTINGS = FederationSettings("sme", Address("127.0.0.1", 7443), Address("127.0.0.1", 7444))
BANK = PartyId("bank")


@pytest.fixture
def home(tmp_path: Path) -> CoordinatorHome:
    return CoordinatorHome.create(tmp_path / "federation", SETTINGS, NOW)


def request(
    name: str = "bank", identity: Identity | None = None, certified: str | None = None, node: bytes = b"node"
) -> Request:
    tls_request = certificate_request(new_tls_key(), certified or name)
    return Request.make(PartyId(name), identity or Identity.generate(), tls_request, node)


def test_a_federation_is_made_once(home: CoordinatorHome) -> None:
    identity = home.identity().public
    with pytest.raises(UsageError, match="already"):
        CoordinatorHome.create(home.folder, SETTINGS, NOW)
    assert CoordinatorHome.open(home.folder).identity().public == identity
    assert home.settings() == SETTINGS


def test_a_folder_without_a_federation_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        CoordinatorHome.open(tmp_path)
    assert "isthmus federation init" in refused.value.advice


def test_keys_are_for_their_owner_only_and_everything_else_holds_none(home: CoordinatorHome) -> None:
    secret = home.folder / "secret"
    assert secret.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in secret.iterdir()} == {"authority.key", "identity.key", "tls.key"}
    for path in home.folder.rglob("*"):
        if path.is_file():
            assert (b"PRIVATE KEY" in path.read_bytes()) == (path.parent == secret)
            assert path.parent != secret or path.stat().st_mode & 0o777 == 0o600


def test_an_admission_holds_public_things_and_a_certificate_of_this_federation(home: CoordinatorHome) -> None:
    asked = request()
    admission = home.admit(asked, NOW)
    fields = json.loads(admission)
    assert b"PRIVATE" not in admission
    check_issued_by(decode(fields["certificate"]), decode(fields["authority"]), NOW)
    check_issued_by(decode(fields["certificate"]), home.authority_file.read_bytes(), NOW)
    assert decode(fields["coordinator"]) == home.identity().public.key
    assert home.roster().members[BANK].identity == asked.identity


def test_a_taken_name_is_refused_to_another_identity_and_nothing_changes(home: CoordinatorHome) -> None:
    first = request()
    home.admit(first, NOW)
    before = home.roster()
    with pytest.raises(Refusal, match="bank is admitted already, with another identity") as refused:
        home.admit(request(), NOW)
    assert refused.value.party == "bank" and home.roster() == before


def test_the_same_identity_may_renew_its_certificate(home: CoordinatorHome) -> None:
    identity = Identity.generate()
    serials = set()
    for _ in range(2):
        fields = json.loads(home.admit(request(identity=identity), NOW))
        serials.add(x509.load_pem_x509_certificate(decode(fields["certificate"])).serial_number)
    assert len(serials) == 2 and list(home.roster().members) == ["bank"]


def test_a_certificate_request_for_another_name_is_refused_and_nobody_is_admitted(
    home: CoordinatorHome,
) -> None:
    for name in ("plant", "aggregator"):
        with pytest.raises(Refusal, match="not for 'bank'"):
            home.admit(request(certified=name), NOW)
    assert not home.roster().members


def test_a_removed_party_is_out_at_once(home: CoordinatorHome) -> None:
    home.admit(request(node=b"node of bank"), NOW)
    home.admit(request("plant", node=b"node of plant"), NOW)
    other_view = CoordinatorHome.open(home.folder)
    assert other_view.admitted_supernodes() == {"bank": b"node of bank", "plant": b"node of plant"}
    home.remove(BANK)
    assert other_view.admitted_supernodes() == {"plant": b"node of plant"}
    assert list(other_view.roster().members) == ["plant"]
    with pytest.raises(UsageError, match="bank is not a member"):
        home.remove(BANK)
    home.admit(request(), NOW)  # The name is free again.
    assert BANK in home.roster().members


def test_rounds_are_listed_oldest_first(home: CoordinatorHome) -> None:
    assert home.runs() == []
    for run in ("20260302-090000-aaaaaa", "20260301-120000-ffffff"):
        home.round_folder(RunId(run)).mkdir(parents=True)
    assert home.runs() == ["20260301-120000-ffffff", "20260302-090000-aaaaaa"]


def test_a_second_service_in_the_folder_is_refused_and_told_how_to_stop_the_first(
    home: CoordinatorHome,
) -> None:
    assert holder(home.lock_file) is None
    with home.running():
        assert holder(home.lock_file) is not None
        with pytest.raises(UsageError, match="running already") as refused, home.running():
            pytest.fail("a second service holds the folder")
        assert "isthmus federation stop" in refused.value.advice
    assert holder(home.lock_file) is None
    with home.running():
        pass


def test_what_a_killed_service_was_writing_is_gone_when_another_starts_and_when_it_ends(
    home: CoordinatorHome,
) -> None:
    left = home.folder / "rounds" / "one" / f".status.json.{os.getpid()}.0123abcd"
    left.parent.mkdir(parents=True)
    left.touch()
    with home.running():
        assert not left.exists()
        left.touch()
    assert not left.exists()


def test_a_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), held(tmp_path / "x.lock", "it", "stop"):
        raise ZeroDivisionError
    with held(tmp_path / "x.lock", "it", "stop"):
        pass
