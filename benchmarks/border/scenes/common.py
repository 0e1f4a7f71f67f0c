"""What the scenarios share: who aggregates, and the kinds of plans."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.border.firms import Case as Firms
from benchmarks.border.firms import vertical
from federation.compliance.facts import Party
from federation.governance.terms import PartyKind, SubjectKind

BANK, PLATFORM, REGISTRY, SUPPLIER = (
    PartyKind.BANK,
    PartyKind.PLATFORM,
    PartyKind.REGISTRY,
    PartyKind.SUPPLIER,
)
TRADERS = (SubjectKind.LEGAL_PERSON, SubjectKind.SOLE_TRADER)
PERSONS = (SubjectKind.LEGAL_PERSON, SubjectKind.NATURAL_PERSON)
#: Fails wherever two parties in China talk to each other: the program's channels do not use SM2, SM3 and SM4.
NATIONAL = "T-CRYPTO-CN"


def aggregator(jurisdiction: str, place: str = "") -> Party:
    """Whoever adds up and sorts, and sees no data."""
    return Party(
        seat="aggregator",
        jurisdiction=jurisdiction,
        place=place,
        kind=PartyKind.AGGREGATOR,
        ciio="no",
        us_covered_person="no",
    )


def logistic(*names: str, iterations: int = 2) -> Callable[[int], Firms]:
    """A logistic fit: the first party has the outcomes, and the second helps and has a key of its own."""
    return lambda seed: vertical(seed, len(names), names, model={"max_iterations": iterations})


def trees(*names: str) -> Callable[[int], Firms]:
    """Boosted trees: the label party alone has a key, so a partner abroad has none."""
    return lambda seed: vertical(
        seed, len(names), names, model={"kind": "boosting"}, boosting={"trees": 2, "max_depth": 2}
    )
