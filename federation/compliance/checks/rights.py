"""Grades, the three rights to data, and how long what is kept is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from federation.compliance.checks import check
from federation.compliance.checks.attested import STATED, attested, stated
from federation.compliance.checks.evidence import of_evidence
from federation.compliance.checks.saying import answer, fails, listed, passes
from federation.compliance.checks.scope import shared
from federation.compliance.facts import Case, Data
from federation.compliance.verdicts import Answer, Verdict
from federation.governance.terms import National, RightBasis

#: The three rights of the Twenty Data Measures (2022).
_RIGHTS: Mapping[str, str] = {
    "holding": "数据资源持有权",
    "processing": "数据加工使用权",
    "operating": "数据产品经营权",
}


@check("graded", reads=())
def graded(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Every column has its grades, and nothing of core data goes anywhere; the guard shows the rest."""
    found = [each for name, data in sorted(case.data.items()) for each in _graded(case, name, data)]
    return found or [of_evidence(case, parameters["control"])]


def _graded(case: Case, name: str, data: Data) -> Iterator[Answer]:
    if data.ungraded:
        yield fails(
            f"{name} has columns without a grade: {listed(data.ungraded)}.",
            f"{name} 有未定级的字段：{listed(data.ungraded, 'zh')}。",
            party=name,
        )
    if data.strictest is National.CORE and shared(case, name):
        yield fails(
            f"Something of core data of {name} goes to others; it may leave in no form.",
            f"{name} 的核心数据有内容发给他方；核心数据不得以任何形式发出。",
            party=name,
        )


@check("rights", reads=("documents", "offices"))
def rights(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Each of the three rights has a ground and has not run out; some grounds need a paper.

    documents: those grounds. Without the certificate's hash in the manifest a person states it (`offices`).
    """
    found = [
        each for name, data in sorted(case.data.items()) for each in _rights(case, name, data, parameters)
    ]
    return found or [passes("The three rights are there and in force.", "三项权利齐备且有效。")]


def _rights(case: Case, name: str, data: Data, parameters: Mapping[str, Any]) -> Iterator[Answer]:
    needing = {RightBasis(basis) for basis in parameters["documents"]}
    held = {str(right): facts for right, facts in data.rights.items()}
    for right, right_zh in _RIGHTS.items():
        facts = held.get(right)
        if facts is None:
            yield fails(
                f"The manifest of {name} does not say who has the {right} right.",
                f"{name} 的清单未说明 {right_zh} 归谁。",
                party=name,
            )
        elif facts.until is not None and facts.until < case.date:
            yield fails(
                f"The {right} right of {name} ended on {facts.until}.",
                f"{name} 的{right_zh}已于 {facts.until} 到期。",
                party=name,
            )
        elif facts.basis in needing and facts.certificate is None:
            said = stated(case, parameters, (name,), None)
            if said.verdict is not Verdict.PASS:
                yield answer(
                    said.verdict,
                    f"The {right} right rests on {facts.basis.value} without a certificate. {said.told.en}",
                    f"{right_zh}依据 {facts.basis.value}，但没有证书。{said.told.zh}",
                    party=name,
                )


@check("retention", reads=("evidence_days", "registered_days", *STATED))
def retention(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """An end for the data, evidence for long enough, and a statement that what is due was deleted.

    evidence_days: how long evidence is kept at least; registered_days: where a right rests on registration.
    """
    found = [
        each for name, data in sorted(case.data.items()) for each in _retained(case, name, data, parameters)
    ]
    return found or attested(case, parameters)


def _retained(case: Case, name: str, data: Data, parameters: Mapping[str, Any]) -> Iterator[Answer]:
    registered = any(facts.basis is RightBasis.REGISTRATION for facts in data.rights.values())
    least = parameters["registered_days"] if registered else parameters["evidence_days"]
    if data.evidence_days < least:
        yield fails(
            f"{name} keeps evidence for {data.evidence_days} days; it takes {least}.",
            f"{name} 的证据保存 {data.evidence_days} 天，应至少保存 {least} 天。",
            party=name,
        )
    if data.data_until is None:
        yield fails(
            f"The manifest of {name} sets no end for its data.",
            f"{name} 的清单未规定数据保存期限。",
            party=name,
        )
    elif data.data_until < case.date:
        yield fails(
            f"The data of {name} was to be deleted by {data.data_until}.",
            f"{name} 的数据应于 {data.data_until} 前删除。",
            party=name,
        )
