"""An order is the coordinator's, for this party, unchanged; or it is not followed."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from crypto.identity import Identity, SignatureRefused
from federation.errors import MessageRefused, PlanRefused, Refusal
from federation.files import canonical_json
from federation.ids import PartyId, RunId
from federation.order import Order
from federation.plan import Plan, PlanParty
from federation.roster import Member, Roster, encode

BANK, PLANT = PartyId("bank"), PartyId("plant")
COORDINATOR = Identity.generate()


def order() -> Order:
    plan = Plan(name="p", purpose="q", parties={"bank": PlanParty(role="label"), "plant": PlanParty()})
    members = {party: Member(party, Identity.generate().public, b"node") for party in (BANK, PLANT)}
    return Order(RunId("20260301-120000-abcdef"), 1, BANK, plan, Roster("sme", members), (BANK, PLANT))


def signed(statement: bytes, by: Identity = COORDINATOR, purpose: str = "order") -> bytes:
    return canonical_json(
        {
            "isthmus_order": 1,
            "statement": statement.decode(),
            "signature": encode(by.sign(purpose, statement)),
        }
    )


def restated(**changes: Any) -> bytes:
    return signed(canonical_json({**json.loads(order()._statement()), **changes}))


def test_an_order_comes_back_as_it_was_signed() -> None:
    sent = order()
    assert Order.open(sent.seal(COORDINATOR), COORDINATOR.public, BANK) == sent


def test_an_order_of_another_coordinator_is_refused() -> None:
    with pytest.raises(SignatureRefused):
        Order.open(order().seal(Identity.generate()), COORDINATOR.public, BANK)


def test_a_signature_that_was_made_for_something_else_is_refused() -> None:
    with pytest.raises(SignatureRefused):
        Order.open(signed(order()._statement(), purpose="admission"), COORDINATOR.public, BANK)


def test_an_order_for_another_party_is_refused() -> None:
    with pytest.raises(MessageRefused, match="another party"):
        Order.open(order().seal(COORDINATOR), COORDINATOR.public, PLANT)


@pytest.mark.parametrize(
    "change",
    [("attempt", 2), ("run", "20260301-120000-abcdee"), ("party", "plant"), ("plan", "{}"), ("roster", {})],
)
def test_a_tampered_statement_is_refused(change: tuple[str, Any]) -> None:
    outer = json.loads(order().seal(COORDINATOR))
    statement = {**json.loads(outer["statement"]), change[0]: change[1]}
    outer["statement"] = canonical_json(statement).decode()
    with pytest.raises(SignatureRefused):
        Order.open(canonical_json(outer), COORDINATOR.public, BANK)


def test_another_plan_in_a_good_order_is_not_taken() -> None:
    plan = order().plan.canonical().decode()
    for bad in (plan + " ", plan.replace("0.02", "0.5"), "{}", ""):
        with pytest.raises(PlanRefused):
            Order.open(restated(plan=bad), COORDINATOR.public, BANK)


@pytest.mark.parametrize("run", ["../../secret", "a/b", "..", ".", "", "a\0b", "a\nb", "x" * 200, None])
def test_a_runs_name_that_would_leave_the_rounds_folder_is_refused(run: Any) -> None:
    if run is None:
        run = "/etc"
    with pytest.raises(MessageRefused):
        Order.open(restated(run=run), COORDINATOR.public, BANK)


@pytest.mark.parametrize("attempt", ["1", None, 1.0, True, [1]])
def test_an_attempt_that_is_no_number_is_refused(attempt: Any) -> None:
    with pytest.raises(MessageRefused, match="attempt"):
        Order.open(restated(attempt=attempt), COORDINATOR.public, BANK)


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"isthmus_order":2}', bytes(5 << 20)],
)
def test_what_is_no_order_is_refused(payload: bytes) -> None:
    with pytest.raises(MessageRefused):
        Order.open(payload, COORDINATOR.public, BANK)


@pytest.mark.parametrize("field", ["statement", "signature"])
@pytest.mark.parametrize("value", [None, 3, "", [], "AAAA"])
def test_an_order_with_a_broken_envelope_is_refused(field: str, value: Any) -> None:
    outer = json.loads(order().seal(COORDINATOR))
    with pytest.raises(Refusal):
        Order.open(canonical_json({**outer, field: value}), COORDINATOR.public, BANK)


def test_an_order_cannot_be_changed_after_it_was_opened() -> None:
    opened = Order.open(order().seal(COORDINATOR), COORDINATOR.public, BANK)
    with pytest.raises(dataclasses.FrozenInstanceError):
        opened.attempt = 2  # type: ignore[misc]
