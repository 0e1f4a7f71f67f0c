"""Ways out of China: how many persons it is by now, what that asks for, and whether the papers have it.

The table is that of the CAC Provisions on Promoting and Regulating Cross-Border Data Flows (22 March 2024).
The numbers stand in the pack. Where somebody is a critical information infrastructure operator, or data is
important, the number does not matter: `ciio` and `important-abroad` ask for an assessment then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from federation.compliance.checks import check
from federation.compliance.checks.attested import stated
from federation.compliance.checks.papers import of_way, out_of_force, years_on
from federation.compliance.checks.saying import answer, fails, listed, no_question, passes, to_attest, unknown
from federation.compliance.checks.scope import exports
from federation.compliance.facts import Border, Case, Cumulated, Paper
from federation.compliance.verdicts import Answer, Verdict
from federation.governance.terms import Mechanism, National

Duty = Literal["exempt", "contract", "assessment"]
#: From the least to the most.
_RANK: tuple[Duty, ...] = ("exempt", "contract", "assessment")
_DUTY: Mapping[Duty, tuple[str, str]] = {
    "exempt": ("no mechanism", "无须任何机制"),
    "contract": ("a standard contract or certification", "须标准合同或认证"),
    "assessment": ("a security assessment", "须安全评估"),
}


#: Parameters of the table of volumes, and of how a paper is weighed.
_TABLE = ("thresholds", "sufficient", "only_to")
_PAPER = ("years", "since", "to_attest", "offices", "max_age_days")


def duty(counted: Cumulated, thresholds: Mapping[str, int]) -> Duty:
    """What so many persons since 1 January ask for; n without sensitive information, s with it.

    Assessment: n >= persons_assessment or s >= sensitive_assessment. Else contract: n >= persons_contract or
    s > 0. Else exempt.
    """
    n, s = counted.personal, counted.sensitive
    if n >= thresholds["persons_assessment"] or s >= thresholds["sensitive_assessment"]:
        return "assessment"
    return "contract" if n >= thresholds["persons_contract"] or s > 0 else "exempt"


@check("cn-volume", reads=(*_TABLE, "claims"))
def volume(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """No grant claims less than the count asks for. Whether there is a paper in force, `mechanism` says.

    claims: mechanism -> the duty whose count it claims. A grant that claims no count claims nothing wrong.
    """
    ways = exports(case, parameters["places"], "persons")
    if not ways:
        return [_no_persons()]
    counted = case.abroad.get(parameters["places"][0])
    if counted is None:
        return [_not_counted()]
    asked = duty(counted, parameters["thresholds"])
    en, zh = _DUTY[asked]
    said = (
        f"{counted.personal} persons and {counted.sensitive} with sensitive information since 1 January ask "
        f"for {en}"
    )
    said_zh = f"自 1 月 1 日起累计 {counted.personal} 人、敏感信息 {counted.sensitive} 人：{zh}"
    claims: Mapping[str, Duty] = parameters["claims"]
    short = [
        fails(
            f"{said}; the grant of {owner} claims {paper.mechanism.value}.",
            f"{said_zh}；{owner} 的授权书载明的是 {paper.mechanism.value}。",
            border=border,
            party=owner,
        )
        for border, whose in ways.items()
        for owner in whose
        if not any(_enough(paper, asked, parameters) for paper in of_way(case, border, owner))
        for paper in of_way(case, border, owner)
        if _RANK.index(claims.get(paper.mechanism.value, asked)) < _RANK.index(asked)
    ]
    return short or [passes(f"{said}.", f"{said_zh}。")]


@check("cn-mechanism", reads=(*_TABLE, *_PAPER))
def mechanism(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """For each way abroad, and whose data takes it, a paper of the mechanism that is due by volume.

    In force on the day, and shown by a document. Somebody must sign that a mechanism of `to_attest` applies.
    """
    ways = exports(case, parameters["places"], "persons")
    if not ways:
        return [_no_persons()]
    counted = case.abroad.get(parameters["places"][0])
    if counted is None:
        return [_not_counted()]
    asked = duty(counted, parameters["thresholds"])
    if asked == "exempt":
        return [passes("The volume asks for no mechanism.", "累计数量未达到须具备机制的标准。")]
    return [
        _papered(case, border, owner, asked, parameters) for border, whose in ways.items() for owner in whose
    ]


@check("cn-ciio", reads=("sufficient", "only_to", *_PAPER))
def ciio(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Critical information infrastructure operators give nothing personal or important abroad unassessed.

    Where the manifest does not say whether somebody is one, a person signs that it is none.
    """
    ways = exports(case, parameters["places"], "persons-or-important")
    if not ways:
        return [no_question("Nothing personal or important goes abroad.", "没有个人信息或重要数据出境。")]
    found = []
    for border, whose in ways.items():
        for owner in whose:
            operator = case.parties[owner].ciio
            if operator == "yes":
                found.append(_papered(case, border, owner, "assessment", parameters))
            elif operator == "unknown":
                said = stated(case, parameters, (owner,), border)
                found.append(
                    answer(
                        said.verdict,
                        f"{owner} does not say whether it operates critical infrastructure. {said.told.en}",
                        f"{owner} 未说明是否为关键信息基础设施运营者。{said.told.zh}",
                        border=border,
                        party=owner,
                    )
                )
    return found or [passes("No operator gives data abroad.", "出境方均不是关键信息基础设施运营者。")]


