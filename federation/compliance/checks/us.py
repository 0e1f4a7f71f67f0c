"""Bulk data on persons of the United States: the stop that no encryption lifts (28 CFR part 202)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from federation.compliance.checks import check
from federation.compliance.checks.attested import stated
from federation.compliance.checks.saying import fails, listed, no_question, passes, unknown
from federation.compliance.checks.scope import about_persons
from federation.compliance.facts import Case
from federation.compliance.verdicts import Answer
from federation.governance.terms import Form


@check("bulk-stop", reads=("countries", "most"))
def bulk_stop(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Nobody of concern gets anything of a run with bulk data on persons of `places`, in whatever form.

    countries: of concern. most: persons by sort ("financial", "identifiers") up to which data is not bulk
    (28 CFR 202.205). Unknown where nobody counted the persons, where only the sum of two owners, whose
    persons may be the same, is above a threshold, and where it is not said who is a covered person.
    """
    held = _held(case, parameters["places"])
    if not held:
        return [no_question("No persons of the United States are in the data.", "数据不涉及美国人士。")]
    return [_toward(case, parameters, held, receiver) for receiver in _receiving(case)] or [
        passes("Nothing is sent to anybody.", "没有向任何一方发送数据。")
    ]


@check("covered-status", reads=("offices", "max_age_days"))
def covered_status(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Each party that gets something of a run with persons of `places` says whether it is a covered person.

    A manifest that leaves it open is unknown; one that answers needs a statement of one of `offices`.
    """
    if not _held(case, parameters["places"]):
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


def _held(case: Case, places: Sequence[str]) -> dict[str, int | None]:
    """Whose data has how many persons of the places: those with sensitive data, and all others.

    None where data about persons was collected there and nobody counted them; an owner without any is left
    out.
    """
    found: dict[str, int | None] = {}
    for name, data in sorted(case.data.items()):
        counted = [data.persons[place] for place in places if place in data.persons]
        if sum(each.personal + each.sensitive for each in counted):
            found[name] = sum(each.personal + each.sensitive for each in counted)
        elif not counted and about_persons(data) and set(data.collected_in) & set(places):
            found[name] = None
    return found


def _receiving(case: Case) -> list[str]:
    """Who is sent anything but control messages, who holds a key, and who sees the evidence."""
    sent = {flow.receiver for flow in case.flows if flow.of or set(flow.forms) - {Form.CONTROL}}
    holding = {name for name, party in case.parties.items() if party.opens or party.seat == "witness"}
    return sorted(sent | holding)


def _toward(
    case: Case, parameters: Mapping[str, Any], held: Mapping[str, int | None], receiver: str
) -> Answer:
    """What it means that one party gets something of the others' data."""
    party, most = case.parties[receiver], parameters["most"]
    others = {name: count for name, count in held.items() if name != receiver}
    counted = {name: count for name, count in others.items() if count is not None}
    financial = {name: count for name, count in counted.items() if case.data[name].financial}
    limits = [(financial, int(most["financial"])), (counted, int(most["identifiers"]))]
    bulk = dict.fromkeys(
        owner for counts, limit in limits for owner, count in counts.items() if count > limit
    )
    open_ended = [name for name in others if name not in counted]
    together = any(sum(counts.values()) > limit for counts, limit in limits)
    if not bulk and not together and not open_ended:
        return passes(
            f"What {receiver} could get is not bulk data.",
            f"{receiver} 可能获得的数据未达到批量标准。",
            party=receiver,
        )
    of_concern, status = party.jurisdiction in parameters["countries"], party.us_covered_person
    at_home = party.jurisdiction in parameters["places"]
    if not of_concern and (status == "no" or (status == "unknown" and at_home)):
        return passes(
            f"{receiver} is neither in a country of concern nor a covered person.",
            f"{receiver} 不在受关注国家，也不是“受涵盖人士”。",
            party=receiver,
        )
    if not of_concern and status == "unknown":
        return unknown(
            f"It is not said whether {receiver} is a covered person, who may get no bulk data on US persons.",
            f"未说明 {receiver} 是否为“受涵盖人士”；此类人士不得获得美国人士的批量数据。",
            party=receiver,
        )
    where = f"in {party.jurisdiction}" if of_concern else "as a covered person"
    where_zh = f"位于 {party.jurisdiction}" if of_concern else "属“受涵盖人士”"
    if bulk:
        return fails(
            f"Stop: {listed(bulk)} has bulk data on US persons, and {receiver} {where} takes part. "
            "Encryption does not lift this.",
            f"禁止：{listed(bulk, 'zh')} 含美国人士的批量数据，而 {receiver} {where_zh}并参与。"
            "加密不能解除该禁止。",
            party=receiver,
        )
    if open_ended:
        return unknown(
            f"{receiver} {where} takes part, and how many US persons are in the data of "
            f"{listed(open_ended)} is not said.",
            f"{receiver} {where_zh}并参与，而 {listed(open_ended, 'zh')} 的数据含多少美国人士未作说明。",
            party=receiver,
        )
    return unknown(
        f"Together the owners' data on US persons is above the threshold for {receiver} {where}; whether "
        "they are the same persons is not known.",
        f"各方的美国人士合计超过门槛，而 {receiver} {where_zh}；是否为同一批人不得而知。",
        party=receiver,
    )
