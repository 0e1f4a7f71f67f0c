"""Credit information of China stays there: encryption changes nothing, and no role or key of it is abroad."""

from __future__ import annotations

from typing import Any

import pytest

from tests.federation.compliance.asking import case, rulings, verdict


@pytest.mark.parametrize(
    ("facts", "who"),
    [
        ({"parties__aggregator__jurisdiction": "SG"}, "aggregator"),
        ({"parties__bank__jurisdiction": "HK"}, "bank"),
        ({"parties__registry__opens": True}, "registry"),
        ({"parties__registry__seat": "label"}, "registry"),
        ({"data__bank__store": ["CN", "SG"]}, "bank"),
        ({"data__bank__process": ["SG"]}, "bank"),
        ({"data__bank__keys": ["DE"]}, "bank"),
        ({"enterprise_purpose": False}, "bank"),
    ],
    ids=str,
)
def test_a_part_of_it_abroad_is_refused_and_named(facts: dict[str, Any], who: str) -> None:
    failed = {each.party for each in rulings("CN-CREDIT", case("reference", **facts))}
    assert verdict("CN-CREDIT", case("reference", **facts)) == "fail" and who in failed


def test_inward_flows_pass_and_other_data_is_no_question() -> None:
    assert verdict("CN-CREDIT", case()) == "pass"
    assert verdict("CN-CREDIT", case("gba")) == "pass"
    assert verdict("CN-CREDIT", case("reference", data__bank__credit=False)) == "not-applicable"
    moved = {"data__bank__credit": False, "parties__aggregator__jurisdiction": "SG"}
    assert verdict("CN-CREDIT", case("reference", **moved)) == "not-applicable"


def test_persons_credit_information_is_not_opened_abroad() -> None:
    persons = {"data__bank__kinds": ["natural-person"]}
    assert verdict("CN-CREDIT", case("reference", **persons)) == "pass"  # Nobody abroad can open it.
    assert verdict("CN-CREDIT", case("reference", **persons, flows__0__opened=True)) == "fail"
    assert verdict("CN-CREDIT", case("reference", flows__0__opened=True)) == "pass"  # Firms alone.


_BASIS = {"owner": "bank", "regime": "PIPL", "basis": "13", "consent": True, "separate_consent": True}


@pytest.mark.parametrize(
    ("bases", "came"),
    [
        ([], "unknown"),
        ([{**_BASIS, "regime": "GDPR"}], "unknown"),
        ([_BASIS], "needs-attestation"),
        ([{**_BASIS, "document": "0" * 64}], "pass"),
        ([{**_BASIS, "separate_consent": False, "document": "0" * 64}], "fail"),
        ([{**_BASIS, "consent": False, "separate_consent": False}], "not-applicable"),
    ],
)
def test_consent_to_going_abroad_is_separate_and_shown(bases: list[dict[str, Any]], came: str) -> None:
    asked = case("reference", data__bank__kinds=["sole-trader"], bases=bases)
    assert verdict("CN-CONSENT", asked) == came


def test_financial_data_abroad_is_signed_for_and_holds_nothing_beyond_its_scene() -> None:
    assert verdict("CN-FIN", case()) == "needs-attestation"
    beyond = {"data__bank__scene": "financing", "data__bank__beyond_scene": ["age"]}
    assert verdict("CN-FIN", case("reference", **beyond)) == "fail"
    assert verdict("CN-FIN", case("reference", data__bank__financial=False)) == "not-applicable"
