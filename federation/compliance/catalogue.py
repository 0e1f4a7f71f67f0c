"""Rule packs: what each law asks, as data. `packs/PACK.toml`, one for each jurisdiction, and one for all.

    pack = "my"                       # also the file's name
    title = { en = "Malaysia", zh = "马来西亚" }
    as_of = 2026-11-23                # when it was last looked over
    reviewed_by = ""                  # the lawyer who signed it; empty: nobody did, and reports say so
    jurisdictions = ["MY"]            # asked where data was collected there, or crosses a border there

    [[controls]]
    id = "MY-S129"
    group = "transfer"
    title = { en = "…", zh = "…" }
    text = { en = "…", zh = "…" }
    source = "PDPA-MY s129 (1 Apr 2025); guideline 29 Apr 2025"
    dated = 2025-04-01                # when it came into force or was published; 1 January: the year is known
    valid_until = 2027-12-31          # from then on the verdict is `unknown`; may be left out
    kind = "hybrid"                   # "automatic", "hybrid" (a document is checked), "attest-only"
    evidence = "transfer entry of the grant, date"
    seen = "C"                        # C: its text was seen; M: from memory, and shown as such
    reading = "both"                  # "R1": not asked where R2 may be claimed
    check = "mechanism"               # a function of `checks/`
    with = { … }                      # its parameters, beside `control` (the id) and the pack's `places`
    allow = { base = "cn-sg", set = { "papers.0.valid_until" = 2027-01-01 } }
    refuse = { base = "cn-sg", set = { … }, verdict = "fail" }

`allow` and `refuse` are cases: a base of `packs/cases.toml` with some facts set otherwise. A rule without a
source, an allow case and a refuse case is not loaded.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import Field, ValidationError

from crypto.codes import Code
from federation.compliance.checks.all import CHECKS, READS
from federation.compliance.facts import Case
from federation.compliance.verdicts import Verdict
from federation.errors import UsageError
from federation.governance.manifest import Part, Place

Kind = Literal["automatic", "hybrid", "attest-only"]
_ADVICE = "Correct the pack; docs/compliance.md says what a rule needs."
_CASES = "cases.toml"


class Words(Part):
    """A text in both languages."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class Example(Part):
    """A case that a rule must allow or refuse: a base with some facts set otherwise, and the verdict."""

    base: str
    set: dict[str, Any] = Field(default_factory=dict)
    verdict: Verdict


class Control(Part):
    """One rule of a pack."""

    id: str = Field(pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)+$")
    group: str = Field(min_length=1)
    title: Words
    text: Words
    source: str = Field(min_length=3)
    dated: dt.date
    valid_until: dt.date | None = None
    kind: Kind
    evidence: str = Field(min_length=3)
    seen: Literal["C", "M"]
    reading: Literal["both", "R1"] = "both"
    check: str
    parameters: dict[str, Any] = Field(default_factory=dict, alias="with")
    allow: Example
    refuse: Example


