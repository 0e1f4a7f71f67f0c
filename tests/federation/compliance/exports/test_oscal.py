"""An auditor's tool reads the judgements; each control is in them, none better than it was judged."""

from __future__ import annotations

import functools
import json
import re
import warnings
from dataclasses import replace
from typing import Any

import pytest

from federation.compliance.catalogue import Example, catalogue
from federation.compliance.exports import oscal
from federation.compliance.facts import Case
from federation.compliance.judging import judge
from federation.compliance.verdicts import Judgement, Verdict
from federation.errors import UsageError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Of its own and of what it imports.
    from trestle.oscal.assessment_results import Model


@functools.cache
def judged(**changes: str) -> tuple[Case, Judgement]:
    """The reference case with checks set otherwise, and how it is judged."""
    checks = {f"checks.{name.replace('_', '-')}": value for name, value in changes.items()}
    case = catalogue().case(Example(base="reference", set=checks, verdict=Verdict.UNKNOWN))
    return case, judge(case)


def findings(document: dict[str, Any], place: int = 0) -> dict[str, dict[str, Any]]:
    """Objective -> its finding."""
    result = document["assessment-results"]["results"][place]
    return {each["target"]["target-id"]: each for each in result["findings"]}


def verdict(finding: dict[str, Any], reading: str) -> str:
    (found,) = (
        each["value"]
        for each in finding["props"]
        if (each["name"], each.get("class")) == ("verdict", reading.lower())
    )
    return str(found)


def test_an_auditor_s_tool_reads_the_judgements_of_several_cases() -> None:
    cases = [judged(), judged(T_EGRESS_TYPE="fail")]
    read = Model.model_validate(oscal.results(cases)).assessment_results
    assert [len(each.findings or ()) for each in read.results] == [sum(1 for _ in catalogue())] * 2


def test_every_control_has_its_verdicts_and_only_what_passes_or_does_not_apply_is_satisfied() -> None:
    case, judgement = judged(T_EGRESS_TYPE="fail", T_EGRESS_CANON="pass")
    found = findings(oscal.results([(case, judgement)]))
    assert len(found) == sum(1 for _ in catalogue())
    seen = set()
    for _, control in catalogue():
        finding = found[f"{control.id.lower()}_obj"]
        for reading in ("R1", "R2"):
            assert verdict(finding, reading) == judgement.of(control.id, reading).value
        status = finding["target"]["status"]
        satisfied = judgement.of(control.id) in (Verdict.PASS, Verdict.NOT_APPLICABLE)
        assert (status["state"] == "satisfied") is satisfied
        seen.add((judgement.of(control.id), status["reason"]))
    assert seen == {
        (Verdict.PASS, "pass"),
        (Verdict.FAIL, "fail"),
        (Verdict.UNKNOWN, "other"),
        (Verdict.NEEDS_ATTESTATION, "other"),
        (Verdict.NOT_APPLICABLE, "other"),
    }


def test_all_that_is_pointed_at_is_there_and_no_identifier_is_used_twice() -> None:
    document = oscal.results([judged(), judged(T_EGRESS_TYPE="fail")])
    results = document["assessment-results"]["results"]
    for result in results:
        observed = {each["uuid"] for each in result["observations"]}
        related = {
            each["observation-uuid"]
            for finding in result["findings"]
            for each in finding.get("related-observations", [])
        }
        assert related == observed
    uuids = re.findall(r'"uuid": "([^"]+)"', json.dumps(document))
    assert len(uuids) == len(set(uuids))


def test_the_same_judgements_give_the_same_bytes_and_others_share_no_identifier() -> None:
    first, again = (json.dumps(oscal.results([judged()])) for _ in range(2))
    other = json.dumps(oscal.results([judged(T_EGRESS_TYPE="fail")]))
    uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert first == again
    assert not set(uuid.findall(first)) & set(uuid.findall(other))


def test_what_a_person_must_sign_and_what_nobody_reviewed_is_said() -> None:
    case, judgement = judged()
    document = oscal.results([(case, judgement)])
    parts = document["assessment-results"]["results"][0]["attestations"][0]["parts"]
    missing = next(each["prose"] for each in parts if each["name"] == "missing")
    waiting = [each for each in judgement.rulings["R1"] if each.verdict is Verdict.NEEDS_ATTESTATION]
    assert waiting
    assert all(each.control in missing for each in waiting)
    remarks = document["assessment-results"]["metadata"]["remarks"]
    assert "Not legal advice" in remarks
    assert all(pack.pack in remarks for pack in catalogue().packs if not pack.reviewed_by)


def test_a_rule_from_memory_is_marked() -> None:
    found = findings(oscal.results([judged()]))
    for _, control in catalogue():
        marks = {each["name"]: each["value"] for each in found[f"{control.id.lower()}_obj"]["props"]}
        assert (marks["source-seen"] == "from-memory") is (control.seen == "M")


def test_a_judgement_of_another_case_or_by_other_rules_is_refused() -> None:
    case, judgement = judged()
    other, _ = judged(T_EGRESS_TYPE="fail")
    with pytest.raises(UsageError, match="not of the case"):
        oscal.results([(other, judgement)])
    with pytest.raises(UsageError, match="other rule packs"):
        oscal.results([(case, replace(judgement, packs={"neutral": "0" * 64}))])
    with pytest.raises(UsageError, match="no judged case"):
        oscal.results([])
