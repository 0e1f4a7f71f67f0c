"""Records, assessments and high risk: asked where persons are in the data, and of the right papers."""

from __future__ import annotations

import datetime as dt

import pytest

from federation.compliance.facts import Case
from federation.compliance.processing import RECORD, record
from federation.compliance.verdicts import Verdict
from tests.federation.compliance.asking import case as case_of
from tests.federation.compliance.asking import judged as asked
from tests.federation.compliance.asking import rulings


def test_a_record_of_another_case_is_found() -> None:
    assert asked(case_of("de-gb"), "EU-ROPA") is Verdict.PASS
    assert asked(case_of("de-gb", purpose="marketing"), "EU-ROPA") is Verdict.FAIL
    assert asked(case_of("de-gb", files={RECORD: "0" * 64}), "EU-ROPA") is Verdict.FAIL


def test_before_a_run_a_missing_record_is_no_failure_yet() -> None:
    assert asked(case_of("de-gb", files={}, stage="plan"), "EU-ROPA") is Verdict.UNKNOWN


def test_the_record_says_what_article_30_asks_for_and_does_not_hang_on_verdicts() -> None:
    case = case_of("de-gb")
    found = record(case)
    assert found.fields["recipients"] == {"bank": ["registry"], "registry": ["bank"]}
    assert [each["mechanism"] for each in found.fields["transfers"]] == ["eu-adequacy", "uk-adequacy"]
    assert found.fields["data"]["bank"]["erased_by"] == "2029-12-31"
    judged_since = case_of("de-gb", statements=[], checks={"G-LEDGER": "pass"}, files={})
    assert record(judged_since).canonical() == found.canonical()


@pytest.mark.parametrize(
    ("day", "verdict"),
    [(dt.date(2027, 12, 1), Verdict.PASS), (dt.date(2027, 12, 2), Verdict.NEEDS_ATTESTATION)],
)
def test_scoring_sole_traders_is_flagged_until_its_duties_begin(day: dt.date, verdict: Verdict) -> None:
    case = case_of("de-gb", date=day, checks={"G-LEDGER": "pass"})
    assert asked(case, "EU-AIACT") is verdict
    if verdict is Verdict.PASS:
        (said,) = rulings("EU-AIACT", case)
        assert "high-risk" in said.told.en


def test_once_the_duties_begin_a_broken_ledger_fails_whatever_was_signed() -> None:
    signed = {
        "control": "EU-AIACT",
        "party": "bank",
        "office": "management",
        "dated": dt.date(2027, 12, 1),
        "valid_until": dt.date(2028, 12, 1),
        "document": "a" * 64,
    }
    later = {"date": dt.date(2027, 12, 2), "statements__4": signed}
    assert asked(case_of("de-gb", **later, checks={"G-LEDGER": "pass"}), "EU-AIACT") is Verdict.PASS
    assert asked(case_of("de-gb", **later, checks={"G-LEDGER": "fail"}), "EU-AIACT") is Verdict.FAIL
    assert asked(case_of("de-gb", **later), "EU-AIACT") is Verdict.UNKNOWN


def test_companies_alone_are_no_high_risk_and_no_personal_data() -> None:
    table = case_of("de-gb").model_dump(mode="json")
    for data in table["data"].values():
        data.update(kinds=["legal-person"], personal="none", persons={})
    case = Case.model_validate(table)
    for control in ("EU-AIACT", "EU-ROPA", "EU-DPIA", "EU-ART22", "EU-PERSONAL", "EU-TIA"):
        assert asked(case, control) is Verdict.NOT_APPLICABLE, control


def test_that_updates_are_not_personal_data_is_not_for_their_recipient_to_say() -> None:
    said = case_of("de-gb", statements__0__party="aggregator")
    assert asked(said, "EU-PERSONAL") is Verdict.NEEDS_ATTESTATION


def test_oversight_of_a_high_risk_score_is_not_for_a_witness_to_sign() -> None:
    facts = {"date": dt.date(2028, 1, 1), "statements__0__control": "EU-AIACT"}
    answers = rulings("EU-AIACT", case_of("de-gb", **facts, statements__0__party="aggregator"))
    seen = {"seat": "witness", "jurisdiction": "DE", "kind": "auditor"}
    watched = case_of("de-gb", **facts, statements__0__party="observer", parties__observer=seen)
    assert all("Nobody signed it yet" not in each.told.en for each in answers)
    assert any("Nobody signed it yet" in each.told.en for each in rulings("EU-AIACT", watched))


def test_an_impact_assessment_without_leakage_figures_of_the_run_cites_none() -> None:
    assert asked(case_of("de-gb"), "EU-DPIA") is Verdict.UNKNOWN
    assert asked(case_of("de-gb", stage="plan"), "EU-DPIA") is Verdict.PASS


def test_an_aggregator_outside_the_union_hosts_nothing_there() -> None:
    moved = {"parties__aggregator__jurisdiction": "GB"}
    assert asked(case_of("de-gb", statements=[]), "EU-DATAACT32") is Verdict.NEEDS_ATTESTATION
    assert asked(case_of("de-gb", statements=[], **moved), "EU-DATAACT32") is Verdict.NOT_APPLICABLE
