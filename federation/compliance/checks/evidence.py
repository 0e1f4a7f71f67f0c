"""Controls that the evidence of a run decides: what guard, ledger and capture show of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from federation.compliance.checks import check
from federation.compliance.checks.saying import answer, unknown
from federation.compliance.facts import Case
from federation.compliance.verdicts import Answer, Verdict

_SHOWN: Mapping[str, tuple[Verdict, str, str]] = {
    "pass": (Verdict.PASS, "The evidence shows it.", "证据表明符合。"),
    "fail": (Verdict.FAIL, "The evidence shows that it does not hold.", "证据表明不符合。"),
    "unknown": (Verdict.UNKNOWN, "The evidence does not decide it.", "证据不足以判定。"),
    "not-applicable": (Verdict.NOT_APPLICABLE, "Nothing of this kind is in the run.", "本次运行不涉及此项。"),
}


@check("shown", reads=())
def shown(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """As `case.checks` has it for this control. What nobody looked at is unknown, never passed."""
    return [of_evidence(case, parameters["control"])]


def of_evidence(case: Case, control: str) -> Answer:
    """How the evidence stands to a control."""
    state = case.checks.get(control, "missing")
    if state != "missing":
        return answer(*_SHOWN[state])
    if case.stage == "plan":
        return unknown(
            "The run itself decides it; before the run there is no evidence yet.",
            "须由运行本身判定；运行之前尚无证据。",
        )
    return unknown("Nobody looked: the evidence of the run is missing.", "未作检查：缺少本次运行的证据。")
