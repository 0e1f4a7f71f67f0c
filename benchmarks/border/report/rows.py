"""A judgement as rows: a rule each, with a column for the run as a whole and for each border."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.border.results import Border, Scenario
from federation.compliance.catalogue import Catalogue, Control
from federation.compliance.offices import OFFICES, named
from federation.compliance.verdicts import WORST_FIRST, Judgement, Ruling, Told, Verdict, worst


@dataclass(frozen=True, slots=True)
class Row:
    """One rule in one case. control: None where the catalogue does not have it.

    r1, r2: the worst of its rulings. cells: R1 by column, None where it was not asked there. said: whose data
    or which borders a sentence is about, and the sentence; lifted: what R2 says instead.
    """

    id: str
    control: Control | None
    from_memory: bool
    r1: Verdict
    r2: Verdict
    cells: tuple[Verdict | None, ...]
    said: tuple[tuple[tuple[str, ...], Told], ...]
    lifted: tuple[Told, ...]

    @property
    def flips(self) -> bool:
        """Whether the reading of the law decides."""
        return self.r1 is not self.r2


@dataclass(frozen=True, slots=True)
class Matrix:
    """All rules of a case. borders: the columns after that of the run as a whole."""

    borders: tuple[str, ...]
    asked: tuple[Row, ...]
    not_asked: tuple[Row, ...]


def matrix(scenario: Scenario, rules: Catalogue) -> Matrix:
    """A scenario's rows: what was asked, the worst first; what does not apply, in the packs' order."""
    judgement = scenario.judgement
    told = {ruling.border for ruling in judgement.rulings["R1"] if ruling.border}
    borders = tuple(sorted({*map(str, scenario.case.borders), *told}))
    controls = {control.id: control for _, control in rules}
    names = dict.fromkeys(ruling.control for ruling in judgement.rulings["R1"])
    rows = [_row(name, judgement, borders, controls.get(name)) for name in names]
    asked = [row for row in rows if row.r1 is not Verdict.NOT_APPLICABLE]
    rest = [row for row in rows if row.r1 is Verdict.NOT_APPLICABLE]
    return Matrix(borders, tuple(sorted(asked, key=lambda row: WORST_FIRST.index(row.r1))), tuple(rest))


def _row(name: str, judgement: Judgement, borders: Sequence[str], control: Control | None) -> Row:
    rulings = [each for each in judgement.rulings["R1"] if each.control == name]
    lifted = [each.told for each in judgement.rulings["R2"] if each.control == name and each.lifted]
    by_column = [[each for each in rulings if each.border == border] for border in ("", *borders)]
    return Row(
        name,
        control,
        any(each.from_memory for each in rulings),
        judgement.of(name, "R1"),
        judgement.of(name, "R2"),
        tuple(worst(each.verdict for each in found) if found else None for found in by_column),
        _said(rulings),
        tuple(dict.fromkeys(lifted)),
    )


def _said(rulings: Iterable[Ruling]) -> tuple[tuple[tuple[str, ...], Told], ...]:
    """Each sentence once, with all that it was said of."""
    said: dict[Told, dict[str, None]] = {}
    for each in rulings:
        about = " ".join(
            part for part in (each.party, f"({_way(each.border)})" if each.border else "") if part
        )
        said.setdefault(each.told, {}).update({about: None} if about else {})
    return tuple((tuple(about), told) for told, about in said.items())


@dataclass(frozen=True, slots=True)
class Due:
    """What an office must still sign. where: plan -> the parties, with the borders that it is about.

    example: one of the offices, as the command takes it; empty where the rule names none.
    """

    office: Told | None
    example: str
    control: str
    title: Told | None
    where: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def count(self) -> int:
        """How many statements: one for each party in each plan."""
        return sum(max(1, len(parties)) for _, parties in self.where)


def due(border: Border, rules: Catalogue) -> tuple[Due, ...]:
    """What must still be signed, by rule in the packs' order, those of one office together."""
    controls = {control.id: control for _, control in rules}
    waiting: dict[str, dict[str, dict[str, list[str]]]] = {}
    for scenario in border.scenarios:
        for each in scenario.judgement.rulings["R1"]:
            if each.verdict is Verdict.NEEDS_ATTESTATION:
                of_plan = waiting.setdefault(each.control, {}).setdefault(scenario.id, {})
                of_plan.setdefault(each.party, []).extend([_way(each.border)] if each.border else [])
    found = [_due(name, plans, controls.get(name)) for name, plans in waiting.items()]
    offices = list(dict.fromkeys(each.office for each in found))
    return tuple(sorted(found, key=lambda each: offices.index(each.office)))


def _due(name: str, plans: dict[str, dict[str, list[str]]], control: Control | None) -> Due:
    given = control.parameters.get("offices", ()) if control is not None else ()
    offices = [office for office in given if office in OFFICES]
    where = tuple(
        (
            plan,
            tuple(f"{party} ({', '.join(to)})" if to else party for party, to in parties.items() if party),
        )
        for plan, parties in plans.items()
    )
    title = None if control is None else Told(control.title.en, control.title.zh)
    return Due(named(offices) if offices else None, offices[0] if offices else "", name, title, where)


def _way(border: str) -> str:
    """A border as people read it."""
    return border.replace("->", "→")
