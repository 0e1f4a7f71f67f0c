"""Every scenario's plan is judged as the compliance research has it, before anything is sent."""

from __future__ import annotations

import pytest

from benchmarks.border import borders
from benchmarks.border.borders import SEEDED, Seeded, clean_case
from benchmarks.border.mutations import Found
from benchmarks.border.scenarios import SETTINGS, chosen
from federation.compliance.facts import Case
from federation.compliance.judging import judge
from federation.compliance.verdicts import Verdict
from federation.errors import UsageError


@pytest.mark.parametrize("name", SETTINGS)
def test_a_plan_fails_the_controls_that_it_is_there_to_show_and_no_other(name: str) -> None:
    judgement = judge(clean_case(name))
    assert {*judgement.failed()} == {*SETTINGS[name].expected}
    for control in SETTINGS[name].unsigned:
        assert judgement.of(control) is Verdict.NEEDS_ATTESTATION


@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("S2b", "CN-CREDIT"),
        ("S3b", "GBA-SC"),
        ("S5b", "EU-TRANSFER"),
        ("S8", "US-DSP"),
        ("S9", "CN-IMPORTANT"),
    ],
)
def test_what_must_be_refused_is_refused_for_the_right_rule(name: str, control: str) -> None:
    assert SETTINGS[name].expected[0] == control
    assert judge(clean_case(name)).of(control) is Verdict.FAIL


@pytest.mark.parametrize("seeded", SEEDED, ids=lambda each: each.name)
def test_a_border_that_is_violated_fails_its_own_control(seeded: Seeded) -> None:
    found = seeded.found()
    assert seeded.rule in found.rules, found.told


def test_one_below_each_threshold_nothing_fails() -> None:
    assert borders.false_alarms() == []


def test_a_change_that_nothing_fails_for_or_too_much_is_not_found() -> None:
    def both(found: Case) -> Case:
        keys = found.data["bank"].model_copy(update={"keys": ("US",), "min_cohort": 1})
        return found.model_copy(update={"data": {**found.data, "bank": keys}})

    assert Seeded("nothing", "S4", "T-COHORT", lambda found: found).found() == Found((), "no control fails")
    assert Seeded("two", "S4", "T-COHORT", both).found().rules == ()


def test_a_scenario_that_is_none_is_refused_and_names_do_not_depend_on_case() -> None:
    assert [each.id for each in chosen(["s3B", "S2"])] == ["S2", "S3b"]
    with pytest.raises(UsageError, match="no scenario 'S99'"):
        chosen(["S99"])
