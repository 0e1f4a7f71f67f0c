"""A whole benchmark, made up: every verdict, a reading that decides, attacks, costs and violations."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from benchmarks.border.results import Border, Link, Scenario, Utility
from federation.compliance.catalogue import Example, catalogue
from federation.compliance.facts import Case
from federation.compliance.judging import judge
from federation.compliance.verdicts import Judgement, Told, Verdict

_SENTENCE = Told("This sentence was made up for a test.", "此句为测试而编写。")
LATENCIES = (0, 30, 100, 250)


@functools.cache
def sample() -> Border:
    """Two plans: one that ran, whose R2 lifts what R1 does not pass, and one that was stopped."""
    ran = _case({"checks.T-EGRESS-TYPE": "pass", "checks.T-EGRESS-CANON": "fail"}, sent=12_345)
    stopped = _case({"name": "stopped", "stage": "plan", "parties.aggregator.jurisdiction": "SG"})
    scenarios = (
        Scenario(
            "X1",
            Told("Inward <only> & no further", "仅向内流动"),
            Told("A bank and three others.", "一家银行与另外三方。"),
            ("T-EGRESS-CANON",),
            ran,
            _lifted(judge(ran)),
            as_expected=True,
            why="played to its end",
            utility=(Utility("ckks-sample", 0.6543, 0.7654, 0.7765, 2_500_000, 50_000, 12.5, 2.5, 31.0),),
            links=tuple(Link(ms, 100.0, 0.001, 10.0 + ms / 10, "proxy") for ms in LATENCIES),
            packs={"bank": "bank.zip"},
            verified=True,
        ),
        Scenario(
            "X2",
            Told("The aggregator elsewhere", "聚合方设在他处"),
            Told("The same, stopped.", "同上，被阻止。"),
            ("CN-CREDIT",),
            stopped,
            judge(stopped),
            as_expected=False,
            why="refused before anything left",
            refused="preflight: CN-CREDIT",
        ),
    )
    outcomes = ("detected", "missed", "declared limit")
    return Border(
        7,
        "fast",
        scenarios,
        seeded=len(outcomes),
        detected=1,
        missed=(_mutation("missed")["name"],),
        declared_limits=(_mutation("declared limit")["name"],),
        clean_runs=200,
        false_alarms=1,
        alarms=("a clean round that raised an alarm",),
        mutations=tuple(map(_mutation, outcomes)),
        attacks=tuple(_attack(*each) for each in (("auc", "pass"), ("auc", "void"), ("count", "fail"))),
    )


def _case(changes: dict[str, Any], sent: int = 0) -> Case:
    case = catalogue().case(Example(base="reference", set=changes, verdict=Verdict.UNKNOWN))
    flows = tuple(each.model_copy(update={"messages": 3, "bytes": sent}) for each in case.flows)
    return case.model_copy(update={"flows": flows if sent else case.flows})


def _lifted(judgement: Judgement) -> Judgement:
    """As if R2 could be claimed: what was asked at a border is no question under it."""
    relative = tuple(
        replace(each, verdict=Verdict.NOT_APPLICABLE, told=_SENTENCE, lifted=True) if each.border else each
        for each in judgement.rulings["R1"]
    )
    return replace(judgement, rulings={"R1": judgement.rulings["R1"], "R2": relative})


def _mutation(outcome: str) -> dict[str, Any]:
    name = f"violation that ended as {outcome}"
    return {
        "name": name,
        "group": "egress",
        "rule": "T-EGRESS-TYPE",
        "found": [],
        "outcome": outcome,
        "told": "what happened",
    }


def _attack(unit: str, verdict: str) -> dict[str, Any]:
    most = 1.0 if unit == "auc" else 40.0
    return {
        "attack": "made up",
        "name": f"an attack with a rather long name that is {verdict}",
        "control": "T-LEAK-LABEL",
        "view": "aggregator",
        "protocol": "product" if verdict == "pass" else "textbook",
        "unit": unit,
        "value": 0.5 * most,
        "lower": 0.45 * most,
        "upper": 0.58 * most,
        "baseline": 0.5,
        "bound": 0.6 * most,
        "verdict": verdict,
        "n": 500,
        "seed": 1,
        "positive": {"value": 0.97 * most, "ok": True, "told": "succeeds"},
        "negative": {"value": 0.51 * most, "ok": verdict != "void", "told": "at chance"},
        "told": "told",
    }
