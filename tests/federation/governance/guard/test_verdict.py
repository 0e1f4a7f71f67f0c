"""A verdict comes out byte for byte the same when it is decided again, and an edited one does not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import UsageError
from federation import codec
from federation.governance.guard.party import Evidence
from federation.governance.guard.verdict import UNKNOWN, Judge, rederive
from federation.messages.logistic import LogitRange
from federation.messages.round import Prepared
from tests.federation.governance.guard.granted import PLATFORM, PUBLIC, guard


def evidence() -> Evidence:
    policy = guard()
    for to in (PLATFORM, PUBLIC):
        for message in (Prepared(3), LogitRange(1)):
            policy.permit(to, message, codec.encode(message))
    return policy.evidence()


EVIDENCE = evidence()
LINES = list(EVIDENCE.verdicts)
POLICY = EVIDENCE.policy


def test_verdicts_are_decided_again_byte_for_byte() -> None:
    assert len(LINES) == 4
    assert rederive(POLICY, EVIDENCE.entities, LINES) is None


@pytest.mark.parametrize("field", ["decision", "rules", "policy", "entities", "request"])
def test_an_edited_verdict_is_found(field: str) -> None:
    verdict = json.loads(LINES[1])
    edited = {"decision": "deny", "rules": ["G-GRANT"], "policy": "0" * 64, "entities": "0" * 64}
    verdict[field] = edited.get(field, {**verdict["request"], "principal": 'Party::"public"'})
    if field == "request":  # Re-decided: another sender is not known to this policy.
        verdict["request"]["context"]["purpose"] = "marketing"
    line = json.dumps(verdict, separators=(",", ":"), sort_keys=True).encode()
    assert rederive(POLICY, EVIDENCE.entities, [LINES[0], line]) == 1


def test_another_policy_or_other_entities_give_other_verdicts() -> None:
    kinder = POLICY.replace("unless { context.within_size }", "unless { true }")
    assert rederive(kinder, EVIDENCE.entities, LINES) == 0
    wider = EVIDENCE.entities.replace(b"credit-scoring", b"marketing-all!")
    assert rederive(POLICY, wider, LINES) == 0
    for policy, entities in (("permit(", EVIDENCE.entities), (POLICY, b"\xff\xfe"), (POLICY, b"{}")):
        with pytest.raises(UsageError):
            rederive(policy, entities, LINES)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.sampled_from([b"[]", b"{}", b'{"request":[]}', b"[" * 100_000]))
def test_any_bytes_as_a_verdict_are_not_one(line: bytes) -> None:
    assert rederive(POLICY, EVIDENCE.entities, [line]) == 0


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 3), st.data())
def test_no_byte_of_a_verdict_can_be_another(which: int, data: st.DataObject) -> None:
    line = bytearray(LINES[which])
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] ^= data.draw(st.integers(1, 255))
    edited = bytes(line)
    found = rederive(POLICY, EVIDENCE.entities, [edited])
    # A changed request may be a well-formed verdict of its own: then it says so, and its digest differs.
    assert found == 0 or json.loads(edited)["request"] != json.loads(LINES[which])["request"]


def test_a_missing_fact_is_undecided_and_no_leave() -> None:
    judge = Judge(EVIDENCE.policy, EVIDENCE.entities)
    context = json.loads(LINES[0])["request"]["context"]
    assert judge.decide("bank", "nothing", context).allowed
    for name in context:
        without = {key: value for key, value in context.items() if key != name}
        verdict = judge.decide("bank", "nothing", without)
        assert not verdict.allowed or name in ("origin", "destination", "mechanism")
    assert judge.decide("bank", "unheard-of", context).decision == UNKNOWN
