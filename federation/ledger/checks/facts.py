"""Are the facts that verdicts rest on those that the owner's grants and the list of members give?

Whoever makes a pack chooses the facts that its verdicts are decided on, and the words of each request. So
all of both is computed again here: what is granted to whom, for which purpose, where each role is, and by
which mechanism a border is crossed. Nothing goes to Cedar that was not parsed and compared before.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from functools import cached_property

from crypto.errors import Refusal
from federation.egress import NO_LINEAGE
from federation.governance.grant import Grant
from federation.governance.guard import policy
from federation.governance.guard.policy_versions import version_of
from federation.governance.terms import Form, Operation
from federation.ledger.checks.granted import granted_in, time_of
from federation.ledger.checks.statements import Context, LineageFacts, Verdict, stated
from federation.ledger.keeping import ground_digest
from federation.ledger.lines import Attempt, Frame
from federation.ledger.reading import Reading

#: Mechanisms are found when an attempt's guard is made: up to so long before its plan entry is written.
_GUARD_MADE_BEFORE = dt.timedelta(hours=1)
_ADVICE = "Ask whoever made the pack for it again; keep this file as it is."


def shipped_policy(reading: Reading) -> str:
    """The pack's policy text; `Refusal` unless Isthmus shipped it, by its digest, before it is parsed."""
    text = reading.pack.files.get("policy.cedar", b"")
    if version_of(text) is None:
        raise Refusal("the policy in the pack is none that Isthmus ever shipped", advice=_ADVICE)
    return text.decode("utf-8")


def committed_line(reading: Reading, attempt: Attempt) -> bytes | None:
    """The entities that the attempt's plan entry settled, of those in the pack."""
    text = reading.pack.files.get("policy.cedar", b"")
    lines = reading.pack.lines("entities.jsonl")
    wanted = None if attempt.plan is None else attempt.plan.fields["verdict"]
    return next((line for line in lines if ground_digest(text, line) == wanted), None)


