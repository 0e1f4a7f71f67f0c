"""Who is in: signed, pinned, and named with the next step when not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crypto.identity import Identity, SignatureRefused
from federation.errors import IdentityRefused, IsthmusError, MessageRefused, PlanRefused
from federation.ids import PartyId
from federation.roster import Member, Request, Roster, decode

BANK, PLANT = PartyId("bank"), PartyId("plant")


@pytest.fixture(scope="module")
def identities() -> dict[PartyId, Identity]:
    return {BANK: Identity.generate(), PLANT: Identity.generate()}


@pytest.fixture
def roster(identities: dict[PartyId, Identity]) -> Roster:
    return Roster("sme", {p: Member(p, identity.public, b"node key") for p, identity in identities.items()})


def pins(identities: dict[PartyId, Identity]) -> dict[str, str]:
    return {str(party): identity.public.fingerprint for party, identity in identities.items()}


def test_pinned_members_are_found(roster: Roster, identities: dict[PartyId, Identity]) -> None:
    assert roster.pinned(pins(identities), [PLANT]) == {PLANT: identities[PLANT].public}


def test_an_unpinned_party_is_named_with_the_command_that_pins_it(
    roster: Roster, identities: dict[PartyId, Identity]
) -> None:
    with pytest.raises(IdentityRefused, match="nobody here has checked") as refused:
        roster.pinned({"bank": pins(identities)["bank"]}, [BANK, PLANT])
    assert refused.value.party == "plant" and "isthmus party trust plant" in refused.value.advice


def test_a_plan_with_parties_that_are_not_admitted_names_all_of_them(roster: Roster) -> None:
    roster.check_admitted([BANK, PLANT])
    with pytest.raises(PlanRefused, match="customs, tax: not admitted") as refused:
        roster.check_admitted([BANK, PartyId("customs"), PartyId("tax")])
    assert refused.value.field == "parties.customs" and "federation members" in refused.value.advice


def test_a_changed_identity_is_refused(roster: Roster, identities: dict[PartyId, Identity]) -> None:
    changed = {**pins(identities), "plant": Identity.generate().public.fingerprint}
    with pytest.raises(IdentityRefused, match="another identity than the pinned one") as refused:
        roster.pinned(changed, [BANK, PLANT])
    assert refused.value.party == "plant"


def test_a_party_that_is_not_admitted_is_named(roster: Roster, identities: dict[PartyId, Identity]) -> None:
    with pytest.raises(IdentityRefused, match="customs is not admitted to sme") as refused:
        roster.pinned(pins(identities), [PartyId("customs")])
    assert "Ask the coordinator" in refused.value.advice


def test_a_key_that_the_coordinator_slips_in_is_not_believed(
    roster: Roster, identities: dict[PartyId, Identity]
) -> None:
    mallory = Member(PLANT, Identity.generate().public, b"node key")
    forged = Roster.from_json(Roster("sme", {**roster.members, PLANT: mallory}).to_json())
    with pytest.raises(IdentityRefused):
        forged.pinned(pins(identities), [BANK, PLANT])


def test_a_roster_comes_back_from_json(roster: Roster) -> None:
    assert Roster.from_json(json.loads(json.dumps(roster.to_json()))) == roster


@pytest.mark.parametrize(
    "change",
    [
        {"isthmus_roster": 2},
        {"isthmus_roster": None},
        {"members": None},
        {"members": {}},
        {"members": [3]},
        {"members": [{}]},
        {"members": [{"party": "aggregator", "identity": "", "supernode": ""}]},
        {"members": [{"party": "../x", "identity": "", "supernode": ""}]},
        {"members": [{"party": "bank", "identity": 3, "supernode": ""}]},
        {"members": [{"party": "bank", "identity": "!!!!", "supernode": ""}]},
        {"members": [{"party": "bank", "identity": "AAAA", "supernode": ""}]},
    ],
)
def test_what_is_no_roster_is_refused(roster: Roster, change: dict[str, Any]) -> None:
    with pytest.raises(IsthmusError):
        Roster.from_json({**roster.to_json(), **change})


def test_base64_with_anything_else_in_it_is_refused() -> None:
    for text in ("AA=A", "AA AA", "AAAA\n", "é", "A", None, 3, b"AAAA"):
        with pytest.raises(MessageRefused):
            decode(text)


@pytest.fixture
def request_json() -> dict[str, Any]:
    return Request.make(BANK, Identity.generate(), b"tls request", b"node key").to_json()


def test_a_request_comes_back_from_json(request_json: dict[str, Any]) -> None:
    assert Request.from_json(json.loads(json.dumps(request_json))).to_json() == request_json


@pytest.mark.parametrize("field", ["party", "identity", "tls_request", "supernode", "signature"])
def test_a_request_with_a_changed_field_is_refused(request_json: dict[str, Any], field: str) -> None:
    other = Request.make(PLANT, Identity.generate(), b"other request", b"other key").to_json()
    with pytest.raises(SignatureRefused):
        Request.from_json({**request_json, field: other[field]})


@pytest.mark.parametrize("field", ["isthmus_request", "party", "identity", "tls_request", "signature"])
def test_a_request_without_a_field_is_refused(request_json: dict[str, Any], field: str) -> None:
    del request_json[field]
    with pytest.raises(MessageRefused):
        Request.from_json(request_json)


@pytest.mark.parametrize("value", [None, 3, [], "request", {}])
def test_what_is_no_request_is_refused(value: Any) -> None:
    with pytest.raises(MessageRefused):
        Request.from_json(value)
