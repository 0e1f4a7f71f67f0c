"""What only a person can say: whether the statement is there, in force, sound and by the right office.

Never whether it is true: that is why a person signs it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from federation.compliance import offices
from federation.compliance.checks import check
from federation.compliance.checks.saying import answer, fails, no_question, to_attest
from federation.compliance.checks.scope import about_persons, exports, owners, shared, within
from federation.compliance.facts import Border, Case, Statement
from federation.compliance.verdicts import Answer, Told, Verdict

#: What a check that asks for a statement reads.
STATED = ("offices", "each", "when", "decides_on_persons", "max_age_days", "kept_days")


@check("attested", reads=STATED)
def attested(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """A statement of this control for everything that it must be made for.

    offices: who may sign (ids of `offices.OFFICES`). each: what a statement is made for.
        "owner"   (default) each party whose data was collected in the pack's places and goes to others
        "border"  each way out of those places, by each of those whose data takes it
        "party"   each party in those places
        "run"     the run, once, by one of those whose data it is about: never by a recipient or a witness
    when: a condition on the data (`scope.CONDITIONS`), default "any". decides_on_persons: asked only where
    the score weighs on decisions about persons in the data. max_age_days: a statement older than so many days
    is too old. kept_days: for so many days the owner's manifest must keep evidence. places: instead of the
    pack's own.
    """
    offices.named(parameters["offices"])  # A misspelt office is found before anybody's statement is weighed.
    if parameters.get("decides_on_persons") and not (
        case.decides_on_persons and any(about_persons(data) for data in case.data.values())
    ):
        return [no_question("No decision about persons draws on it.", "不用于对自然人作出决定。")]
    wanted = list(_wanted(case, parameters))
    if not wanted:
        return [no_question("No data here that the rule is about.", "本案例没有该规则所涉及的数据。")]
    return [stated(case, parameters, *each) for each in wanted]


def _wanted(case: Case, parameters: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Border | None]]:
    """Who may sign, for which border, once for every statement that must be there."""
    places, when = tuple(parameters.get("places", ())), parameters.get("when", "any")
    each = parameters.get("each", "owner")
    if each == "border":
        for border, whose in exports(case, places, when).items():
            yield from (((owner,), border) for owner in whose)
    elif each == "party":
        for name in within(case, places) if places else sorted(case.parties):
            yield (name,), None
    elif each == "run":
        if whose := owners(case, places, when):
            yield whose, None
    else:
        for owner in owners(case, places, when):
            if shared(case, owner):
                yield (owner,), None


def stated(
    case: Case, parameters: Mapping[str, Any], signers: tuple[str, ...], border: Border | None
) -> Answer:
    """How it stands with the statement that one of `signers` must make, for a border where one is given."""
    whose = signers[0] if len(signers) == 1 else ""
    about: dict[str, Any] = {"border": "" if border is None else border, "party": whose}
    kept = parameters.get("kept_days", 0)
    if whose in case.data and case.data[whose].evidence_days < kept:
        return fails(
            f"The document must be kept for {kept} days, and the manifest keeps evidence for "
            f"{case.data[whose].evidence_days}.",
            f"文件须保存 {kept} 天，而清单规定证据仅保存 {case.data[whose].evidence_days} 天。",
            **about,
        )
    made = [
        each for each in case.statements if each.control == parameters["control"] and each.party in signers
    ]
    found = [_weighed(each, case.date, parameters, border) for each in made]
    best = next((each for each in found if each[0] is Verdict.PASS), None)
    best = best or next((each for each in found if each[0] is Verdict.FAIL), next(iter(found), None))
    if best is not None:
        return answer(best[0], best[1].en, best[1].zh, **about)
    by = offices.named(parameters["offices"])
    return to_attest(f"Nobody signed it yet; due from: {by.en}.", f"尚未签署；应由{by.zh}签署。", **about)


def _weighed(
    statement: Statement, date: dt.date, parameters: Mapping[str, Any], border: Border | None
) -> tuple[Verdict, Told]:
    """One statement: what is wrong with it first. Days are compared: the day of the run is early enough."""
    right, age = parameters["offices"], parameters.get("max_age_days")
    oldest = None if age is None else date - dt.timedelta(days=age)
    if not statement.sound:
        return Verdict.FAIL, Told(
            "The signature of the statement does not verify with a key that is trusted.",
            "声明的签名无法用受信任的密钥验证。",
        )
    if statement.office not in right:
        by = offices.named(right)
        return Verdict.FAIL, Told(
            f"Signed by the wrong office ({statement.office}); it is for the {by.en} to sign.",
            f"签署部门不符（{statement.office}）；应由{by.zh}签署。",
        )
    if statement.dated > date:
        return Verdict.FAIL, Told(
            f"Signed on {statement.dated}, after the run of {date}; it had to be there before.",
            f"签署于 {statement.dated}，晚于 {date} 的运行；应在运行前签署。",
        )
    if statement.valid_until < date:
        return Verdict.NEEDS_ATTESTATION, Told(
            f"The statement held until {statement.valid_until} and must be signed anew.",
            f"声明有效期至 {statement.valid_until}，须重新签署。",
        )
    if oldest is not None and statement.dated < oldest:
        return Verdict.NEEDS_ATTESTATION, Told(
            f"The statement of {statement.dated} is older than {age} days and must be made anew.",
            f"{statement.dated} 的声明已超过 {age} 天，须重新作出。",
        )
    if border is not None and statement.covers and border.destination not in statement.covers:
        return Verdict.NEEDS_ATTESTATION, Told(
            f"The statement does not cover {border.destination}.", f"声明未涵盖 {border.destination}。"
        )
    office = offices.named([statement.office])
    return Verdict.PASS, Told(
        f"Signed on {statement.dated} by the {office.en}, valid until {statement.valid_until}. Its content "
        "was not judged.",
        f"由{office.zh}于 {statement.dated} 签署，有效期至 {statement.valid_until}。未评判其内容。",
    )
