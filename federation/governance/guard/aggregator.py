"""What the aggregator's exit asks. It has no data, no manifest and no grants: little may leave it.

The same Cedar policy decides, on entities that say so: any lineage may leave as `control`, as an aggregate
(a total that it cannot open) or as a predicate (which of a party's own rows all have), to every seat of the
plan.
"""

from __future__ import annotations

import threading
from collections import Counter

from federation import files
from federation.egress import GREETING, NO_LINEAGE, Binding
from federation.governance.guard import contents, policy, sizes
from federation.governance.guard.party import UNDECIDED, Attempt, Evidence, refuse
from federation.governance.guard.verdict import Judge, Verdict
from federation.governance.terms import National, Operation, Personal
from federation.ids import AGGREGATOR, PartyId
from federation.message import NOTHING, REGISTRY, Carried, Message
from federation.messages import registered

FORMS = policy.AGGREGATOR_FORMS


class AggregatorPolicy:
    """The aggregator's policy for one attempt at a run; `federation.egress.Policy`."""

    def __init__(self, attempt: Attempt) -> None:
        registered()
        self._attempt = attempt
        types = sizes.types_of(attempt.plan, attempt.roles[AGGREGATOR])
        uses = {kind.OF for kind in REGISTRY.values() if kind.NAME in types} | {()}
        names = sorted({policy.lineage_name(use) for use in uses})
        self._entities = _entities(attempt, sorted(types), names)
        self._judge = Judge(policy.TEXT, self._entities)
        self._measures = sizes.Measures(attempt.plan, 0)
        self._lock = threading.Lock()
        self._verdicts: dict[object, Verdict] = {}
        self._counts: Counter[tuple[str, PartyId]] = Counter()
        self._number = 0

    def permit(self, to: PartyId, message: Message, encoded: bytes) -> Binding:
        """The binding of `message`; see `federation.egress.Policy`."""
        with self._lock:
            expected = contents.expected(message, {*self._attempt.roles}, self._attempt.run)
            fine = self._fits(message.NAME, to, len(encoded)), expected, contents.canonical(message)
            return self._bind(to, message.NAME, message.carried(), fine)

    def greet(self, to: PartyId, greeting: bytes) -> Binding:
        """The binding of the greeting to `to`."""
        with self._lock:
            fine = self._fits(GREETING, to, len(greeting)), True, True
            return self._bind(to, GREETING, NOTHING, fine)

    def heard(self, sender: PartyId, message: Message) -> None:
        """Note what the parties announce: it bounds what they are answered."""
        with self._lock:
            self._measures.told(sender, message)

    def holds(self, rows: int) -> None:
        """It has no rows."""

    def evidence(self) -> Evidence:
        """Policy, entities and the distinct verdicts so far."""
        with self._lock:
            return Evidence(policy.TEXT, self._entities, tuple(v.line for v in self._verdicts.values()))

    def _fits(self, kind: str, to: PartyId, size: int) -> bool:
        most, count = sizes.bound(self._measures, kind)
        return size <= most and self._counts[kind, to] < count

    def _bind(self, to: PartyId, kind: str, carried: Carried, fine: tuple[bool, bool, bool]) -> Binding:
        verdict = self._decide(to, kind, carried, fine)
        if not verdict.allowed:
            rule = verdict.rules[0] if verdict.rules else UNDECIDED
            refuse(rule, f"{kind} may not leave the aggregator for {to} like this", AGGREGATOR)
        self._number += 1
        self._counts[kind, to] += 1
        return Binding(
            (), self._attempt.plan.purpose, self._number - 1, NO_LINEAGE, carried.form, verdict.digest
        )

    def _decide(self, to: PartyId, kind: str, carried: Carried, fine: tuple[bool, bool, bool]) -> Verdict:
        key = (to, kind, carried, fine)
        if key not in self._verdicts:
            within_size, expected, canonical = fine
            self._verdicts[key] = self._judge.decide(
                AGGREGATOR,
                policy.lineage_name(carried.of),
                {
                    "type": kind,
                    "form": carried.form.value,
                    "operation": (carried.operation or Operation.AUDIT).value,
                    "purpose": self._attempt.plan.purpose,
                    "to": to,
                    "origin": "",
                    "destination": "",
                    "mechanism": "",
                    "within_size": within_size,
                    "expected": expected,
                    "canonical": canonical,
                    "no_canary": True,
                    "within_bytes": True,
                    "in_force": True,
                },
            )
        return self._verdicts[key]


def _entities(attempt: Attempt, types: list[str], lineages: list[str]) -> bytes:
    seats = sorted(seat for seat in attempt.roles if seat != AGGREGATOR)
    granted = [{"to": to, "operation": operation.value} for to in seats for operation in Operation]
    found = [policy.entity("Party", AGGREGATOR, types=types, purposes=[attempt.plan.purpose])]
    found += [
        policy.entity(
            "Lineage",
            name,
            forms=[form.value for form in FORMS],
            grade=National.GENERAL.value,
            personal=Personal.NONE.value,
            granted=granted,
        )
        for name in lineages
    ]
    return files.canonical_json(found)
