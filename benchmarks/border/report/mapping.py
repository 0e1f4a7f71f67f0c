"""A case's flows as the supervisor's map draws them, and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.border.report.words import Words
from cli.supervisor.facts import Flow
from federation.compliance import facts
from federation.governance.terms import Form


@dataclass(frozen=True, slots=True)
class Map:
    """What is drawn of a case: one arrow for all that one party sends another about somebody's data."""

    run: str
    places: Mapping[str, str]
    flows: tuple[Flow, ...]
    control: int
    lacking: tuple[str, ...] = ()

    @property
    def messages(self) -> int:
        """How many, without those that say nothing of any column."""
        return sum(flow.messages for flow in self.flows)


def mapped(case: facts.Case, words: Words) -> Map:
    """The case as a map: what crosses a border first. control: bytes that are not drawn."""
    places = {name: party.jurisdiction for name, party in case.parties.items()}
    pairs: dict[tuple[str, str], list[facts.Flow]] = {}
    for flow in case.flows:
        if not _control(flow):
            pairs.setdefault((flow.sender, flow.receiver), []).append(flow)
    flows = [_flow(sender, to, found, places, case.stage, words) for (sender, to), found in pairs.items()]
    flows.sort(key=lambda flow: (not flow.crosses, flow.origin, flow.sender, flow.destination, flow.to))
    return Map(case.name, places, tuple(flows), sum(flow.bytes for flow in case.flows if _control(flow)))


def _control(flow: facts.Flow) -> bool:
    return set(flow.forms) == {Form.CONTROL}


def _flow(
    sender: str, to: str, found: list[facts.Flow], places: Mapping[str, str], stage: str, words: Words
) -> Flow:
    forms = dict.fromkeys(form.value for flow in found for form in flow.forms)
    told = words.forms(forms)
    if stage == "plan":
        told = words("map.flow_planned", forms=told)
    messages, size = sum(flow.messages for flow in found), sum(flow.bytes for flow in found)
    return Flow(sender, to, told, places[sender], places[to], "", {"": messages}, size)