class Facts:
    """What must hold of the facts of one attempt, from its plan entry, its grants and the members."""

    def __init__(self, reading: Reading, attempt: Attempt, line: bytes) -> None:
        self._reading = reading
        self._attempt = attempt
        self._me = reading.pack.party
        self._purpose = str(reading.plan.get("purpose"))
        self._grants: tuple[Grant, ...] = () if reading.is_aggregator else granted_in(reading, attempt)
        self._of_use: dict[str, str] = {}
        self._by_way: dict[tuple[str, str, str], set[str]] = {}
        self.stated = stated(line)

    def wrong(self) -> str:
        """Why the entities are not those of plan and grants; empty where they are."""
        said = self.stated
        if said.sender != self._me:
            return f"the facts are about {said.sender[:64]}, not about {self._me}"
        if set(said.party.purposes) != {self._purpose}:
            return "the facts have another purpose than plan and grants"
        for name, use in said.uses.items():
            if self._reading.is_aggregator and not set(use.forms) <= set(policy.AGGREGATOR_FORMS):
                return (
                    f"the facts let something of {name[:64]} leave the aggregator in a form that it has not"
                )
            if not {(each.to, each.operation) for each in use.granted} <= self._permitted(name, use):
                return f"the facts say of {name[:64]} that more was granted than the grants allow"
        return ""

    def unlike(self, frame: Frame, verdict: Verdict) -> str:
        """Why a message's verdict is not what this attempt decided of it; empty where it is."""
        request, context = verdict.request, verdict.request.context
        same = {
            "type": (context.type, frame.type),
            "recipient": (context.to, frame.to),
            "form": (context.form.value, frame.fields["form"]),
            "purpose": (context.purpose, frame.fields["purpose"]),
        }
        for what, (decided, logged) in same.items():
            if decided != logged:
                return f"names the verdict on another {what}"
        if verdict.entities != self.stated.digest:
            return "has a verdict on other facts than its attempt's plan entry settled"
        use = next((each for each in self.stated.uses if request.resource == _uid("Lineage", each)), None)
        who = (_uid("Party", self._me), _uid("Action", "send"))
        if use is None or (request.principal, request.action) != who:
            return "has the verdict on another sender or on fields of no use"
        if context.purpose != self._purpose:
            return "is for another purpose than the plan"
        return (
            self._unlike_places(context)
            or self._unlike_lineage(frame, use)
            or self._ungranted(frame, verdict, use)
        )

    def _permitted(self, name: str, use: LineageFacts) -> set[tuple[str, Operation]]:
        if self._reading.is_aggregator:
            others = set(self._reading.members) - {self._me}
            return {(to, operation) for to in others for operation in Operation}
        anything = name == policy.NOTHING or use.of_no_column
        return {
            (to, operation)
            for grant in self._grants
            for to in grant.to
            for operation in (Operation if anything else grant.operations)
        }

    def _unlike_places(self, context: Context) -> str:
        """Places are the members', recipients' the grants', and the mechanism is what these allow."""
        if self._reading.is_aggregator:
            said = (context.origin, context.destination, context.mechanism)
            return "" if said == ("", "", "") else "says where the aggregator is, which decides nothing"
        places = {grant.to[context.to].place for grant in self._grants if context.to in grant.to}
        if places != {context.destination}:
            return f"goes to another place than the grants have {context.to[:64]} in"
        seat = self._reading.members.get(self._me)
        if seat is None or context.origin != seat.place:
            return f"leaves from another place than {self._me}'s"
        if context.mechanism not in self._mechanisms(context):
            return "crosses a border by another mechanism than the grants have"
        return ""

    def _mechanisms(self, context: Context) -> set[str]:
        """By the day on which the guard was made."""
        way = context.to, context.origin, context.destination
        if way not in self._by_way and self._attempt.plan is not None:
            latest = time_of(self._attempt.plan)
            days = {latest.date(), (latest - _GUARD_MADE_BEFORE).date()}
            self._by_way[way] = {policy.mechanism_by(self._grants, *way, day) for day in days}
        return self._by_way.get(way, set())

    def _unlike_lineage(self, frame: Frame, use: str) -> str:
        """Each use has one lineage in an attempt; nothing has none, nor has what an aggregator sends."""
        lineage = frame.fields["lineage"]
        if self._reading.is_aggregator or use == policy.NOTHING:
            return "" if lineage == NO_LINEAGE.hex() else "names fields, and its verdict is on none"
        if self.stated.uses[use].of_no_column and self._goes_beyond(use):
            return "" if lineage in self._of_no_column else "names fields that the facts say nothing of"
        if lineage == NO_LINEAGE.hex() or self._of_use.setdefault(use, lineage) != lineage:
            return f"names other fields than those of {use[:64]} in this attempt"
        return ""

    def _goes_beyond(self, use: str) -> bool:
        """Whether more is said to be granted than the grants' own operations, as of no column."""
        named = {
            (to, operation) for grant in self._grants for to in grant.to for operation in grant.operations
        }
        return not {(each.to, each.operation) for each in self.stated.uses[use].granted} <= named

    @cached_property
    def _of_no_column(self) -> set[str]:
        manifest = "" if self._attempt.plan is None else str(self._attempt.plan.fields["manifest"])
        return {policy.lineage_digest(grant.dataset, manifest, []).hex() for grant in self._grants}

    def _ungranted(self, frame: Frame, verdict: Verdict, use: str) -> str:
        """A message names the grants that it left under, each to its recipient and for its operation."""
        context, names = verdict.request.context, list(frame.fields["grants"])
        if self._reading.is_aggregator:
            good = not names and context.form in policy.AGGREGATOR_FORMS
            return "" if good else "left the aggregator under a grant, or in a form that it has not"
        if not names and context.form is not Form.CONTROL:
            return "left under no grant"
        known = {grant.id: grant for grant in self._grants}
        if names != sorted(set(names)) or not set(names) <= set(known):
            return "left under a grant that its attempt did not stand on"
        anything = use == policy.NOTHING or frame.fields["lineage"] in self._of_no_column
        for grant in (known[name] for name in names):
            if context.to not in grant.to:
                return f"left under the grant {grant.id}, which is not to {context.to[:64]}"
            if not anything and context.operation not in grant.operations:
                return f"left for {context.operation.value} under the grant {grant.id}, which is not for it"
        return ""


def uncommitted(reading: Reading, lines: Sequence[bytes], attempts: Iterable[Attempt]) -> int | None:
    """The place of the first line of entities that no plan entry settled; None where each was."""
    text = reading.pack.files.get("policy.cedar", b"")
    told = {entry.fields["verdict"] for attempt in attempts for entry in attempt.of("plan")}
    return next((place for place, line in enumerate(lines) if ground_digest(text, line) not in told), None)


def _uid(kind: str, name: str) -> str:
    return f"{kind}::{json.dumps(name)}"
