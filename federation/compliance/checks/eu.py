"""What European law asks beside transfers: records, assessments, and systems of high risk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from federation.compliance.checks import check
from federation.compliance.checks.attested import STATED, attested, stated
from federation.compliance.checks.evidence import of_evidence
from federation.compliance.checks.saying import fails, no_question, passes, unknown
from federation.compliance.checks.scope import owners, within
from federation.compliance.facts import Case
from federation.compliance.processing import RECORD, record
from federation.compliance.verdicts import Answer, Verdict, worst
from federation.governance.terms import SubjectKind

_PERSONS = {SubjectKind.SOLE_TRADER, SubjectKind.NATURAL_PERSON, SubjectKind.MINOR}


@check("record-of-processing", reads=())
def record_of_processing(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """The record that was generated is the one that this case comes to (GDPR article 30)."""
    places = parameters["places"]
    if not owners(case, places, "persons"):
        return [no_question("No personal data was collected there.", "当地未收集个人数据。")]
    there = case.files.get(RECORD)
    if there is None:
        told = (
            f"There is no {RECORD} among the files of the case.",
            f"案例文件中没有 {RECORD}。",
        )
        return [unknown(*told) if case.stage == "plan" else fails(*told)]
    if there != record(case).digest:
        return [
            fails(
                f"{RECORD} does not describe this case: it was made of another one, or changed.",
                f"{RECORD} 与本案例不符：系由其他案例生成或被改动。",
            )
        ]
    return [passes("The record was generated from this case.", "处理活动记录由本案例生成。")]


@check("impact-assessment", reads=STATED)
def impact_assessment(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """As "attested"; of a run there must also be leakage figures that the assessment can cite."""
    found = attested(case, parameters)
    if case.stage == "plan" or worst(each.verdict for each in found) is not Verdict.PASS:
        return found
    if not any(control.startswith("T-LEAK-") and each for control, each in case.attacks.items()):
        return [
            unknown(
                "The assessment is signed, but the run has no leakage figures that it could cite.",
                "评估已签署，但本次运行没有可供引用的泄露测试结果。",
            )
        ]
    return found


@check("hosting", reads=("offices", "max_age_days"))
def hosting(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Each aggregator in `places` hosts data for others there, and signs as "attested" has it."""
    hosts = [name for name, party in within(case, parameters["places"]).items() if party.seat == "aggregator"]
    return [stated(case, parameters, (name,), None) for name in hosts] or [
        no_question("No aggregator is there.", "当地没有聚合方。")
    ]


@check("high-risk", reads=("duties_from", "logs", "offices", "max_age_days"))
def high_risk(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """A score on natural persons or sole traders is a system of high risk; its duties begin on `duties_from`.

    Then the ledger must hold (`logs`: the control that shows it), and one of `offices` signs that oversight
    and the record of data governance are there. Companies alone: no system of this kind (annex III, 5(b)).
    """
    if not case.decides_on_persons or not any(set(data.kinds) & _PERSONS for data in case.data.values()):
        return [
            no_question(
                "No creditworthiness of natural persons or sole traders is scored.",
                "不评估自然人或个体经营者的信用。",
            )
        ]
    begins: dt.date = parameters["duties_from"]
    if case.date < begins:
        return [
            passes(
                f"Flagged as high-risk: persons or sole traders are scored. Its duties begin on {begins}.",
                f"标记为高风险：评分对象含自然人或个体经营者。相关义务自 {begins} 起适用。",
            )
        ]
    return [
        stated(case, parameters, tuple(sorted(set(case.parties) - set(case.of_seat("witness")))), None),
        of_evidence(case, parameters["logs"]),
    ]
