"""A grant is its owner's own words, in one byte form."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from crypto import dsse
from crypto.errors import Refusal
from crypto.identity import Identity, SignatureRefused
from federation.errors import GrantRefused
from federation.governance.grant import GRANT_TYPE, REVOCATION_TYPE, Grant, Revocation
from federation.governance.signing import (
    opened_grant,
    opened_revocation,
    sealed_grant,
    sealed_revocation,
)
from federation.governance.terms import Use
from tests import governed

OWNER, OTHER = Identity.generate(), Identity.generate()
ABOUT = governed.manifest("bank", "data", "firm", {"firm": governed.field_of(Use.KEY)})
GRANT = governed.grant_of(ABOUT, {"platform": "CN"})
REVOCATION = Revocation(
    revocation="isthmus.revocation/v1", grant_id="test", at=dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
)


def test_what_was_signed_comes_back() -> None:
    assert opened_grant(sealed_grant(GRANT, OWNER), OWNER.public) == GRANT
    assert opened_revocation(sealed_revocation(REVOCATION, OWNER), OWNER.public) == REVOCATION


def test_another_identitys_grant_is_none() -> None:
    with pytest.raises(SignatureRefused):
        opened_grant(sealed_grant(GRANT, OTHER), OWNER.public)


def test_a_revocation_is_no_grant() -> None:
    with pytest.raises(Refusal):
        opened_grant(sealed_revocation(REVOCATION, OWNER), OWNER.public)


def test_every_changed_byte_is_found() -> None:
    envelope = sealed_grant(GRANT, OWNER)
    for place in range(0, len(envelope), 7):
        changed = bytearray(envelope)
        changed[place] ^= 1
        with pytest.raises(Refusal):
            opened_grant(bytes(changed), OWNER.public)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b'{"grant":"isthmus.grant/v1"}',
        json.dumps(json.loads(GRANT.canonical()), indent=1).encode(),
        GRANT.canonical().replace(b"isthmus.grant/v1", b"isthmus.grant/v2"),
        GRANT.canonical()[:-1] + b',"more":1}',
    ],
)
def test_signed_bytes_that_are_no_grant_are_refused(payload: bytes) -> None:
    with pytest.raises(GrantRefused):
        opened_grant(dsse.seal(GRANT_TYPE, payload, OWNER), OWNER.public)


def test_a_grant_without_a_time_zone_is_none() -> None:
    naive = GRANT.canonical().replace(b'Z","', b'","')
    with pytest.raises(GrantRefused):
        opened_grant(dsse.seal(GRANT_TYPE, naive, OWNER), OWNER.public)
    assert Grant.model_validate_json(GRANT.canonical()) == GRANT


def test_a_revocation_under_the_type_of_a_grant_is_refused() -> None:
    with pytest.raises(GrantRefused):
        opened_grant(dsse.seal(GRANT_TYPE, REVOCATION.canonical(), OWNER), OWNER.public)
    with pytest.raises(Refusal):
        opened_revocation(dsse.seal(REVOCATION_TYPE, GRANT.canonical(), OWNER), OWNER.public)
