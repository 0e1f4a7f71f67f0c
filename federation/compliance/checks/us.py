"""Bulk data on persons of the United States: the stop that no encryption lifts (28 CFR part 202)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from federation.compliance.checks import check
from federation.compliance.checks.attested import stated
from federation.compliance.checks.saying import fails, listed, no_question, passes, unknown
from federation.compliance.facts import Case
from federation.compliance.verdicts import Answer
from federation.governance.terms import Form


@check("bulk-stop")
def bulk_stop(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Nobody of concern gets anything of a run with bulk data on persons of `places`, in whatever form.

    countries: of concern. most: persons by sort ("financial", "identifiers") up to which data is not bulk
    (28 CFR 202.205). Persons of two owners may be the same ones: where only their sum is above a threshold,
    or where it is not known whether a recipient is a covered person, the answer is unknown.
    """
    held = {name: _persons(case, name, parameters["places"]) for name in sorted(case.data)}
    if not any(held.values()):
        return [no_question("No persons of the United States are in the data.", "数据不涉及美国人士。")]
    return [_toward(case, parameters, held, receiver) for receiver in _receiving(case)] or [
        passes("Nothing is sent to anybody.", "没有向任何一方发送数据。")
    ]


@check("covered-status")
def covered_status(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Each party that gets something of a run with persons of `places` says whether it is a covered person.

    A manifest that leaves it open is unknown; one that answers needs a statement of one of `offices`.
    """
    if not any(_persons(case, name, parameters["places"]) for name in case.data):
        return [no_question("No persons of the United States are in the data.", "数据不涉及美国人士。")]
    found = []
    for name in _receiving(case):
        if case.parties[name].us_covered_person == "unknown":
            found.append(
                unknown(
                    f"It is not said whether {name} is a covered person.",
                    f"未说明 {name} 是否为“受涵盖人士”。",
                    party=name,
                )
            )
        else:
            found.append(stated(case, parameters, (name,), None))
    return found or [no_question("Nothing is sent to anybody.", "没有向任何一方发送数据。")]


def _persons(case: Case, owner: str, places: Sequence[str]) -> int:
    """How many persons of the places are in an owner's data: those with sensitive data, and all others."""
    counted = (case.data[owner].persons.get(place) for place in places)
    return sum(each.personal + each.sensitive for each in counted if each is not None)


def _receiving(case: Case) -> list[str]:
    """Who is sent anything but control messages, who holds a key, and who sees the evidence."""
    sent = {flow.receiver for flow in case.flows if flow.of or set(flow.forms) - {Form.CONTROL}}
    holding = {name for name, party in case.parties.items() if party.opens or party.seat == "witness"}
    return sorted(sent | holding)


def _toward(case: Case, parameters: Mapping[str, Any], held: Mapping[str, int], receiver: str) -> Answer:
    party, most = case.parties[receiver], parameters["most"]
    others = {name: count for name, count in held.items() if name != receiver and count}
    financial = {name: count for name, count in others.items() if case.data[name].financial}
    limits = [(financial, int(most["financial"])), (others, int(most["identifiers"]))]
    alone = [owner for counts, limit in limits for owner, count in counts.items() if count > limit]
    together = any(sum(counts.values()) > limit for counts, limit in limits)
    if not alone and not together:
        return passes(
            f"What {receiver} could get is not bulk data.",
            f"{receiver} 可能获得的数据未达到批量标准。",
            party=receiver,
        )
    of_concern = party.jurisdiction in parameters["countries"]
    status = party.us_covered_person
    if not of_concern and (
        status == "no" or (status == "unknown" and party.jurisdiction in parameters["places"])
    ):
        return passes(
            f"{receiver} is neither in a country of concern nor a covered person.",
            f"{receiver} 不在受关注国家，也不是“受涵盖人士”。",
            party=receiver,
        )
    if not of_concern and status == "unknown":
        return unknown(
            f"There is bulk data on US persons, and it is not said whether {receiver} is a covered person.",
            f"本次运行含美国人士的批量数据，而未说明 {receiver} 是否为“受涵盖人士”。",
            party=receiver,
        )
    where = f"in {party.jurisdiction}" if of_concern else "as a covered person"
    where_zh = f"位于 {party.jurisdiction}" if of_concern else "属“受涵盖人士”"
    if alone:
        owners = list(dict.fromkeys(alone))
        return fails(
            f"Stop: {listed(owners)} has bulk data on US persons, and {receiver} {where} takes part. "
            "Encryption does not lift this.",
            f"禁止：{listed(owners, 'zh')} 含美国人士的批量数据，而 {receiver} {where_zh}并参与。"
            "加密不能解除该禁止。",
            party=receiver,
        )
    return unknown(
        f"Together the owners' data on US persons is above the threshold for {receiver} {where}; whether "
        "they are the same persons is not known.",
        f"各方的美国人士合计超过门槛，而 {receiver} {where_zh}；是否为同一批人不得而知。",
        party=receiver,
    )
