"""What attacks on the run's own transcripts achieved, held against bounds. No law gives these numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from federation.compliance.checks import check
from federation.compliance.checks.evidence import of_evidence
from federation.compliance.checks.saying import fails, listed, passes, unknown
from federation.compliance.facts import Attack, Case
from federation.compliance.verdicts import Answer

#: Figures are held to this: an attack at its bound to the last digit is within it.
_ROUNDING = 1e-9


@check("leakage", reads=("bounds", "needed", "views"))
def leakage(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Every attack of this control stayed within its unit's bound, the upper end of its interval too.

    A value within its bound whose interval reaches beyond it is unknown: so few rows show nothing.

    bounds: unit -> { at_most = a figure, or over_baseline = so much above what the attacker has anyway, or
        below_baseline = true }
    needed: units without which nothing is shown. views: the seats whose parties must each have been tried, as
    far as they are in the case.

    An attack whose positive or negative control did not hold says nothing, however low its figure is.
    """
    attacks = case.attacks.get(parameters["control"], {})
    if not attacks:
        return [_without(case, parameters["control"])]
    bounds: Mapping[str, Mapping[str, Any]] = parameters["bounds"]
    found = [_weighed(name, attack, bounds.get(attack.unit)) for name, attack in sorted(attacks.items())]
    gaps = [
        *_units(attacks, parameters.get("needed", ())),
        *_views(case, attacks, parameters.get("views", ())),
    ]
    return [*found, *gaps]


def _without(case: Case, control: str) -> Answer:
    """Without an attack only "nothing of this kind is in the run" can be shown."""
    state = case.checks.get(control)
    if case.stage == "plan" or state == "not-applicable":
        return of_evidence(case, control)
    return unknown("No attack was tried: nothing is known.", "未进行攻击测试：情况未知。")


def _weighed(name: str, attack: Attack, bound: Mapping[str, Any] | None) -> Answer:
    if bound is None:
        return unknown(
            f"{name}: there is no bound for a figure in {attack.unit}.",
            f"{name}：没有针对 {attack.unit} 的界限。",
        )
    if not (attack.positive and attack.negative):
        which = "positive" if not attack.positive else "negative"
        zh = "阳性" if not attack.positive else "阴性"
        return unknown(
            f"{name}, from the view of {attack.view}: its {which} control did not hold, so its figure says "
            "nothing.",
            f"{name}（{attack.view} 视角）：{zh}对照不成立，其数值没有意义。",
        )
    if not attack.n:
        return unknown(
            f"{name}, from the view of {attack.view}: it was tried on nothing (n=0).",
            f"{name}（{attack.view} 视角）：未在任何样本上测试（n=0）。",
        )
    limit = float(bound["at_most"]) if "at_most" in bound else attack.baseline + bound.get("over_baseline", 0)
    strictly = bool(bound.get("below_baseline"))

    def within(value: float) -> bool:
        return value < attack.baseline if strictly else value <= limit + _ROUNDING

    figures = f"{attack.unit} {attack.value:.4f} (95 %: {attack.upper:.4f})"
    en = f"{name}, from the view of {attack.view}: {figures} where {limit:.4f} is the bound, n={attack.n}"
    zh = f"{name}（{attack.view} 视角）：{figures}，界限 {limit:.4f}，n={attack.n}"
    if not within(attack.value):
        return fails(f"{en}.", f"{zh}。")
    if not within(attack.upper):
        rows = _rows(attack, limit)
        return unknown(
            f"{en}: too few rows to tell" + ("." if rows is None else f"; about {rows} would."),
            f"{zh}：行数太少，无法判定" + ("。" if rows is None else f"；约需 {rows} 行。"),
        )
    return passes(f"{en}.", f"{zh}。")


def _rows(attack: Attack, limit: float) -> int | None:
    """With how many rows the interval would end at the limit, were the value the same; None: with none.

    An interval about a value narrows with the root of the rows, that of no hit at all with the rows.
    """
    if attack.unit == "count" or limit <= attack.value:
        return None
    wider = (attack.upper - attack.value) / (limit - attack.value)
    return math.ceil(attack.n * (wider if attack.value == 0 else wider**2))


def _units(attacks: Mapping[str, Attack], needed: Sequence[str]) -> Sequence[Answer]:
    missing = [unit for unit in needed if unit not in {attack.unit for attack in attacks.values()}]
    return [
        unknown(
            f"No attack gave a figure in {listed(missing)}.", f"没有以 {listed(missing, 'zh')} 计的攻击结果。"
        )
    ] * bool(missing)


def _viewers(view: str) -> set[str]:
    """Whose view it is: the words before a colon, as in "platform: its gradients"."""
    return {*re.findall(r"[a-z0-9-]+", view.partition(":")[0].lower())}


def _views(case: Case, attacks: Mapping[str, Attack], seats: Sequence[str]) -> Sequence[Answer]:
    tried = {word for attack in attacks.values() for word in _viewers(attack.view)}
    missing = [
        name
        for name, party in sorted(case.parties.items())
        if party.seat in seats and not {name, party.seat} & tried
    ]
    return [
        unknown(
            f"Nobody tried what {listed(missing)} could learn.",
            f"未测试 {listed(missing, 'zh')} 能够获知的内容。",
        )
    ] * bool(missing)
