"""A decision with its reasons, in one form of bytes: whoever has policy and entities can decide it again.

A verdict's line is the canonical JSON of

    {"policy": SHA-256 of the text, "entities": SHA-256, "request": {…}, "decision": "allow", "rules": […]}

and its SHA-256 is what a message is bound to. `rules` are those that forbid. A request that cannot be decided
has the decision "unknown", and is no leave to send.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import cedarpy

from federation import files
from federation.errors import UsageError
from federation.governance.guard.policy import RULES, sha256

#: What a request may say of a message: words of closed lists, names of seats and types, yes and no.
Context: TypeAlias = Mapping[str, str | bool]

ALLOW, DENY, UNKNOWN = "allow", "deny", "unknown"
#: The longest line that is read back.
_LONGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Verdict:
    """One decision. `line` is its canonical form."""

    decision: str
    rules: tuple[str, ...]
    line: bytes

    @property
    def allowed(self) -> bool:
        return self.decision == ALLOW

    @property
    def digest(self) -> bytes:
        """SHA-256 of the line."""
        return hashlib.sha256(self.line).digest()


class Judge:
    """A policy and its entities, parsed once. `UsageError` when they are no Cedar."""

    def __init__(self, policy: str, entities: bytes) -> None:
        try:
            self._policy = cedarpy.PolicySet.from_str(policy)
            self._entities = cedarpy.Entities.from_json_str(entities.decode("utf-8"))
        except (ValueError, TypeError, RecursionError):
            raise UsageError(
                "the policy or its entities cannot be read", advice="Compare the files with a backup."
            ) from None
        self._hashes = {"policy": sha256(policy.encode()), "entities": sha256(entities)}

    def decide(self, sender: str, lineage: str, context: Context) -> Verdict:
        """Whether `sender` may send something of `lineage`, in this context."""
        return self.decide_request(
            {
                "principal": _uid("Party", sender),
                "action": _uid("Action", "send"),
                "resource": _uid("Lineage", lineage),
                "context": dict(context),
            }
        )

    def decide_request(self, request: Mapping[str, Any]) -> Verdict:
        """As `decide`, of a request in Cedar's form."""
        decision, rules = self._ask(request)
        line = files.canonical_json(
            {**self._hashes, "request": dict(request), "decision": decision, "rules": list(rules)}
        )
        return Verdict(decision, rules, line)

    def _ask(self, request: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
        try:
            answer = cedarpy.is_authorized(dict(request), self._policy, self._entities)
        except (ValueError, TypeError, KeyError, RecursionError):
            return UNKNOWN, ()
        # A rule whose condition cannot be evaluated is skipped by Cedar: a `forbid` would not forbid.
        if answer.diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
            return UNKNOWN, ()
        if answer.allowed:
            return ALLOW, ()
        named = set(answer.diagnostics.id_annotations_by_reason.values())
        return DENY, tuple(rule for rule in RULES if rule in named)


def rederive(policy: str, entities: bytes, lines: Iterable[bytes]) -> int | None:
    """The place of the first line that is not, byte for byte, what policy and entities decide; None: all are.

    Needs neither keys nor data. `UsageError` when policy or entities are no Cedar.
    """
    judge = Judge(policy, entities)
    return next((place for place, line in enumerate(lines) if not _is_decided_so(judge, line)), None)


def _is_decided_so(judge: Judge, line: bytes) -> bool:
    if len(line) > _LONGEST:
        return False
    try:
        request = json.loads(line)["request"]
        return isinstance(request, dict) and judge.decide_request(request).line == line
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _uid(kind: str, name: str) -> str:
    return f"{kind}::{json.dumps(name)}"
