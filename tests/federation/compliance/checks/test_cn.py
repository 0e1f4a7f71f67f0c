"""China's table of volumes holds at every boundary, and a paper counts for its way and its days alone."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from federation.compliance.catalogue import catalogue
from federation.compliance.checks.cn import duty
from federation.compliance.facts import Case, Cumulated
from tests.federation.compliance.asking import case, rulings, verdict

THRESHOLDS = {"persons_contract": 100_000, "persons_assessment": 1_000_000, "sensitive_assessment": 10_000}
DOCUMENT = "0" * 64


@pytest.mark.parametrize(
    ("n", "s", "asked"),
    [
        (0, 0, "exempt"),
        (99_999, 0, "exempt"),
        (100_000, 0, "contract"),
        (100_001, 0, "contract"),
        (999_999, 0, "contract"),
        (1_000_000, 0, "assessment"),
        (1_000_001, 0, "assessment"),
        (0, 1, "contract"),
        (0, 9_999, "contract"),
        (0, 10_000, "assessment"),
        (0, 10_001, "assessment"),
        (99_999, 1, "contract"),
        (999_999, 9_999, "contract"),
        (999_999, 10_000, "assessment"),
        (1_000_000, 9_999, "assessment"),
    ],
)
def test_the_table_of_2024_holds_at_every_boundary(n: int, s: int, asked: str) -> None:
    assert duty(Cumulated(personal=n, sensitive=s), THRESHOLDS) == asked
    # With a mechanism that is one step short the volume fails, with the right one it passes.
    ladder = ["cn-exempt-under-100k", "cn-standard-contract", "cn-security-assessment"]
    rank = ["exempt", "contract", "assessment"].index(asked)
    for step, mechanism in enumerate(ladder):
        counted = exporting(n, s, mechanism=mechanism)
        assert verdict("CN-VOL", counted) == ("pass" if step >= rank else "fail"), mechanism
        assert verdict("CN-MECH", counted) == ("pass" if step >= rank else "fail"), mechanism


def exporting(n: int = 100_000, s: int = 0, /, **paper: Any) -> Case:
    """Sole traders of the bank cross to Singapore and Germany; the papers for both are of this kind."""
    said = {"mechanism": "cn-standard-contract", "document": DOCUMENT, "valid_until": "2027-06-30", **paper}
    ways = [{"owner": "bank", "origin": "CN", "destination": place, **said} for place in ("SG", "DE")]
    papers = [{key: value for key, value in way.items() if value is not None} for way in ways]
    return case(
        "reference",
        data__bank__kinds=["legal-person", "sole-trader"],
        abroad={"CN": {"personal": n, "sensitive": s}},
        papers=papers,
    )


def test_volume_and_mechanism_are_read_from_one_table() -> None:
    told = [catalogue().control(name).parameters for name in ("CN-VOL", "CN-MECH")]
    assert told[0]["thresholds"] == told[1]["thresholds"] == THRESHOLDS
    assert {"exempt": ["cn-exempt-under-100k"], **told[1]["sufficient"]} == told[0]["sufficient"] and told[0][
        "only_to"
    ] == told[1]["only_to"]


@pytest.mark.parametrize(
    ("paper", "came"),
    [
        ({}, "pass"),
        ({"valid_until": "2026-11-23"}, "pass"),
        ({"valid_until": "2026-11-22"}, "fail"),
        ({"begins": "2026-11-23"}, "pass"),
        ({"begins": "2026-11-24"}, "fail"),
        ({"document": None}, "needs-attestation"),
        ({"destination": "MY"}, "fail"),
        ({"origin": "HK"}, "fail"),
        ({"owner": "platform"}, "fail"),
        ({"mechanism": "eu-scc"}, "fail"),
        ({"mechanism": "gba-standard-contract"}, "fail"),  # To Hong Kong only.
        ({"mechanism": "cn-certification", "begins": "2023-11-24"}, "pass"),
        ({"mechanism": "cn-certification", "begins": "2023-11-23"}, "fail"),  # Three years, not a day more.
        ({"mechanism": "ftz-negative-list"}, "needs-attestation"),
        ({"mechanism": "cn-exempt-other"}, "needs-attestation"),
    ],
    ids=str,
)
def test_a_paper_counts_for_its_way_its_days_and_with_its_document(paper: dict[str, Any], came: str) -> None:
    assert verdict("CN-MECH", exporting(**paper)) == came


def test_who_claims_no_number_of_persons_claims_none_that_is_wrong() -> None:
    """A grant without a mechanism lacks one; it is not one that relies on too few persons."""
    for none in ({"mechanism": "none-needed"}, {"destination": "MY"}):
        assert verdict("CN-VOL", exporting(**none)) == "pass"
        assert verdict("CN-MECH", exporting(**none)) == "fail"


def test_a_certificate_cannot_be_from_before_there_were_any() -> None:
    before = exporting(mechanism="cn-certification").model_copy(update={"date": dt.date(2025, 12, 31)})
    assert verdict("CN-MECH", before) == "fail"


def test_an_exemption_holds_once_somebody_signed_that_it_applies() -> None:
    said = {"control": "CN-MECH", "party": "bank", "dated": "2026-01-05", "valid_until": "2027-01-05"}
    signed = exporting(mechanism="ftz-negative-list").model_dump(mode="json", exclude_none=True)
    signed["statements"] = [{**said, "office": "legal", "document": DOCUMENT}]
    assert verdict("CN-MECH", Case.model_validate(signed)) == "pass"
    signed["statements"] = [{**said, "office": "credit", "document": DOCUMENT}]
    assert verdict("CN-MECH", Case.model_validate(signed)) == "fail"


def test_a_paper_is_missed_on_each_way_by_itself() -> None:
    one = exporting().model_dump(mode="json", exclude_none=True)
    one["papers"] = one["papers"][:1]
    found = {each.border: each.verdict.value for each in rulings("CN-MECH", Case.model_validate(one))}
    assert found == {"CN -> SG": "pass", "CN -> DE": "fail"}


def test_what_another_party_passes_on_is_a_way_out_of_china_too() -> None:
    onward = exporting().model_dump(mode="json", exclude_none=True)
    onward["flows"].append(
        {"sender": "registry", "receiver": "supplier", "forms": ["aggregate"], "of": ["bank"]}
    )
    onward["flows"] = [
        each for each in onward["flows"] if (each["sender"], each["receiver"]) != ("bank", "supplier")
    ]
    found = {each.border for each in rulings("CN-MECH", Case.model_validate(onward))}
    assert found == {"CN -> SG", "CN -> DE"}


def test_persons_whom_nobody_counted_are_unknown_and_firms_alone_are_no_question() -> None:
    uncounted = exporting().model_copy(update={"abroad": {}})
    assert verdict("CN-VOL", uncounted) == verdict("CN-MECH", uncounted) == "unknown"
    assert verdict("CN-VOL", case()) == verdict("CN-MECH", case()) == "not-applicable"


@pytest.mark.parametrize(
    ("operator", "mechanism", "came"),
    [
        ("no", "cn-standard-contract", "pass"),
        ("unknown", "cn-standard-contract", "needs-attestation"),
        ("yes", "cn-standard-contract", "fail"),
        ("yes", "ftz-negative-list", "fail"),
        ("yes", "cn-security-assessment", "pass"),
    ],
)
def test_an_operator_of_critical_infrastructure_needs_an_assessment_for_one_person(
    operator: str, mechanism: str, came: str
) -> None:
    asked = exporting(0, 0, mechanism=mechanism).model_dump(mode="json", exclude_none=True)
    asked["parties"]["bank"]["ciio"] = operator
    assert verdict("CN-CIIO", Case.model_validate(asked)) == came


@pytest.mark.parametrize(
    ("facts", "mechanism", "came"),
    [
        ({}, "cn-standard-contract", "pass"),
        ({"data__bank__notified_important": "unknown"}, "cn-standard-contract", "unknown"),
        ({"data__bank__notified_important": "yes"}, "cn-standard-contract", "fail"),
        ({"data__bank__notified_important": "yes"}, "cn-security-assessment", "pass"),
        ({"data__bank__strictest": "important"}, "cn-security-assessment", "pass"),
        ({"data__bank__strictest": "core"}, "cn-security-assessment", "fail"),
        ({"data__platform__strictest": "core"}, "cn-standard-contract", "pass"),  # It goes to China only.
    ],
    ids=str,
)
def test_important_data_goes_abroad_assessed_and_core_data_not_at_all(
    facts: dict[str, Any], mechanism: str, came: str
) -> None:
    papers = exporting(mechanism=mechanism).model_dump(mode="json", exclude_none=True)["papers"]
    assert verdict("CN-IMPORTANT", case("reference", papers=papers, **facts)) == came
