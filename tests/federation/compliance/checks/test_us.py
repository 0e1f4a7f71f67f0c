"""Bulk data on US persons goes to nobody of concern, sealed or not."""

from __future__ import annotations

import datetime as dt

import pytest

from federation.compliance.judging import judge
from federation.compliance.verdicts import Verdict
from tests.federation.compliance.asking import case as case_of
from tests.federation.compliance.asking import judged as asked
from tests.federation.compliance.asking import rulings

BULK = {"data__lender__persons__US__personal": 10_001}
SIGNED = {
    "control": "US-COVERED",
    "office": "legal",
    "dated": dt.date(2026, 11, 1),
    "valid_until": dt.date(2027, 10, 31),
    "document": "a" * 64,
}


@pytest.mark.parametrize("place", ["CN", "HK", "MO", "CU", "IR", "KP", "RU", "VE"])
def test_encryption_does_not_lift_the_stop_under_any_reading(place: str) -> None:
    case = case_of("us-hk", **BULK, parties__platform__jurisdiction=place)
    judged = judge(case)
    assert judged.of("US-DSP", "R1") is judged.of("US-DSP", "R2") is Verdict.FAIL
    (stopped,) = (each for each in rulings("US-DSP", case) if each.verdict is Verdict.FAIL)
    assert stopped.party == "platform"


@pytest.mark.parametrize(
    ("personal", "sensitive", "financial", "verdict"),
    [
        (10_000, 0, True, Verdict.PASS),
        (10_000, 1, True, Verdict.FAIL),
        (10_001, 0, False, Verdict.PASS),
        (100_000, 0, False, Verdict.PASS),
        (100_001, 0, False, Verdict.FAIL),
    ],
)
def test_each_threshold_counts_from_the_next_person_on(
    personal: int, sensitive: int, financial: bool, verdict: Verdict
) -> None:
    case = case_of(
        "us-hk",
        data__lender__persons__US={"personal": personal, "sensitive": sensitive},
        data__lender__financial=financial,
    )
    assert asked(case, "US-DSP") is verdict


def test_who_is_sent_nothing_and_sees_nothing_is_not_counted() -> None:
    inward = [{"sender": "platform", "receiver": "lender", "forms": ["encrypted-update"], "of": ["platform"]}]
    case = case_of("us-hk", **BULK, flows=inward)
    assert asked(case, "US-DSP") is Verdict.PASS
    watched = {"seat": "witness", "jurisdiction": "CN", "kind": "regulator"}
    assert asked(case_of("us-hk", **BULK, flows=inward, parties__watcher=watched), "US-DSP") is Verdict.FAIL


@pytest.mark.parametrize(
    ("covered", "verdict"), [("yes", Verdict.FAIL), ("no", Verdict.PASS), ("unknown", Verdict.UNKNOWN)]
)
def test_a_covered_person_elsewhere_counts_as_one_of_concern(covered: str, verdict: Verdict) -> None:
    case = case_of(
        "us-hk", **BULK, parties__platform__jurisdiction="SG", parties__platform__us_covered_person=covered
    )
    assert asked(case, "US-DSP") is verdict


def test_persons_of_two_owners_who_may_be_the_same_leave_it_open() -> None:
    second = {"data__third": {**case_of("us-hk").data["lender"].model_dump(mode="json")}}
    seat = {"parties__third": {"seat": "feature", "jurisdiction": "US", "kind": "bank"}}
    assert asked(case_of("us-hk", **second, **seat), "US-DSP") is Verdict.UNKNOWN


def test_without_us_persons_nothing_is_asked() -> None:
    companies = {"kinds": ["legal-person"], "personal": "none", "persons": {}}
    for none in ({"persons": {"US": {"personal": 0, "sensitive": 0}}}, companies):
        facts = {f"data__lender__{name}": value for name, value in none.items()}
        assert asked(case_of("us-hk", **facts), "US-DSP") is Verdict.NOT_APPLICABLE
        assert asked(case_of("us-hk", **facts), "US-COVERED") is Verdict.NOT_APPLICABLE


def test_persons_whom_nobody_counted_are_not_taken_for_few() -> None:
    uncounted = {"data__lender__persons": {}}
    assert asked(case_of("us-hk", **uncounted), "US-DSP") is Verdict.UNKNOWN
    friendly = {"parties__platform__jurisdiction": "SG", "parties__platform__us_covered_person": "no"}
    assert asked(case_of("us-hk", **uncounted, **friendly), "US-DSP") is Verdict.PASS


def test_each_recipient_signs_for_its_own_status() -> None:
    assert asked(case_of("us-hk"), "US-COVERED") is Verdict.PASS
    one = case_of("us-hk", statements=[{**SIGNED, "party": "lender"}])
    assert asked(one, "US-COVERED") is Verdict.NEEDS_ATTESTATION
