"""Ways out of a place that only personal data needs: which mechanism is there, for where, until when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from federation.compliance.checks import check
from federation.compliance.checks.attested import stated
from federation.compliance.checks.papers import of_way, out_of_force, years_on
from federation.compliance.checks.saying import answer, fails, listed, no_question, passes, to_attest, unknown
from federation.compliance.checks.scope import exports
from federation.compliance.facts import Border, Case, Paper
from federation.compliance.verdicts import WORST_FIRST, Answer, Told, Verdict
from federation.governance.manifest import Part, Place
from federation.governance.terms import Mechanism


class Accepted(Part):
    """One mechanism that a law knows. `to`: for these destinations alone; empty: for all.

    until: the decision behind it is known to hold until then, and what replaces it is for a lawyer to find.
    certified: only where every recipient there is on the Data Privacy Framework's list. names: the document
    must name the country that the data goes to. max_age_years: since the paper's first day, on
    which the assessment was made. assessed: beside the paper somebody signs this control, for that border.
    """

    mechanism: Mechanism
    to: tuple[Place, ...] = ()
    until: dt.date | None = None
    certified: bool = False
    names: bool = False
    max_age_years: int | None = None
    assessed: bool = False


class _Way(NamedTuple):
    """One owner's data across one border."""

    case: Case
    parameters: Mapping[str, Any]
    border: Border
    owner: str

    @property
    def about(self) -> dict[str, str]:
        return {"border": str(self.border), "party": self.owner}


