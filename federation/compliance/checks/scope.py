"""Whom and what a rule is about: whose data, which borders, and on what condition.

A rule of a place is about the data that was collected there, wherever it is sent from: what a party in
Singapore passes on to Germany of data collected in China is a way from China to Germany.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from federation.compliance.facts import Border, Case, Data, Party
from federation.governance.terms import National, Personal, SubjectKind


def about_persons(data: Data) -> bool:
    """Whether natural persons are in it; sole traders are natural persons."""
    kinds = set(data.kinds) - {SubjectKind.LEGAL_PERSON}
    return bool(kinds) or data.personal is not Personal.NONE or bool(data.persons)


def important(data: Data) -> bool:
    """Whether it is important or core data, by its grade or because an authority said so."""
    return data.strictest is not National.GENERAL or data.notified_important == "yes"


#: What a rule pack calls a condition on data -> the condition.
CONDITIONS: Mapping[str, Callable[[Data], bool]] = {
    "any": lambda data: True,
    "persons": about_persons,
    "important": important,
    "persons-or-important": lambda data: about_persons(data) or important(data),
    "financial": lambda data: data.financial,
    "bank-sensitive": lambda data: data.bank_sensitive,
    "credit": lambda data: data.credit,
}


def owners(case: Case, places: Collection[str], when: str = "any") -> tuple[str, ...]:
    """Whose data was collected in one of the places (anywhere, where none is given) and is as `when` says."""
    holds = CONDITIONS[when]
    return tuple(
        name
        for name, data in sorted(case.data.items())
        if (not places or set(data.collected_in) & set(places)) and holds(data)
    )


def shared(case: Case, owner: str) -> bool:
    """Whether something of the owner's data goes to anybody."""
    return any(owner in flow.of and flow.receiver != owner for flow in case.flows)


def exports(case: Case, places: Collection[str], when: str = "any") -> Mapping[Border, tuple[str, ...]]:
    """Every way out of the places that something of data collected there takes, and of whose data it is."""
    found: dict[Border, set[str]] = {}
    for owner in owners(case, places, when):
        origins = [place for place in case.data[owner].collected_in if place in places]
        for flow in case.flows:
            destination = case.parties[flow.receiver].jurisdiction
            if owner in flow.of and destination not in places:
                for origin in origins:
                    found.setdefault(Border(origin, destination), set()).add(owner)
    return {border: tuple(sorted(found[border])) for border in sorted(found)}


def within(case: Case, places: Collection[str]) -> Mapping[str, Party]:
    """The parties in one of the places, by name."""
    return {name: party for name, party in sorted(case.parties.items()) if party.jurisdiction in places}
