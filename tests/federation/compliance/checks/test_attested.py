"""A statement counts for its party, its border, its days, by the right office and with a sound signature."""

from __future__ import annotations

from typing import Any

import pytest

from federation.compliance.checks.attested import attested
from federation.compliance.facts import Case
from federation.compliance.verdicts import Verdict
from tests.federation.compliance.asking import case

SAID = {
    "control": "XX-RULE",
    "party": "bank",
    "office": "legal",
    "dated": "2026-06-20",
    "valid_until": "2027-06-20",
    "document": "0" * 64,
}


def asked(*statements: dict[str, Any], **parameters: Any) -> dict[tuple[str, str], Verdict]:
    """Verdict by border and party, of a rule of China's pack."""
    given = {"control": "XX-RULE", "places": ("CN",), "offices": ["legal"], "each": "border", **parameters}
    answers = attested(case("reference", statements=list(statements)), given)
    return {(each.border, each.party): each.verdict for each in answers}


def only(*statements: dict[str, Any], **parameters: Any) -> str:
    (found,) = {each.value for each in asked(*statements, **parameters).values()}
    return found


@pytest.mark.parametrize(
    ("changed", "came"),
    [
        ({}, "pass"),
        ({"dated": "2026-11-23"}, "pass"),
        ({"dated": "2026-11-24"}, "fail"),
        ({"valid_until": "2026-11-23"}, "pass"),
        ({"valid_until": "2026-11-22"}, "needs-attestation"),
        ({"office": "compliance"}, "fail"),
        ({"sound": False}, "fail"),
        ({"control": "XX-OTHER"}, "needs-attestation"),
        ({"party": "registry"}, "needs-attestation"),
        ({"covers": ["SG", "DE"]}, "pass"),
        ({"covers": ["MY"]}, "needs-attestation"),
    ],
    ids=str,
)
def test_a_statement_counts_only_as_a_whole(changed: dict[str, Any], came: str) -> None:
    assert only({**SAID, **changed}) == came


def test_nobody_signed_and_the_office_that_should_is_named() -> None:
    (first, *_) = attested(case(), {"control": "XX-RULE", "places": ("CN",), "offices": ["dpo", "legal"]})
    assert first.verdict is Verdict.NEEDS_ATTESTATION
    assert (
        "data protection officer or head of legal" in first.told.en
        and "数据保护官或法务负责人" in first.told.zh
    )


def test_each_border_is_covered_by_itself() -> None:
    assert asked({**SAID, "covers": ["SG"]}) == {
        ("CN -> DE", "bank"): Verdict.NEEDS_ATTESTATION,
        ("CN -> SG", "bank"): Verdict.PASS,
    }


def test_each_whose_data_crosses_a_border_signs_for_itself() -> None:
    both = [{"sender": "bank", "receiver": "registry", "forms": ["aggregate"], "of": ["bank", "platform"]}]
    rule = {"control": "XX-RULE", "places": ("CN",), "offices": ["legal"], "each": "border"}
    found = attested(case("reference", flows=both, statements=[SAID]), rule)
    assert {each.party: each.verdict.value for each in found} == {
        "bank": "pass",
        "platform": "needs-attestation",
    }


def test_a_sound_statement_counts_beside_a_wrong_one_and_a_wrong_one_fails_alone() -> None:
    assert only({**SAID, "sound": False}, SAID) == "pass"
    assert only({**SAID, "valid_until": "2026-01-01"}, {**SAID, "office": "credit"}) == "fail"


def test_a_yearly_statement_is_too_old_after_a_year() -> None:
    assert only({**SAID, "dated": "2025-11-22"}, max_age_days=366) == "pass"
    assert only({**SAID, "dated": "2025-11-21"}, max_age_days=366) == "needs-attestation"


def test_for_whom_a_statement_is_due() -> None:
    assert {party for _, party in asked(each="owner")} == {"bank", "platform"}
    assert {party for _, party in asked(each="party")} == {"aggregator", "bank", "platform"}
    assert {*asked(each="run")} == {("", "")}
    assert {party for _, party in asked(each="owner", places=("SG",))} == {"registry"}
    assert asked(each="owner", when="persons") == {("", ""): Verdict.NOT_APPLICABLE}
    assert asked(each="run", when="persons") == {("", ""): Verdict.NOT_APPLICABLE}


def test_decisions_about_persons_are_asked_only_where_there_are_any() -> None:
    rule = {
        "control": "XX-RULE",
        "places": (),
        "offices": ["credit"],
        "each": "run",
        "decides_on_persons": True,
    }

    def came(about: Case) -> str:
        return attested(about, rule)[0].verdict.value

    assert came(case()) == "not-applicable"
    assert came(case("gba")) == "needs-attestation"
    assert came(case("gba", decides_on_persons=False)) == "not-applicable"


def test_a_document_that_is_not_kept_for_long_enough_fails_whatever_was_signed() -> None:
    assert only(SAID, kept_days=1095) == "pass"
    assert only(SAID, kept_days=1096) == "fail"
