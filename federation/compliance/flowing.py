"""Who sends what to whom in a plan: from the registry of messages, as each role may send them.

A message is of its sender's data, or, where the aggregator sends it, of everybody's whose messages went into
it. Which fields of others' had a part in a sum or a residual is not followed: that stands in the flow that it
came by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from federation.compliance.facts import Flow
from federation.governance.guard.forms import form_of
from federation.governance.guard.sizes import training_of, types_of
from federation.governance.manifest import Manifest
from federation.governance.needing import operations_of
from federation.governance.terms import Form
from federation.ids import AGGREGATOR, PartyId
from federation.message import REGISTRY, Message, Role
from federation.plan import Plan

#: Messages under the receiver's own key, and those of them in which the sender masked every slot: their
#: receiver opens nothing of anybody's.
ANSWERS = frozenset(
    {
        "apart/sums",
        "boosting/sums",
        "logistic/products",
        "logistic/residual",
        "reject/bands",
        "scorecard/cell-counts",
        "selection/products",
    }
)
MASKED = frozenset({"apart/sums", "logistic/products", "logistic/residual", "selection/products"})
#: Shares of scores that the receiver adds up with its own part: what is left is the others'.
ADDED_UP = frozenset({"logistic/scores", "scorecard/points"})
#: Messages that carry a public key: whoever sends one holds the key that opens what is answered. (A group's
#: key opens sums alone: masks hide every upload from whoever has it, `crypto.summation`.)
KEYS = frozenset(
    {
        "apart/outcomes",
        "boosting/key",
        "logistic/key",
        "reject/outcomes",
        "scorecard/outcomes",
        "selection/columns",
    }
)


def key_holders(plan: Plan) -> frozenset[PartyId]:
    """The label parties that have a key, and everybody who is answered under a key without a mask.

    A helper of a logistic fit is not among them: its key opens shares, each uniform alone.
    """
    roles = plan.roles()
    answered = {receiver for _, receiver, kind in _ways(plan) if kind.NAME in ANSWERS - MASKED}
    return frozenset(
        name
        for name, role in roles.items()
        if KEYS & _sent(plan, role) and (role is Role.LABEL or name in answered)
    )


def flows(plan: Plan, manifests: Mapping[PartyId, Manifest]) -> tuple[Flow, ...]:
    """Every way that something may go under the plan: one flow for each sender, receiver and whose data.

    What the receiver can open stands apart from what it cannot.
    """
    forms: dict[tuple[str, str, tuple[str, ...], bool], set[Form]] = {}
    for sender, receiver, kind in _ways(plan):
        of = whose(plan, sender, kind, manifests)
        form = form_of(plan, kind) if of else Form.CONTROL
        forms.setdefault((sender, receiver, of, opened(kind.NAME, form)), set()).add(form)
    return tuple(
        Flow(
            sender=sender,
            receiver=receiver,
            forms=tuple(form for form in Form if form in found),
            of=of,
            opened=readable,
        )
        for (sender, receiver, of, readable), found in sorted(forms.items(), key=lambda each: each[0])
    )


def opened(name: str, form: Form) -> bool:
    """Whether who is sent such a message can open it. What is for the aggregator is sealed or masked."""
    if name in (ANSWERS - MASKED) | ADDED_UP:
        return True
    if name == "sum/upload":
        return False
    return form in (Form.AGGREGATE, Form.PREDICATE, Form.DP_UPDATE)


def whose(
    plan: Plan, sender: PartyId, kind: type[Message], manifests: Mapping[PartyId, Manifest]
) -> tuple[str, ...]:
    """Whose data something of is in such a message: the sender's, if it has fields of such a use."""
    if not kind.OF:
        return ()
    senders = tuple(map(PartyId, plan.parties)) if sender == AGGREGATOR else (sender,)
    return tuple(
        sorted(
            name
            for name in senders
            if name not in manifests or any(facts.use in kind.OF for facts in manifests[name].fields.values())
        )
    )


def _ways(plan: Plan) -> Iterator[tuple[PartyId, PartyId, type[Message]]]:
    roles, consortia = plan.roles(), plan.consortia()
    asked = operations_of(plan, shares_points=True)
    for sender, role in roles.items():
        for name in sorted(_sent(plan, role)):
            kind = REGISTRY[name]
            if kind.OF and (kind.OPERATION or training_of(plan, kind)) not in asked:
                continue
            for receiver, other in roles.items():
                if sender == receiver or not any(
                    flow.sender.covers(role) and flow.to.covers(other) for flow in kind.FLOWS
                ):
                    continue
                apart = consortia.get(sender) != consortia.get(receiver)
                if not (apart and not kind.CROSSES and AGGREGATOR not in (sender, receiver)):
                    yield sender, receiver, kind


def _sent(plan: Plan, role: Role) -> frozenset[str]:
    return types_of(plan, role) & REGISTRY.keys()