class Pack(Part):
    """All rules of one file. `sha256`: of the file, so that a verdict says by which rules it was reached."""

    pack: str
    title: Words
    as_of: dt.date
    reviewed_by: str
    jurisdictions: tuple[Place, ...] = ()
    controls: tuple[Control, ...]
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Rule packs in order, and the bases of their cases."""

    packs: tuple[Pack, ...]
    bases: Mapping[str, Mapping[str, Any]]

    def __iter__(self) -> Iterator[tuple[Pack, Control]]:
        return ((pack, control) for pack in self.packs for control in pack.controls)

    def control(self, name: str) -> Control:
        """The control of that id; `UsageError` where there is none."""
        for _, control in self:
            if control.id == name.upper():
                return control
        raise UsageError(
            f"there is no control {name!r}",
            field="CONTROL",
            advice="`isthmus policy explain` lists them.",
            code=Code.NO_RULE,
        )

    def case(self, example: Example) -> Case:
        """The case that an example describes."""
        return case_of(self.bases, example)


def read(name: str, data: bytes, bases: Mapping[str, Mapping[str, Any]]) -> Pack:
    """The pack in `data`; `UsageError` names the file and every rule that lacks something.

    Its examples must be cases, and its checks must exist; whether an example comes to its verdict is for
    `judging.examples` to say, since it needs the rules themselves.
    """
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"it is no TOML: {error}", file=name, advice=_ADVICE, code=Code.TOML_MALFORMED
        ) from None
    try:
        pack = Pack.model_validate({**table, "sha256": hashlib.sha256(data).hexdigest()})
    except ValidationError as error:
        raise UsageError(
            "the rule pack is refused:" + "".join(f"\n  - {each}" for each in _told(table, error)),
            file=name,
            advice=_ADVICE,
        ) from None
    problems = [*_twice(pack), *_unknown(pack, bases)]
    if problems:
        listed = "".join(f"\n  - {each}" for each in problems)
        raise UsageError(f"the rule pack is refused:{listed}", file=name, advice=_ADVICE)
    return pack


@cache
def catalogue() -> Catalogue:
    """The packs that Isthmus ships: the neutral one first, then by name."""
    folder = resources.files("federation.compliance").joinpath("packs")
    found = {each.name: each.read_bytes() for each in folder.iterdir() if each.name.endswith(".toml")}
    bases = tomllib.loads(found.pop(_CASES).decode("utf-8"))
    names = sorted(found, key=lambda name: (name != "neutral.toml", name))
    return Catalogue(tuple(read(name, found[name], bases) for name in names), bases)


def asked(pack: Pack, control: Control) -> dict[str, Any]:
    """What a control's check is given: its parameters, the control's id, and the pack's places."""
    return {"control": control.id, "places": pack.jurisdictions, **control.parameters}


def case_of(bases: Mapping[str, Mapping[str, Any]], example: Example) -> Case:
    """The example as a case; `UsageError` where it is none."""
    if example.base not in bases:
        raise UsageError(f"there is no base {example.base!r} in {_CASES}", advice=_ADVICE)
    table: Any = _copied(bases[example.base])
    for path, value in example.set.items():
        _put(table, path, value)
    try:
        return Case.model_validate(table)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise UsageError(f"the example is no case: {told}", advice=_ADVICE) from None


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copied(each) for name, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value


def _put(table: Any, path: str, value: Any) -> None:
    """Set `a.0.b`; a part that is a number is a place in a list, one past its end adds to it."""
    *parents, last = path.split(".")
    for part in parents:
        table = table[int(part)] if isinstance(table, list) else table.setdefault(part, {})
    if isinstance(table, list):
        table[int(last) : int(last) + 1] = [value]
    else:
        table[last] = value


def _told(table: Mapping[str, Any], error: ValidationError) -> Iterator[str]:
    """Each problem, by the rule's id rather than its number."""
    controls = table.get("controls", [])
    for each in error.errors():
        where = list(each["loc"])
        if len(where) > 1 and where[0] == "controls" and isinstance(where[1], int):
            found = controls[where[1]]
            named = found.get("id", f"number {where[1] + 1}") if isinstance(found, dict) else "?"
            where = [named, *where[2:]]
        yield f"{'.'.join(map(str, where))}: {each['msg']}"


def _twice(pack: Pack) -> Iterator[str]:
    seen: set[str] = set()
    for control in pack.controls:
        if control.id in seen:
            yield f"{control.id}: there twice"
        seen.add(control.id)


def _unknown(pack: Pack, bases: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for control in pack.controls:
        if control.check not in CHECKS:
            yield f"{control.id}.check: there is no check {control.check!r}"
        unread = sorted({*control.parameters} - READS.get(control.check, {*control.parameters}))
        yield from (f"{control.id}.with.{name}: {control.check!r} reads no such thing" for name in unread)
        for name, example in (("allow", control.allow), ("refuse", control.refuse)):
            try:
                case = case_of(bases, example)
            except UsageError as error:
                yield f"{control.id}.{name}: {error.what}"
                continue
            yield from _unanswered(pack, control, case)
        if control.refuse.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE):
            yield f"{control.id}.refuse: what is refused does not come to {control.refuse.verdict.value}"
        if control.allow.verdict is Verdict.FAIL:
            yield f"{control.id}.allow: a case that is allowed does not fail"


def _unanswered(pack: Pack, control: Control, case: Case) -> Iterator[str]:
    """A check that trips over its parameters would do so over somebody's run."""
    if control.check in CHECKS:
        try:
            CHECKS[control.check](case, asked(pack, control))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            yield f"{control.id}.with: the check {control.check!r} cannot use it ({error})"
