"""In what form something of a sender's data travels under one plan, where the type alone does not say it.

With noise on ([privacy] in the plan) every protected sum is over vectors that their senders have noised
(`federation.secure_sum.draws`, `parties.horizontal.noise`), and what later goes from member to member is
made of such sums alone: all of it is a `dp-update`. Without noise an upload under protection "mask" is a
masked update.
"""

from __future__ import annotations

from dataclasses import replace

from federation.governance.terms import Form
from federation.message import Carried, Message
from federation.messages.horizontal import CatchUp, GroupMean
from federation.messages.sum import Upload
from federation.plan import Plan

#: What is made of protected sums, by parties.
_SUMMED: tuple[type[Message], ...] = (Upload, CatchUp, GroupMean)


def form_of(plan: Plan, kind: type[Message]) -> Form:
    """The form of a message type under this plan, where such a message carries anything."""
    if kind.FORM is Form.CONTROL:
        return kind.FORM
    if noised(plan, kind):
        return Form.DP_UPDATE
    return Form.MASKED_UPDATE if kind is Upload and plan.sum.protection == "mask" else kind.FORM


def carried_in(plan: Plan, message: Message) -> Carried:
    """What this very message carries."""
    carried = message.carried()
    if carried.form is not Form.CONTROL and noised(plan, type(message)):
        return replace(carried, form=Form.DP_UPDATE)
    return carried


def noised(plan: Plan, kind: type[Message]) -> bool:
    """Whether what such a message carries has its sender's noise, or is made of sums that had."""
    return plan.privacy.unit != "none" and issubclass(kind, _SUMMED)
