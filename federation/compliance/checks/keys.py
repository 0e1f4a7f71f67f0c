"""Who can open what: where keys are, and whether a party abroad could open one party's update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from federation.compliance.checks import check
from federation.compliance.checks.evidence import of_evidence
from federation.compliance.checks.saying import fails, no_question, passes
from federation.compliance.facts import Case
from federation.compliance.verdicts import Answer
from federation.governance.terms import Form

#: Forms in which one party's own update travels; what is opened of them is of that party alone.
_UPDATES = (Form.ENCRYPTED_UPDATE, Form.MASKED_UPDATE)


@check("keys-at-home", reads=())
def keys_at_home(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Whoever holds a key that opens something is where the manifests say that keys are; then the evidence.

    A party with data is held to its own manifest, one without (an aggregator) to those of the label parties,
    or of all who bring data where nobody holds labels alone.
    """
    labels = [name for name in case.of_seat("label") if name in case.data] or sorted(case.data)
    apart = []
    for name, party in sorted(case.parties.items()):
        held_to = [name] if name in case.data else labels
        if party.opens and any(party.jurisdiction not in case.data[each].keys for each in held_to):
            apart.append(
                fails(
                    f"{name} holds a key in {party.jurisdiction}, where no manifest allows keys.",
                    f"{name} 在 {party.jurisdiction} 持有密钥，清单不允许密钥存放于此。",
                    party=name,
                )
            )
    return apart or [of_evidence(case, parameters["control"])]


@check("keys-of-label-holder", reads=())
def keys_of_label_holder(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Nobody outside the label holders' borders can open one party's update alone.

    Who brings no data (an aggregator, a witness) has no key of its own there, and is sent no update that it
    can open. Whether a data party could open another's alone depends on the masks in what it was sent, which
    facts do not tell: the evidence shows that. Where no party has the seat of the label holder every member
    holds labels of its own.
    """
    holders = case.of_seat("label") or case.of_seat("member")
    home = {party.jurisdiction for party in holders.values()}
    opening = {name for name, party in case.parties.items() if party.opens}
    opening |= {flow.receiver for flow in case.flows if flow.opened and {*flow.forms} & {*_UPDATES}}
    apart = [
        fails(
            f"{name} in {case.parties[name].jurisdiction} could open one party's update by itself.",
            f"位于 {case.parties[name].jurisdiction} 的 {name} 能够单独打开某一方的更新。",
            party=name,
        )
        for name in sorted(opening - {*case.data})
        if case.parties[name].jurisdiction not in home
    ]
    return apart or [of_evidence(case, parameters["control"])]


@check("national-algorithms", reads=())
def national_algorithms(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Between two parties in one of `places` the channel uses that place's national algorithms."""
    inside = {
        name: party for name, party in case.parties.items() if party.jurisdiction in parameters["places"]
    }
    talking = sorted(
        {
            name
            for flow in case.flows
            for name in (flow.sender, flow.receiver)
            if {flow.sender, flow.receiver} <= {*inside} and flow.sender != flow.receiver
        }
    )
    if not talking:
        return [no_question("No two parties in China talk to each other.", "没有两个境内参与方相互通信。")]
    without = [name for name in talking if not inside[name].national_algorithms]
    return [
        fails(
            f"The channel of {name} does not use SM2, SM3 and SM4.",
            f"{name} 的通道未使用 SM2、SM3、SM4。",
            party=name,
        )
        for name in without
    ] or [passes("Channels inside China use SM2, SM3 and SM4.", "境内通道使用 SM2、SM3、SM4。")]
