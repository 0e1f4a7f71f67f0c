"""Who sent what to whom, and over which border, as the guard logs of the packs say."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cli.supervisor.facts import Crossing, Flow, Granted, Ground, RuleCount, Verdicts
from federation.governance.guard.policy import RULES
from federation.governance.terms import Form
from federation.ledger.reading import Reading

#: What says most about data goes first.
_ORDER = [form.value for form in Form if form is not Form.CONTROL] + [Form.CONTROL.value]


@dataclass(slots=True)
class _Sum:
    kinds: Counter[str] = field(default_factory=Counter)
    size: int = 0


def flows(reading: Reading, places: Mapping[str, str]) -> list[Flow]:
    """What the role of this pack sent, one `Flow` for each recipient, form and mechanism."""
    decided = _decided(reading)
    sums: dict[tuple[str, str, str], _Sum] = {}
    for frame in reading.frames:
        context = _context(decided.get(str(frame.fields.get("verdict"))))
        key = (frame.to, str(frame.fields.get("form", "")), str(context.get("mechanism", "")))
        found = sums.setdefault(key, _Sum())
        found.kinds[frame.type] += 1
        found.size += max(frame.size, 0)
    me = reading.pack.party
    return [
        Flow(me, to, form, places.get(me, ""), places.get(to, ""), mechanism, dict(found.kinds), found.size)
        for (to, form, mechanism), found in sums.items()
    ]


def in_order(found: Iterable[Flow]) -> tuple[Flow, ...]:
    """By form, those that say something of data first; then by who sends to whom."""

    def place(flow: Flow) -> tuple[int, str, str, str]:
        form = _ORDER.index(flow.form) if flow.form in _ORDER else len(_ORDER)
        return form, flow.sender, flow.to, flow.mechanism

    return tuple(sorted(found, key=place))


def crossings(found: Iterable[Flow], granted: Mapping[str, tuple[Granted, ...]]) -> tuple[Crossing, ...]:
    """The flows over a border, each with what the sender's grants name for this way and mechanism."""
    return tuple(
        Crossing(flow, _grounds(flow, granted.get(flow.sender, ()))) for flow in found if flow.crosses
    )


def verdicts(reading: Reading) -> Verdicts:
    """How often the guard allowed and refused, and by which rules."""
    decisions = [each for each in _decided(reading).values() if each]
    refused = [each for each in decisions if each.get("decision") != "allow"]
    against: Counter[str] = Counter(rule for each in refused for rule in _names(each.get("rules")))
    rules = tuple(RuleCount(rule, against.get(rule, 0)) for rule in RULES)
    allowed = len(decisions) - len(refused)
    return Verdicts(len(reading.frames), allowed, len(refused), rules)


def _grounds(flow: Flow, granted: Iterable[Granted]) -> tuple[Ground, ...]:
    return tuple(
        Ground(each.grant.id, transfer.valid_until, transfer.evidence.title, transfer.evidence.sha256)
        for each in granted
        for transfer in each.grant.transfers
        if flow.to in each.grant.to
        and (transfer.origin, transfer.destination) == (flow.origin, flow.destination)
        and transfer.mechanism.value == flow.mechanism
    )


def _decided(reading: Reading) -> dict[str, dict[str, object]]:
    """The SHA-256 of each verdict -> what it says; nothing of what cannot be read."""
    lines = reading.pack.lines("verdicts.jsonl")
    return {hashlib.sha256(line).hexdigest(): _object(line) for line in lines}


def _context(verdict: Mapping[str, object] | None) -> Mapping[str, object]:
    request = (verdict or {}).get("request")
    context = request.get("context") if isinstance(request, dict) else None
    return context if isinstance(context, dict) else {}


def _object(line: bytes) -> dict[str, object]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}


def _names(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
