"""Personal data leaves a place on a mechanism that is accepted there, for that destination, on that day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from federation.compliance.catalogue import catalogue
from federation.compliance.facts import Case
from federation.compliance.judging import examples
from federation.compliance.verdicts import Verdict
from tests.federation.compliance.asking import case as case_of
from tests.federation.compliance.asking import judged as asked
from tests.federation.compliance.asking import rulings

DOCUMENT = "a" * 64
COMPANIES = {"kinds": ["legal-person"], "personal": "none", "persons": {}}


@pytest.mark.parametrize("pack", ["br", "eu", "hk", "my", "sg", "uk", "us"])
def test_each_border_pack_comes_to_the_verdicts_of_its_own_examples(pack: str) -> None:
    own = {control.id for each, control in catalogue() if each.pack == pack}
    told = [(control.id, *rest) for control, *rest in examples(catalogue()) if control.id in own]
    assert told
    assert [each for each in told if each[2] is not each[3]] == []


def companies(case: Case) -> Case:
    """The same case, with data about companies alone."""
    table = case.model_dump(mode="json")
    for data in table["data"].values():
        data.update(COMPANIES)
    return Case.model_validate(table)


@pytest.mark.parametrize(
    ("base", "control"),
    [
        ("de-gb", "EU-TRANSFER"),
        ("de-gb", "UK-DPT"),
        ("sg-my", "SG-TLO"),
        ("sg-my", "MY-S129"),
        ("br-de", "BR-TRANSFER"),
        ("us-hk", "HK-RMC"),
    ],
)
def test_what_is_about_companies_alone_needs_no_mechanism_and_persons_do(base: str, control: str) -> None:
    without = case_of(base, papers=[])
    assert asked(without, control) in (Verdict.FAIL, Verdict.NEEDS_ATTESTATION)
    (said,) = rulings(control, companies(without))
    assert said.verdict is Verdict.NOT_APPLICABLE
    assert "companies alone" in said.told.en


def test_an_encrypted_update_about_persons_counts_under_the_conservative_reading() -> None:
    case = case_of("de-gb", papers=[])
    assert {form.value for flow in case.flows for form in flow.forms} == {"encrypted-update"}
    (said,) = rulings("EU-TRANSFER", case)
    assert (said.verdict, said.border, said.party) == (Verdict.FAIL, "DE -> GB", "bank")


def test_a_manifest_that_leaves_open_whether_persons_are_in_it_is_not_passed() -> None:
    open_case = companies(case_of("de-gb", papers=[])).model_dump(mode="json")
    open_case["data"]["bank"]["kinds"] = []
    assert asked(Case.model_validate(open_case), "EU-TRANSFER") is Verdict.UNKNOWN


def test_inside_the_economic_area_nothing_is_a_transfer() -> None:
    case = case_of("de-gb", papers=[], parties__registry__jurisdiction="FR")
    assert asked(case, "EU-TRANSFER") is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("day", "verdict"), [(dt.date(2031, 12, 27), Verdict.PASS), (dt.date(2031, 12, 28), Verdict.UNKNOWN)]
)
def test_the_adequacy_of_the_united_kingdom_holds_through_its_last_day(
    day: dt.date, verdict: Verdict
) -> None:
    case = case_of("de-gb", date=day, papers__0__valid_until=dt.date(2035, 1, 1))
    assert asked(case, "EU-TRANSFER") is verdict


@pytest.mark.parametrize(
    "change",
    [
        {"papers__0__valid_until": dt.date(2026, 11, 22)},
        {"papers__0__begins": dt.date(2026, 11, 24)},
        {"papers__0__destination": "US"},
        {"papers__0__owner": "registry"},
        {"papers__0__mechanism": "cn-standard-contract"},
        {"papers__0__mechanism": "eu-dpf"},
        {"papers__0": {"owner": "bank", "origin": "DE", "destination": "GB", "mechanism": "eu-scc"}},
    ],
)
def test_a_paper_that_is_late_elsewhere_anothers_or_undocumented_is_none(
    change: dict[str, Any],
) -> None:
    assert asked(case_of("de-gb"), "EU-TRANSFER") is Verdict.PASS
    assert asked(case_of("de-gb", **change), "EU-TRANSFER") is Verdict.FAIL


def test_one_good_paper_is_enough_beside_one_that_ended() -> None:
    ended = {
        "owner": "bank",
        "origin": "DE",
        "destination": "GB",
        "mechanism": "eu-scc",
        "document": DOCUMENT,
    }
    case = case_of("de-gb", papers__2={**ended, "valid_until": dt.date(2026, 1, 1)})
    assert asked(case, "EU-TRANSFER") is Verdict.PASS


@pytest.mark.parametrize(
    ("certified", "verdict"), [("yes", Verdict.PASS), ("no", Verdict.FAIL), ("not-applicable", Verdict.FAIL)]
)
def test_the_privacy_framework_carries_certified_recipients_only(certified: str, verdict: Verdict) -> None:
    case = case_of("de-us", papers__0__mechanism="eu-dpf", parties__platform__dpf_certified=certified)
    assert asked(case, "EU-TRANSFER") is verdict
    assert asked(case, "EU-TIA") is Verdict.NOT_APPLICABLE  # Adequacy asks for no assessment.


def test_clauses_need_an_assessment_of_that_destination() -> None:
    assert asked(case_of("de-us"), "EU-TIA") is Verdict.PASS
    assert asked(case_of("de-us", statements__0__covers=["CN"]), "EU-TIA") is Verdict.NEEDS_ATTESTATION


def test_the_contract_of_singapore_names_every_country_that_the_run_goes_to() -> None:
    onward = {"sender": "bank", "receiver": "aggregator", "forms": ["aggregate"], "of": ["registry"]}
    moved = {"parties__aggregator__jurisdiction": "TH", "flows__2": onward}
    second = {
        "owner": "registry",
        "origin": "SG",
        "destination": "TH",
        "mechanism": "sg-contract",
        "document": DOCUMENT,
        "names": ["MY"],
    }
    assert asked(case_of("sg-my", **moved), "SG-TLO") is Verdict.FAIL
    assert asked(case_of("sg-my", **moved, papers__2=second), "SG-TLO") is Verdict.FAIL
    named = {**second, "names": ["MY", "TH"]}
    assert asked(case_of("sg-my", **moved, papers__2=named), "SG-TLO") is Verdict.PASS


def test_an_assessment_in_malaysia_is_good_for_three_years_to_the_day() -> None:
    assert asked(case_of("sg-my"), "MY-S129") is Verdict.PASS
    assert asked(case_of("sg-my", date=dt.date(2026, 11, 24)), "MY-S129") is Verdict.FAIL
    leap = {"papers__1__begins": dt.date(2024, 2, 29)}
    assert asked(case_of("sg-my", **leap, date=dt.date(2027, 3, 1)), "MY-S129") is Verdict.PASS
    assert asked(case_of("sg-my", **leap, date=dt.date(2027, 3, 2)), "MY-S129") is Verdict.FAIL


def test_an_assessment_without_a_date_is_unknown() -> None:
    undated = {"owner": "bank", "origin": "MY", "destination": "SG", "document": DOCUMENT}
    case = case_of("sg-my", papers__1={**undated, "mechanism": "my-s129-adequate"})
    assert asked(case, "MY-S129") is Verdict.UNKNOWN


def test_british_clauses_stand_with_the_signed_data_protection_test() -> None:
    signed = {
        "control": "UK-DPT",
        "party": "registry",
        "office": "dpo",
        "dated": dt.date(2026, 11, 1),
        "valid_until": dt.date(2027, 10, 31),
        "document": DOCUMENT,
    }
    clauses = {"papers__1__mechanism": "uk-idta", "statements__4": signed}
    assert asked(case_of("de-gb", **clauses), "UK-DPT") is Verdict.PASS
    assert asked(case_of("de-gb", **clauses, statements__4__office="credit"), "UK-DPT") is Verdict.FAIL
    assert (
        asked(case_of("de-gb", **clauses, statements__4__party="bank"), "UK-DPT") is Verdict.NEEDS_ATTESTATION
    )


def test_hong_kong_takes_a_signed_promise_where_there_are_no_clauses() -> None:
    signed = {
        "control": "HK-RMC",
        "party": "platform",
        "office": "dpo",
        "dated": dt.date(2026, 11, 1),
        "valid_until": dt.date(2027, 10, 31),
        "document": DOCUMENT,
    }
    assert asked(case_of("us-hk", papers=[]), "HK-RMC") is Verdict.NEEDS_ATTESTATION
    assert asked(case_of("us-hk", papers=[], statements__2=signed), "HK-RMC") is Verdict.PASS


def test_the_union_covers_no_destination_outside_it_for_brazil() -> None:
    elsewhere = {"parties__platform__jurisdiction": "NO", "papers__0__destination": "NO"}
    assert asked(case_of("br-de"), "BR-TRANSFER") is Verdict.PASS
    assert asked(case_of("br-de", **elsewhere), "BR-TRANSFER") is Verdict.FAIL
