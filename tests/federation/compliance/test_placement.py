"""What a rule refuses is not planned: the nearest lawful placement is named, or why there is none."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from federation.compliance.catalogue import Catalogue, catalogue
from federation.compliance.placement import MENDABLE, REFUSING, Placements, Spot, place
from tests.federation.compliance.asking import case as case_of

CN, SG, DE, HK = Spot("CN", "CN-SH"), Spot("SG"), Spot("DE"), Spot("HK")
ABROAD = {"parties__aggregator__jurisdiction": "SG", "parties__aggregator__place": ""}


def where(found: Placements, *, allowed: bool) -> set[tuple[str, tuple[str, ...]]]:
    each = found.allowed if allowed else found.refused
    return {(str(one.aggregator), tuple(map(str, one.keys))) for one in each}


def test_the_reference_run_may_be_placed_as_it_is() -> None:
    found = place(case_of("reference", stage="plan"))
    assert found.asked.allowed and found.nearest == found.asked
    assert found.labels == (CN,)
    assert "no rule about places refuses it" in found.told().en


def test_credit_data_of_china_brings_an_aggregator_from_singapore_home_in_one_move() -> None:
    found = place(case_of("reference", **ABROAD))
    assert found.asked.controls == ("CN-CREDIT",)
    nearest = found.nearest
    assert nearest is not None and nearest.inward
    assert (nearest.aggregator, nearest.keys, nearest.moves) == (CN, (CN,), 1)
    assert "CN-CREDIT" in found.told().en and "inward" in found.told().en
    assert "CN-CREDIT" in found.told().zh and "向内" in found.told().zh


def test_a_count_over_a_cohort_that_is_read_abroad_is_no_update_that_goes_out() -> None:
    metrics = {
        "sender": "bank",
        "receiver": "registry",
        "forms": ["aggregate"],
        "of": ["bank"],
        "opened": True,
    }
    assert place(case_of("reference", flows__5=metrics)).asked.inward
    assert not place(case_of("reference", flows__5={**metrics, "forms": ["masked-update"]})).asked.inward


def test_with_credit_data_of_china_nothing_outside_china_is_allowed() -> None:
    found = place(case_of("reference", **ABROAD))
    assert {each[0][:2] for each in where(found, allowed=True)} == {"CN"}
    assert {key[:2] for each in where(found, allowed=True) for key in each[1]} == {"CN"}
    assert ("DE", ("DE",)) in where(found, allowed=False)
    assert all(each.controls for each in found.refused)


def test_a_key_abroad_comes_home_though_the_aggregator_stays() -> None:
    found = place(case_of("reference", parties__bank__opens=False, parties__registry__opens=True))
    assert "CN-CREDIT" in found.asked.controls
    assert found.nearest is not None
    assert (found.nearest.aggregator, found.nearest.keys, found.nearest.moves) == (CN, (CN,), 1)


def test_a_label_holder_abroad_cannot_be_moved_so_there_is_no_placement() -> None:
    found = place(case_of("reference", parties__bank__seat="feature", parties__registry__seat="label"))
    assert found.nearest is None
    assert "CN-CREDIT" in found.always
    assert "No placement" in found.told().en and "label holder" in found.told().en


@pytest.mark.parametrize("aggregator", ["US", "HK"])
def test_bulk_data_on_us_persons_with_hong_kong_has_no_lawful_placement(aggregator: str) -> None:
    bulk = {"data__lender__persons__US__personal": 12_000}
    found = place(case_of("us-hk", **bulk, parties__aggregator__jurisdiction=aggregator))
    assert found.nearest is None
    assert found.always == ("US-DSP",)
    assert "US-DSP" in found.told().en and "No placement" in found.told().en


def test_important_data_that_goes_abroad_unassessed_has_no_lawful_placement() -> None:
    important = {"data__platform__notified_important": "yes"}
    assert place(case_of("reference", **important)).asked.allowed  # It goes to the bank in China alone.
    abroad = {"sender": "platform", "receiver": "registry", "forms": ["encrypted-update"], "of": ["platform"]}
    found = place(case_of("reference", **important, flows__5=abroad))
    assert found.nearest is None
    assert found.always == ("CN-IMPORTANT",)


def test_outside_the_greater_bay_area_its_contract_refuses_the_aggregator() -> None:
    moved = {"parties__aggregator__jurisdiction": "DE", "parties__aggregator__place": ""}
    found = place(case_of("gba", **moved))
    assert "GBA-SC" in found.asked.controls
    assert found.nearest is not None and found.nearest.moves == 1
    assert found.nearest.aggregator is not None
    assert found.nearest.aggregator.jurisdiction in ("CN", "HK")


def test_what_papers_can_mend_is_told_and_does_not_refuse() -> None:
    sent = {"sender": "registry", "receiver": "aggregator", "forms": ["masked-update"], "of": ["registry"]}
    elsewhere = {"parties__aggregator__jurisdiction": "DE", "flows__2": sent}
    found = place(case_of("de-gb", papers=[], **elsewhere))
    assert found.asked.allowed
    assert {"EU-TRANSFER", "UK-DPT"} <= {ruling.control for ruling in found.asked.needs}


def test_a_paper_that_ended_is_no_reason_to_move_but_is_told() -> None:
    found = place(case_of("de-gb", papers__0__valid_until=dt.date(2026, 1, 1)))
    assert found.nearest == found.asked
    assert [ruling.control for ruling in found.asked.needs] == ["EU-TRANSFER"]


def test_evidence_of_another_placement_does_not_count_for_this_one() -> None:
    found = place(case_of("reference", checks={"T-KEY-LOC": "fail"}))
    assert found.asked.allowed


def test_every_rule_that_the_planner_asks_is_in_the_catalogue() -> None:
    known = {control.id for _, control in catalogue()}
    assert {*REFUSING, *MENDABLE} <= known


def test_without_rules_nothing_refuses() -> None:
    none = Catalogue((), catalogue().bases)
    assert place(case_of("reference", **ABROAD), none).asked.allowed


def test_what_it_says_is_one_object_and_lines_in_both_languages() -> None:
    found = place(case_of("reference", **ABROAD))
    told = json.loads(json.dumps(found.to_json()))
    assert told["nearest"]["aggregator"] == "CN-SH" and not told["asked"]["allowed"]
    assert len(found.lines("en")) == len(found.lines("zh")) > len(found.tried)
