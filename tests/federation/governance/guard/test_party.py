"""Nothing leaves a party that manifest and grants do not allow; each frame says by what right it left."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import os
from typing import Any

import numpy as np
import pytest

from crypto.curve import BlindedPoints, RingKey, Tags
from crypto.envelope import OVERHEAD
from crypto.private import Private
from crypto.sealed import DisclosedNumbers, MaskedWords, RowMarks
from federation import codec
from federation.egress import BINDING_BYTES, NO_LINEAGE, Binding
from federation.errors import EgressRefused, GrantRefused
from federation.governance.authorisation import Authorisation, Lapse, Left
from federation.governance.guard.party import GuardPolicy
from federation.governance.guard.verdict import rederive
from federation.governance.terms import Form
from federation.ids import AGGREGATOR, PartyId
from federation.message import Message
from federation.messages.alignment import RingPoints, RingTags
from federation.messages.boosting import LevelRows
from federation.messages.logistic import Direction, LogitRange, Move, Opened, Residual, ResidualShare
from federation.messages.round import Prepared, Progress, Step, TrainingRows
from federation.messages.scorecard import Binned
from tests.federation.governance.guard.granted import (
    ATTEMPT,
    BANK,
    EVERY_FORM,
    PLATFORM,
    authorisation,
    column,
    grant,
    guard,
    manifest,
    transfer,
)

OPENED = Opened(MaskedWords(bytes(16)))  # An aggregate of the label.
REVOKED = Lapse("grant one was revoked on Monday", "grant one was revoked on Monday")
DIRECTION = Direction(Move.STEP, DisclosedNumbers.of([1.0]))


def send(policy: Any, message: Message, to: PartyId = PLATFORM) -> Binding:
    binding: Binding = policy.permit(to, message, codec.encode(message))
    return binding


def test_a_message_is_bound_to_grant_purpose_lineage_form_and_verdict() -> None:
    policy = guard()
    first, second = send(policy, OPENED), send(policy, Prepared(3))
    assert (first.grants, first.purpose, first.form) == (("one",), "credit-scoring", Form.AGGREGATE)
    assert (first.number, second.number) == (0, 1)
    assert first.lineage != NO_LINEAGE == second.lineage
    digests = {hashlib.sha256(line).digest() for line in policy.evidence().verdicts}
    assert {first.verdict, second.verdict} == digests
    for name in ("number", "purpose", "lineage", "form", "verdict", "grants"):
        other: dict[str, Any] = {"number": 9, "purpose": "x", "form": Form.CONTROL, "grants": ()}
        changed = dataclasses.replace(first, **{name: other.get(name, bytes(32))})
        assert changed.digest != first.digest


def test_the_evidence_decides_the_same_verdicts_again_and_holds_no_column() -> None:
    policy = guard()
    for message in (OPENED, DIRECTION, Prepared(3)):
        send(policy, message)
    evidence = policy.evidence()
    lines = list(evidence.verdicts)
    assert rederive(evidence.policy, evidence.entities, lines) is None
    told = evidence.policy.encode() + evidence.entities + b"".join(lines)
    assert not any(name in told for name in (b"turnover", b"overdue", b"uscc"))


def refusals() -> dict[str, tuple[str, Authorisation]]:
    of = manifest()
    abroad = {"platform": "SG", AGGREGATOR: "CN"}
    important = manifest(overdue=column("label", gbt43697="important"))
    no_aggregate = manifest(overdue=column("label", [f for f in EVERY_FORM if f != "aggregate"]))
    return {
        "no grant at all": ("G-GRANT", authorisation(of, [])),
        "not to this party": ("G-GRANT", authorisation(of, [grant(of, to={"public": "CN"})])),
        "not for training": ("G-GRANT", authorisation(of, [grant(of, operations=["psi", "evaluate"])])),
        "not this field": ("G-GRANT", authorisation(of, [grant(of, fields=["turnover", "uscc"])])),
        "another purpose": ("G-GRANT", authorisation(of, [grant(of, purpose="marketing")])),
        "a form the manifest does not have": ("G-GRADE", authorisation(no_aggregate)),
        "abroad without a mechanism": ("G-TRANSFER", authorisation(of, [grant(of, to=abroad)])),
        "abroad by one that ran out": (
            "G-TRANSFER",
            authorisation(
                of, [grant(of, to=abroad, transfers=[transfer("SG", "cn-standard-contract", "2021-01-01")])]
            ),
        ),
        "important data abroad by contract": (
            "CN-IMPORTANT",
            authorisation(
                important,
                [grant(important, to=abroad, transfers=[transfer("SG", "cn-standard-contract")])],
            ),
        ),
        "no bytes left": ("G-LIMIT", authorisation(of, left=Left(egress_bytes=80))),
        "revoked": ("G-EXPIRED", authorisation(of, revoked=lambda: REVOKED)),
    }


@pytest.mark.parametrize("case", refusals())
def test_what_is_not_granted_does_not_leave_and_the_rule_is_named(case: str) -> None:
    rule, given = refusals()[case]
    with pytest.raises((EgressRefused, GrantRefused), match=rule) as refused:
        send(guard(given), OPENED)
    assert refused.value.rule == rule  # type: ignore[union-attr]
    assert "overdue" not in refused.value.cause


@pytest.mark.parametrize("mechanism", ["cn-standard-contract", "none-needed"])
def test_a_border_is_crossed_by_a_mechanism_that_is_valid(mechanism: str) -> None:
    of = manifest()
    abroad = {"platform": "SG", AGGREGATOR: "CN"}
    send(guard(authorisation(of, [grant(of, to=abroad, transfers=[transfer("SG", mechanism)])])), OPENED)


def test_several_grants_together_cover_what_none_does_alone() -> None:
    of = manifest()
    both = [grant(of, id="first", fields=["turnover"]), grant(of, id="second", fields=["overdue", "uscc"])]
    assert send(guard(authorisation(of, both)), DIRECTION).grants == ("first", "second")
    with pytest.raises(GrantRefused, match="G-GRANT"):
        send(guard(authorisation(of, both[:1])), DIRECTION)


def test_a_grant_revoked_in_the_middle_stops_the_next_message() -> None:
    taken: list[Lapse] = []
    policy = guard(authorisation(revoked=lambda: taken[0] if taken else None))
    send(policy, OPENED)
    taken.append(REVOKED)
    with pytest.raises(GrantRefused, match="G-EXPIRED: grant one was revoked on Monday") as refused:
        send(policy, OPENED)
    assert refused.value.cause.endswith("G-EXPIRED: grant one was revoked on Monday")


def test_a_mechanism_that_runs_out_in_mid_run_stops_what_crosses_that_border() -> None:
    of, day = manifest(), [dt.date(2026, 3, 31)]
    ways = [transfer("SG", "cn-standard-contract", "2026-03-31")]
    given = authorisation(of, [grant(of, to={"platform": "SG", AGGREGATOR: "CN"}, transfers=ways)])
    policy = GuardPolicy(given, ATTEMPT, BANK, today=lambda: day[0])
    send(policy, OPENED)
    day[0] = dt.date(2026, 4, 1)
    with pytest.raises(GrantRefused) as refused:
        send(policy, OPENED)
    assert refused.value.rule == "G-TRANSFER"
    places = [json.loads(line)["request"]["context"]["mechanism"] for line in policy.evidence().verdicts]
    assert places == ["cn-standard-contract", ""]


def test_bytes_are_counted_until_none_is_left() -> None:
    one = BINDING_BYTES + len(codec.encode(LogitRange(1))) + OVERHEAD
    policy = guard(authorisation(left=Left(egress_bytes=2 * one)))
    send(policy, LogitRange(1))
    send(policy, LogitRange(1))
    with pytest.raises(GrantRefused, match="G-LIMIT"):
        send(policy, LogitRange(1))


def test_a_message_of_another_plans_protocol_does_not_leave() -> None:
    with pytest.raises(EgressRefused, match="T-EGRESS-TYPE"):
        send(guard(me=PLATFORM), Binned(3, 4), AGGREGATOR)


def test_a_canary_stops_the_message() -> None:
    class One:
        def found(self, encoded: bytes) -> int:
            return encoded.count(b"canary!!")

    with pytest.raises(EgressRefused, match="T-EGRESS-CANARY"):
        send(guard(needles=One()), Opened(MaskedWords(b"..canary!!......")))
    send(guard(needles=One()), Opened(MaskedWords(bytes(16))))


def test_what_cannot_be_decided_does_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = guard()
    monkeypatch.setattr("federation.governance.guard.verdict.cedarpy.is_authorized", _broken)
    with pytest.raises(EgressRefused, match="T-VERDICT"):
        send(policy, OPENED)


def _broken(*asked: object) -> None:
    raise ValueError("no answer")


def test_equal_requests_are_decided_once(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = guard()
    for number in range(50):
        send(policy, Progress(Step.TRAIN, number, number), AGGREGATOR)
    assert len(policy.evidence().verdicts) == 1


def test_more_messages_or_larger_ones_than_the_plan_has_do_not_leave() -> None:
    policy = guard()
    send(policy, Prepared(2))
    with pytest.raises(EgressRefused, match="T-EGRESS-SIZE"):
        send(policy, Opened(MaskedWords(bytes(8 * 5000))))  # Two columns have two sums, not 5000.
    with pytest.raises(EgressRefused, match="T-EGRESS-SIZE"):
        for _ in range(1000):
            policy.greet(PLATFORM, bytes(100))


def points(count: int) -> BlindedPoints:
    ids = Private([f"firm-{number}".encode() for number in range(count)])
    return RingKey(b"test-run|1").first(ids)


def test_a_name_that_is_no_seats_does_not_leave() -> None:
    policy = guard()
    send(policy, RingPoints(BANK, points(1)))
    with pytest.raises(EgressRefused, match="T-EGRESS-TYPE"):
        send(policy, RingPoints(PartyId("9144030071526726XX 123456.78"), points(1)))


@pytest.mark.parametrize("count", [40, 20_000], ids=["all are looked at", "a draw is looked at"])
def test_plain_rows_do_not_leave_as_points_of_an_alignment(count: int) -> None:
    rows = b"".join(f"firm {i}: default=1; turnover=42".encode().ljust(32)[:32] for i in range(count))
    with pytest.raises(EgressRefused, match="T-EGRESS-CANON"):
        send(guard(authorisation(manifest(rows=count))), RingPoints(BANK, BlindedPoints(rows)))


def test_no_more_points_leave_than_rows_were_read_however_many_are_announced() -> None:
    policy = guard()
    policy.holds(20)
    with pytest.raises(EgressRefused, match="T-EGRESS-SIZE"):
        send(policy, RingPoints(BANK, points(21)))
    send(policy, RingPoints(BANK, points(20)))


def test_another_ones_identifiers_are_passed_on_and_none_added() -> None:
    policy, public = guard(), PartyId("public")
    with pytest.raises(EgressRefused, match="T-EGRESS-SIZE"):  # None of its own came by.
        send(policy, RingPoints(public, points(1)))
    policy.heard(PLATFORM, RingPoints(public, points(5)))
    with pytest.raises(EgressRefused, match="T-EGRESS-SIZE"):
        send(policy, RingPoints(public, points(6)))
    with pytest.raises(EgressRefused, match="T-EGRESS-SIZE"):
        send(policy, RingTags(public, Tags(os.urandom(16 * 6))), AGGREGATOR)
    send(policy, RingTags(public, Tags(os.urandom(16 * 5))), AGGREGATOR)


def test_an_announcement_of_more_columns_than_the_manifest_has_does_not_leave_and_bounds_nothing() -> None:
    policy = guard()
    with pytest.raises(EgressRefused, match="T-EGRESS-SIZE"):
        send(policy, Prepared(10**9))
    send(policy, Prepared(2))
    with pytest.raises(EgressRefused, match="T-EGRESS-SIZE"):
        send(policy, Opened(MaskedWords(bytes(8 * 5000))))


def test_what_follows_from_the_label_partys_own_columns_needs_their_permission_too() -> None:
    """The residual is made of the outcomes and of the label party's part of the logits."""
    of = manifest(turnover=column("feature", [f for f in EVERY_FORM if f != "encrypted-update"]))
    for kind in (Residual, ResidualShare, LevelRows):
        forecast = guard(authorisation(of)).forecast(PLATFORM, kind)
        assert not forecast.allowed
        assert guard().forecast(PLATFORM, kind).allowed or kind is LevelRows  # Not a message of this plan.
        assert "G-GRADE" in forecast.rules


def test_which_rows_train_is_told_only_where_group_and_time_columns_may_decide_it() -> None:
    marks = TrainingRows(RowMarks.of(np.array([True, False, True])))
    held = manifest(quarter=column("stratum", ["aggregate"]))
    with pytest.raises(GrantRefused, match="G-GRADE") as refused:
        send(guard(authorisation(held)), marks)
    assert "quarter" not in refused.value.cause
    told = manifest(quarter=column("stratum", ["aggregate", "predicate"]))
    assert send(guard(authorisation(told)), marks).form is Form.PREDICATE
    others = [grant(told, fields=["uscc", "turnover", "overdue"])]
    with pytest.raises(GrantRefused, match="G-GRANT"):
        send(guard(authorisation(told, others)), marks)


def test_a_sender_without_such_fields_carries_nothing_of_its_own() -> None:
    of = manifest(rows=10)
    label_alone = dataclasses.replace(authorisation(of), columns=frozenset({"uscc", "overdue"}))
    send(guard(label_alone), DIRECTION)
