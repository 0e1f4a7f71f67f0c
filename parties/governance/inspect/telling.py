"""An inspection, and a check of a manifest, as text for people and facts for programs. No cell is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from federation.governance.change import Change, Effect
from federation.governance.manifest import FieldFacts, Grades
from federation.governance.terms import Personal, Use
from parties.governance.inspect.grading import percent
from parties.governance.inspect.looking import ColumnFacts, Inspection

_HEAD = ("column", "type", "empty", "values", "use", "personal", "JR/T", "may leave as")


def inspection_text(seen: Inspection, fields: Mapping[str, FieldFacts]) -> str:
    """A line for each column, then why some of them are personal or never leave."""
    rows = [_HEAD, *(_row(facts, fields[facts.name]) for facts in seen.columns)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD) - 1)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]
    noted = [
        f"  {name}: {reason}"
        for name, field in fields.items()
        if field.personal is not Personal.NONE or field.use is Use.NEVER
        for reason in field.reasons
    ]
    source = seen.config.source
    head = f"{source.name}: {seen.rows} rows, {len(seen.columns)} columns"
    found = ["", "To look at:", *noted] if noted else ["", "Nothing in it identifies a person."]
    grades = Grades.highest(field.grades for field in fields.values())
    digest = f"SHA-256 of {source.hashed}: {seen.digest}"
    return "\n".join([head, "", *lines, *found, "", f"As a whole: {_graded(grades)}.", digest])


def inspection_facts(seen: Inspection, fields: Mapping[str, FieldFacts]) -> dict[str, Any]:
    """The same as one JSON object."""
    return {
        "file": str(seen.config.file or seen.config.source.name),
        "sha256": seen.digest,
        "rows": seen.rows,
        "key": seen.config.key,
        "label": seen.config.label,
        "columns": [
            {
                "name": facts.name,
                "type": facts.type,
                "missing": round(facts.missing, 6),
                "levels": facts.levels,
                "low": facts.low,
                "high": facts.high,
                "found": [
                    {"kind": found.kind.value, "cells": found.cells, "share": found.share, "how": found.how}
                    for found in facts.found
                ],
                **fields[facts.name].model_dump(mode="json", exclude={"type"}, exclude_none=True),
            }
            for facts in seen.columns
        ],
    }


def check_text(head: str, misfits: Iterable[str] | None, changed: Iterable[Change] | None) -> str:
    """What does not fit the table, then what a change does, what it would newly allow first."""
    lines = [head]
    if misfits is not None:
        listed = [f"  {each}" for each in misfits]
        lines += ["", "does not fit the table:", *listed] if listed else ["", "it fits the table"]
    if changed is not None:
        lines += _changes(tuple(changed))
    return "\n".join(lines)


def change_facts(changed: Iterable[Change]) -> list[dict[str, Any]]:
    """Changes for programs."""
    return [
        {"field": each.place, "told": each.told, "effect": each.effect.value, "warning": each.warns}
        for each in changed
    ]


def _changes(changed: tuple[Change, ...]) -> list[str]:
    lines: list[str] = []
    for effect in Effect:
        of = [each for each in changed if each.effect is effect]
        if of:
            lines += ["", f"{effect.value}:", *(f"  {_marked(each)}" for each in of)]
    if not any(each.effect is Effect.ALLOWS for each in changed):
        lines += ["", "it would allow nothing that was not allowed before"]
    return lines


def _marked(change: Change) -> str:
    return f"{change.sentence} (warning: somebody must answer for this)" if change.warns else change.sentence


def _row(facts: ColumnFacts, field: FieldFacts) -> tuple[str, ...]:
    return (
        facts.name,
        facts.type,
        percent(facts.missing),
        _values(facts),
        field.use.value,
        field.personal.value,
        str(field.grades.jrt0197 or "-"),
        ", ".join(form.value for form in field.egress) or "nothing",
    )


def _values(facts: ColumnFacts) -> str:
    if facts.low is not None and facts.high is not None:
        return f"{_number(facts.low)} to {_number(facts.high)}"
    return f"{facts.levels} different"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"


def _graded(grades: Grades) -> str:
    told = [f"{grades.gbt43697.value} (GB/T 43697)"]
    told += [f"level {grades.jrt0197} (JR/T 0197)"] if grades.jrt0197 is not None else []
    told += [f"{grades.nfra.value} (NFRA)"] if grades.nfra is not None else []
    told += [f"{grades.miit.value} (MIIT)"] if grades.miit is not None else []
    return ", ".join(told)