@check("mechanism", reads=("accept", "lacking", "offices", "max_age_days"))
def mechanism(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """For each way out of `places` and each owner whose data takes it, a mechanism that is valid that day.

    accept: what counts, as `Accepted`. lacking: the verdict where there is none ("fail", or
    "needs-attestation" where a statement of this control does instead). offices: who signs where a statement
    is asked for. A case of companies only asks for none.
    """
    ways = [_Way(case, parameters, *each) for each in personal_ways(case, parameters["places"])]
    undecided = list(_undecided(case, parameters["places"]))
    if ways or undecided:
        return [*undecided, *(_answer(way) for way in ways)]
    if exports(case, parameters["places"]):
        return [no_question("What leaves is about companies alone.", "发出的数据只涉及企业，不含自然人。")]
    return [no_question("Nothing of data collected there leaves.", "当地收集的数据没有出境。")]


@check("assessed-transfer", reads=("mechanisms", "offices", "max_age_days"))
def assessed_transfer(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """A statement for each way out of `places` whose paper rests on one of `mechanisms`, or that has none.

    Other parameters are those of "attested". Where an adequacy decision carries the way none is asked for.
    """
    wanted = {Mechanism(each) for each in parameters["mechanisms"]}
    due: dict[Border, list[str]] = {}
    for border, owner in personal_ways(case, parameters["places"]):
        used = {paper.mechanism for paper in papers(case, border, owner)}
        if not used or used & wanted:
            due.setdefault(border, []).append(owner)
    return [stated(case, parameters, tuple(due[border]), border) for border in sorted(due)] or [
        no_question(
            "No personal data leaves for a place without adequacy.", "没有个人数据传至未获充分性认定的地方。"
        )
    ]


def personal_ways(case: Case, places: Sequence[str]) -> Iterator[tuple[Border, str]]:
    """Each way out of the places with each owner whose data about persons takes it.

    Under the reading R1 an encrypted update about persons is their data, so no form is left out.
    """
    for border, owners in exports(case, places, "persons").items():
        for owner in owners:
            yield border, owner


def papers(case: Case, border: Border, owner: str) -> tuple[Paper, ...]:
    """The owner's papers for a border: from where the data was collected, or from where the owner is."""
    here = Border(case.parties[owner].jurisdiction, border.destination)
    return of_way(case, border, owner) + (() if here == border else of_way(case, here, owner))


def _undecided(case: Case, places: Sequence[str]) -> Iterator[Answer]:
    for border, owners in exports(case, places).items():
        for owner in owners:
            if not case.data[owner].kinds:
                yield unknown(
                    f"The manifest of {owner} does not say whether persons are in its data.",
                    f"{owner} 的清单未说明数据是否涉及自然人。",
                    border=border,
                    party=owner,
                )


def _answer(way: _Way) -> Answer:
    """The best that one of the papers comes to, as only one is needed."""
    found = [_weighed(way, paper) for paper in papers(way.case, way.border, way.owner)]
    best = max(found, key=lambda each: WORST_FIRST.index(each.verdict), default=None)
    if best is not None and (best.verdict is not Verdict.FAIL or not _instead(way)):
        return best
    if not _instead(way):
        return fails(
            f"No mechanism for {way.border} is in the grants of {way.owner}.",
            f"{way.owner} 的授权书没有 {way.border} 的传输机制。",
            **way.about,
        )
    said = stated(way.case, way.parameters, (way.owner,), way.border)
    if said.verdict is Verdict.NEEDS_ATTESTATION:
        return to_attest(
            f"No clauses in force for {way.border}; instead: {said.told.en}",
            f"{way.border} 没有有效的合同条款；否则：{said.told.zh}",
            **way.about,
        )
    return said


def _instead(way: _Way) -> bool:
    return bool(way.parameters.get("lacking") == Verdict.NEEDS_ATTESTATION.value)


def _weighed(way: _Way, paper: Paper) -> Answer:
    """One paper: what is wrong with the paper first, then with what the law takes it for."""
    told = _wrong(paper, way.case.date)
    if told is not None:
        return fails(told.en, told.zh, **way.about)
    rules = [Accepted.model_validate(each) for each in way.parameters["accept"]]
    rule = next((each for each in rules if _is_for(each, paper)), None)
    name = paper.mechanism.value
    if rule is None:
        return fails(
            f"{name} is no mechanism for {way.border}.",
            f"{name} 不能作为 {way.border} 的传输机制。",
            **way.about,
        )
    verdict, why = _conditions(way, paper, rule)
    if verdict is not Verdict.PASS:
        return answer(verdict, why.en, why.zh, **way.about)
    if rule.assessed:
        said = stated(way.case, way.parameters, (way.owner,), way.border)
        if said.verdict is not Verdict.PASS:
            return answer(
                said.verdict,
                f"{name} is in force, and beside it must be signed: {said.told.en}",
                f"{name} 有效，另须签署声明：{said.told.zh}",
                **way.about,
            )
    until = f" until {paper.valid_until}" if paper.valid_until else ""
    bis = f"，有效期至 {paper.valid_until}" if paper.valid_until else ""
    return passes(f"{name} is in force{until}.", f"{name} 有效{bis}。", **way.about)


def _is_for(rule: Accepted, paper: Paper) -> bool:
    return rule.mechanism is paper.mechanism and (not rule.to or paper.destination in rule.to)


def _wrong(paper: Paper, date: dt.date) -> Told | None:
    """What is wrong with a paper on that day under any law. Its last day still counts."""
    name, ended = paper.mechanism.value, out_of_force(paper, date)
    if ended is not None:
        return Told(f"{name} {ended.en}.", f"{name} {ended.zh}。")
    if paper.document is None:
        return Told(f"No document is named for {name}.", f"{name} 未注明文件。")
    return None


def _conditions(way: _Way, paper: Paper, rule: Accepted) -> tuple[Verdict, Told]:
    """What this law asks of a mechanism beyond being there."""
    case, name = way.case, paper.mechanism.value
    if rule.until is not None and case.date > rule.until:
        return Verdict.UNKNOWN, Told(
            f"The decision on {paper.destination} held until {rule.until}: a lawyer must look further.",
            f"对 {paper.destination} 的认定有效期至 {rule.until}；须由律师核对其后的决定。",
        )
    if rule.certified:
        outside = [each for each in _recipients(case, way) if case.parties[each].dpf_certified != "yes"]
        if outside:
            return Verdict.FAIL, Told(
                f"{name} holds for certified recipients only, and {listed(outside)} is not known to be one.",
                f"{name} 仅适用于已认证的接收方，{listed(outside, 'zh')} 未显示已认证。",
            )
    if rule.names and paper.destination not in paper.names:
        return Verdict.FAIL, Told(
            f"The document for {name} does not name {paper.destination}, where the run takes the data.",
            f"{name} 的文件未列明数据将传至的 {paper.destination}。",
        )
    return _age(paper, rule, case.date)


def _age(paper: Paper, rule: Accepted, date: dt.date) -> tuple[Verdict, Told]:
    if rule.max_age_years is None:
        return Verdict.PASS, Told("in force", "有效")
    if paper.begins is None:
        return Verdict.UNKNOWN, Told("It is not said when the assessment was made.", "未说明评估的日期。")
    if date > years_on(paper.begins, rule.max_age_years):
        return Verdict.FAIL, Told(
            f"The assessment of {paper.begins} is older than {rule.max_age_years} years.",
            f"{paper.begins} 的评估已超过 {rule.max_age_years} 年。",
        )
    return Verdict.PASS, Told("in force", "有效")


def _recipients(case: Case, way: _Way) -> list[str]:
    """Who at the border's far side is sent something of the owner's data."""
    return sorted(
        {
            flow.receiver
            for flow in case.flows
            if way.owner in flow.of and case.parties[flow.receiver].jurisdiction == way.border.destination
        }
    )
