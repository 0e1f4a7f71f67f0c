"""The standard contract of the Greater Bay Area: all of a run are in Hong Kong or one of nine cities."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from federation.compliance.checks import check
from federation.compliance.checks.saying import fails, no_question, passes, unknown
from federation.compliance.facts import Case, Paper, Party
from federation.compliance.verdicts import Answer
from federation.governance.terms import Mechanism

#: The mainland cities of the area, by the codes of `facts.Party`. Closed: a tenth needs a change of the rule.
NINE_CITIES: Mapping[str, str] = {
    "CN-GZH": "Guangzhou",
    "CN-SZ": "Shenzhen",
    "CN-ZH": "Zhuhai",
    "CN-FS": "Foshan",
    "CN-HZ": "Huizhou",
    "CN-DG": "Dongguan",
    "CN-ZS": "Zhongshan",
    "CN-JM": "Jiangmen",
    "CN-ZQ": "Zhaoqing",
}
#: What does not say which city: nothing, or the province.
_TOO_WIDE = ("", "CN-GD")


@check("gba-contract", reads=("filed_within", "holidays"))
def gba_contract(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Where a grant relies on the contract: all parties inside the area, and filed in time.

    filed_within: working days from the contract's beginning. Public holidays are not known here, so Saturdays
    and Sundays alone are left out; up to `holidays` working days more it is unknown whether it was in time.
    """
    papers = [paper for paper in case.papers if paper.mechanism is Mechanism.GBA_CONTRACT]
    if not papers:
        return [no_question("No grant relies on this contract.", "没有授权书依据该合同。")]
    found = [
        *(each for name, party in sorted(case.parties.items()) for each in _inside(name, party)),
        *(each for paper in papers for each in _filed(case, paper, parameters)),
    ]
    return found or [
        passes(
            "Everybody in the run is in the Greater Bay Area, and the contract is filed.",
            "所有参与方均在大湾区内，合同已备案。",
        )
    ]


def _inside(name: str, party: Party) -> Iterator[Answer]:
    if party.jurisdiction == "HK" or (party.jurisdiction == "CN" and party.place in NINE_CITIES):
        return
    if party.jurisdiction == "CN" and party.place in _TOO_WIDE:
        yield unknown(
            f"{name} does not say in which city it is registered.", f"{name} 未说明注册所在城市。", party=name
        )
        return
    place = party.place or party.jurisdiction
    yield fails(
        f"{name} ({party.seat}) is in {place}, outside Hong Kong and the nine cities: nothing may go there.",
        f"{name}（{_ZH[party.seat]}）位于 {place}，不在香港或九市之内：不得向其转移。",
        party=name,
    )


_ZH: Mapping[str, str] = {
    "label": "标签方",
    "feature": "特征方",
    "member": "成员",
    "aggregator": "聚合方",
    "witness": "见证方",
}


def _filed(case: Case, paper: Paper, parameters: Mapping[str, Any]) -> Iterator[Answer]:
    about: dict[str, Any] = {"border": f"{paper.origin} -> {paper.destination}", "party": paper.owner}
    if paper.begins is None:
        yield unknown(
            f"{paper.owner} does not say when the contract began.",
            f"{paper.owner} 未说明合同生效日期。",
            **about,
        )
        return
    due = working_days_on(paper.begins, parameters["filed_within"])
    surely = working_days_on(due, parameters["holidays"])
    done = case.date if paper.filed is None else paper.filed
    if done <= due:
        return
    by = f"It was to be filed by {due}", f"应于 {due} 前备案"
    how = (
        ("it is not filed", "尚未备案") if paper.filed is None else (f"filed on {done}", f"实际备案于 {done}")
    )
    if done <= surely:
        yield unknown(
            f"{by[0]} ({how[0]}), unless public holidays, which are not known here, lie between.",
            f"{by[1]}（{how[1]}）；其间是否有法定节假日未知。",
            **about,
        )
    else:
        yield fails(f"{by[0]}; {how[0]}.", f"{by[1]}；{how[1]}。", **about)


def working_days_on(date: dt.date, days: int) -> dt.date:
    """So many Mondays to Fridays after a day."""
    while days:
        date += dt.timedelta(days=1)
        days -= date.weekday() < 5
    return date