@check("important-abroad", reads=("sufficient", "only_to", *_PAPER))
def important_abroad(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Nothing of important data crosses the border without a passed assessment, and of core data nothing.

    Encrypted or not: what an update says is still of the data (`Data.strictest`, `Data.notified_important`).
    """
    ways = exports(case, parameters["places"])
    if not ways:
        return [no_question("Nothing goes abroad.", "没有数据出境。")]
    found = [_important(case, border, owner, parameters) for border, whose in ways.items() for owner in whose]
    return [each for each in found if each.border] or found[:1]


def _important(case: Case, border: Border, owner: str, parameters: Mapping[str, Any]) -> Answer:
    data = case.data[owner]
    if data.strictest is National.CORE:
        return fails(
            f"Something of core data of {owner} would go to {border.destination}; it may not.",
            f"{owner} 的核心数据有内容将发往 {border.destination}；不得出境。",
            border=border,
            party=owner,
        )
    if data.strictest is National.IMPORTANT or data.notified_important == "yes":
        return _papered(case, border, owner, "assessment", parameters)
    if data.notified_important == "unknown":
        return unknown(
            f"The manifest of {owner} does not say whether an authority named its data important.",
            f"{owner} 的清单未说明其数据是否被告知或公布为重要数据。",
            border=border,
            party=owner,
        )
    return passes("No important or core data goes abroad.", "没有重要数据或核心数据出境。")


def _papered(case: Case, border: Border, owner: str, asked: Duty, parameters: Mapping[str, Any]) -> Answer:
    """How it stands with the owner's paper for one way."""
    en, zh = _DUTY[asked]
    about: dict[str, Any] = {"border": border, "party": owner}
    papers = [paper for paper in of_way(case, border, owner) if _enough(paper, asked, parameters)]
    if not papers:
        claimed = [paper.mechanism.value for paper in of_way(case, border, owner)]
        has = f"has {listed(claimed)}" if claimed else "has none"
        return fails(
            f"{border} of data of {owner} takes {en}; its grant {has} for this way.",
            f"{owner} 的数据 {border} {zh}；其授权书就该路径载有：{listed(claimed, 'zh') or '无'}。",
            **about,
        )
    return min(
        (_one_paper(case, paper, border, owner, parameters) for paper in papers),
        key=lambda each: [Verdict.PASS, Verdict.NEEDS_ATTESTATION, Verdict.UNKNOWN, Verdict.FAIL].index(
            each.verdict
        ),
    )


def _one_paper(case: Case, paper: Paper, border: Border, owner: str, parameters: Mapping[str, Any]) -> Answer:
    name = paper.mechanism.value
    about: dict[str, Any] = {"border": border, "party": owner}
    why = out_of_force(paper, case.date)
    years = parameters.get("years", {}).get(name)
    if why is not None:
        return fails(
            f"{name} of {owner} for {border} {why.en}.", f"{owner} 就 {border} 的 {name} {why.zh}。", **about
        )
    if years and paper.begins is not None and case.date >= years_on(paper.begins, years):
        return fails(
            f"{name} of {owner} for {border} is of {paper.begins}; it holds for {years} years.",
            f"{owner} 就 {border} 的 {name} 出具于 {paper.begins}；有效期为 {years} 年。",
            **about,
        )
    since = parameters.get("since", {}).get(name)
    if since and case.date < since:
        return fails(f"There is no {name} before {since}.", f"{since} 之前没有 {name}。", **about)
    if paper.document is None:
        return to_attest(
            f"{name} of {owner} for {border} is claimed, and no document shows it.",
            f"{owner} 就 {border} 声称具备 {name}，但没有文件证明。",
            **about,
        )
    if name in parameters.get("to_attest", ()):
        said = stated(case, parameters, (owner,), border)
        return answer(said.verdict, f"{name}: {said.told.en}", f"{name}：{said.told.zh}", **about)
    until = "" if paper.valid_until is None else f" until {paper.valid_until}"
    return passes(
        f"{name} of {owner} covers {border}{until}.",
        f"{owner} 的 {name} 涵盖 {border}" + (f"，有效期至 {paper.valid_until}。" if until else "。"),
        **about,
    )


def _enough(paper: Paper, asked: Duty, parameters: Mapping[str, Any]) -> bool:
    """Whether a mechanism is one that answers the duty, for this destination."""
    places = parameters.get("only_to", {}).get(paper.mechanism.value)
    enough = {Mechanism(name) for name in parameters["sufficient"][asked]}
    return paper.mechanism in enough and (places is None or paper.destination in places)


def _no_persons() -> Answer:
    return no_question("Nothing about natural persons goes abroad.", "没有自然人信息出境。")


def _not_counted() -> Answer:
    return unknown(
        "Nobody counted the persons whose information went abroad since 1 January.",
        "未统计自 1 月 1 日起出境所涉人数。",
    )
