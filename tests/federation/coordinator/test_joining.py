"""Invitations at the coordinator: good once, for one party and one identity, until they end."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crypto.certificates import certificate_request, new_tls_key
from crypto.errors import Refusal, UsageError
from crypto.identity import Identity
from federation.addresses import Address
from federation.coordinator.home import CoordinatorHome, FederationSettings
from federation.coordinator.joining import Register, invitations, invite, revoke
from federation.ids import PartyId
from federation.joining.invitation import Invitation, prove
from federation.roster import Request

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
AT = Address("127.0.0.1", 7445)
BANK, PLANT = PartyId("bank"), PartyId("plant")
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def home(tmp_path: Path) -> CoordinatorHome:
    return CoordinatorHome.create(tmp_path / "federation", FederationSettings("sme", AT, AT, AT), NOW)


def request(name: PartyId = BANK, identity: Identity | None = None) -> Request:
    tls = certificate_request(new_tls_key(), name)
    return Request.make(name, identity or Identity.generate(), tls, b"node")


def join(home: CoordinatorHome, held: Invitation, asked: Request, now: dt.datetime = NOW) -> bytes:
    return Register(home).join(held.id, prove(held, asked), asked, now)


def test_whom_it_is_for_joins_and_is_a_member(home: CoordinatorHome) -> None:
    held, asked = invite(home, BANK, NOW), request()
    join(home, held, asked)
    assert home.roster().members[BANK].identity == asked.identity
    assert [each.state(NOW) for each in invitations(home)] == ["used"]


def test_the_coordinator_keeps_nothing_by_which_somebody_could_join(home: CoordinatorHome) -> None:
    held = invite(home, BANK, NOW)
    secret = held.key.to_pem().splitlines()[1]
    kept = [path for path in home.folder.rglob("*") if path.is_file()]
    assert not [path for path in kept if secret in path.read_bytes()]
    assert [path.stat().st_mode & 0o077 for path in home.invitations_folder.iterdir()] == [0]


def test_a_used_invitation_lets_no_other_identity_in(home: CoordinatorHome) -> None:
    held = invite(home, BANK, NOW)
    join(home, held, request())
    home.remove(BANK)
    with pytest.raises(Refusal, match="used already"):
        join(home, held, request())
    assert BANK not in home.roster().members


def test_an_answer_that_was_lost_is_given_again_to_the_same_identity(home: CoordinatorHome) -> None:
    held, identity = invite(home, BANK, NOW), Identity.generate()
    join(home, held, request(identity=identity))
    join(home, held, request(identity=identity))
    home.remove(BANK)
    with pytest.raises(Refusal, match="removed"):
        join(home, held, request(identity=identity))


def test_of_many_at_once_one_joins(home: CoordinatorHome) -> None:
    held, asked = invite(home, BANK, NOW), [request() for _ in range(8)]

    def attempt(each: Request) -> bool:
        try:
            join(home, held, each)
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, asked)) == 1


def test_it_ends_to_the_second(home: CoordinatorHome) -> None:
    held = invite(home, BANK, NOW, dt.timedelta(hours=1))
    with pytest.raises(Refusal, match="ended on 2026-03-01T01:00:00"):
        join(home, held, request(), held.expires + SECOND)
    join(home, held, request(), held.expires)


def test_another_partys_name_or_another_invitations_key_is_refused(home: CoordinatorHome) -> None:
    held, other = invite(home, BANK, NOW), invite(home, PLANT, NOW)
    asked = request(PLANT)
    with pytest.raises(Refusal, match="is for bank"):
        join(home, held, asked)
    with pytest.raises(Refusal, match="no invitation of this federation"):
        Register(home).join(held.id, prove(other, asked), asked, NOW)
    with pytest.raises(Refusal, match="no invitation of this federation"):
        Register(home).join("../../secret", prove(held, asked), asked, NOW)


def test_a_proof_is_good_for_the_keys_that_it_was_made_for_only(home: CoordinatorHome) -> None:
    held, mine, theirs = invite(home, BANK, NOW), request(), request()
    with pytest.raises(Refusal, match="no invitation of this federation"):
        Register(home).join(held.id, prove(held, mine), theirs, NOW)
    assert [each.state(NOW) for each in invitations(home)] == ["open"]


def test_what_was_taken_back_lets_nobody_in_and_what_was_used_is_not_taken_back(
    home: CoordinatorHome,
) -> None:
    held = invite(home, BANK, NOW)
    assert revoke(home, held.id).state(NOW) == "revoked"
    with pytest.raises(Refusal, match="taken the invitation back"):
        join(home, held, request())
    used = invite(home, PLANT, NOW)
    join(home, used, request(PLANT))
    with pytest.raises(UsageError) as refused:
        revoke(home, used.id)
    assert "federation remove plant" in refused.value.advice


def test_a_member_is_not_invited_again_and_no_invitation_is_good_for_long(home: CoordinatorHome) -> None:
    join(home, invite(home, BANK, NOW), request())
    with pytest.raises(UsageError, match="member already"):
        invite(home, BANK, NOW)
    with pytest.raises(UsageError, match="30 days"):
        invite(home, PLANT, NOW, dt.timedelta(days=31))


def test_a_certificate_is_renewed_for_the_known_identity_only(home: CoordinatorHome) -> None:
    identity = Identity.generate()
    join(home, invite(home, BANK, NOW), request(identity=identity))
    Register(home).renew(request(identity=identity), NOW)
    for asked in (request(), request(PLANT)):
        with pytest.raises(Refusal, match="no member with this identity"):
            Register(home).renew(asked, NOW)


def test_the_aggregators_own_certificate_is_renewed_when_it_is_due(home: CoordinatorHome) -> None:
    before = home.tls_certificate()
    assert not home.renew_certificate(NOW + dt.timedelta(days=200))
    assert home.tls_certificate() == before
    assert home.renew_certificate(NOW + dt.timedelta(days=300))
    assert home.tls_certificate() != before
