"""Draft the manifest of a dataset from its table, and say what its owner must look at before signing."""

from __future__ import annotations

import datetime as dt
import re
import textwrap
from collections.abc import Iterator

from crypto.errors import UsageError
from federation.governance.manifest import (
    VERSION,
    Dataset,
    Institution,
    Manifest,
    Persons,
    Residency,
    Retention,
    Right,
    Rights,
    Subjects,
    TableFacts,
    toml,
)
from federation.governance.terms import PartyKind, Personal, RightBasis, SubjectKind, Use
from parties.dataset import DatasetConfig
from parties.governance.inspect.grading import propose
from parties.governance.inspect.looking import Inspection, look

#: How long a draft proposes to keep the data.
_KEPT = dt.timedelta(days=365)
_DATASET_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_COHORT = 50


def draft(config: DatasetConfig, institution: Institution | None = None, *, now: dt.datetime) -> Manifest:
    """The manifest that the table suggests. `institution` is for the owner to say; a table does not show it.

    Raises `UsageError` where it was not said, or where the file cannot be read.
    """
    return drafted(look(config), institution, now=now)


def drafted(seen: Inspection, institution: Institution | None, *, now: dt.datetime) -> Manifest:
    """`draft` of a table that was looked at already."""
    config = seen.config
    if institution is None:
        raise UsageError(
            "no table shows under which law its owner is",
            party=config.holder,
            file=config.source.name,
            advice="Say it: `isthmus data inspect --jurisdiction CN --kind bank --legal-name NAME`.",
        )
    if not _DATASET_ID.fullmatch(config.name):
        raise UsageError(
            "a dataset of this name cannot have a manifest",
            party=config.holder,
            field=f"datasets.{config.name}",
            advice="Use at most 63 letters, digits, dots, hyphens and underscores, a letter or digit first.",
        )
    place = institution.jurisdiction
    own = Right(holder=institution.id, basis=RightBasis.OWN_COLLECTION)
    return Manifest(
        manifest=VERSION,
        party=institution,
        dataset=Dataset(
            id=config.name,
            version=now.date().isoformat(),
            collected_in=(place,),
            residency=Residency(store=(place,), process=(place,), keys=(place,)),
            subjects=_subjects(seen, institution),
            rights=Rights(holding=own, processing=own, operating=own),
            retention=Retention(data_until=(now + _KEPT).date()),
        ),
        table=TableFacts(key=config.key, rows=seen.rows, min_cohort=min(_COHORT, max(2, seen.rows // 20))),
        fields={facts.name: propose(facts, config, institution.kind) for facts in seen.columns},
    )


def _subjects(seen: Inspection, institution: Institution) -> Subjects:
    """Whom the rows are about, and of how many persons at most, from what was found."""
    kinds = [SubjectKind.LEGAL_PERSON]
    traders = max((found.sole_traders for facts in seen.columns for found in facts.found), default=0)
    if traders:
        kinds.append(SubjectKind.SOLE_TRADER)
    personal = sensitive = 0
    for facts in seen.columns:
        graded = propose(facts, seen.config, institution.kind).personal
        if graded is not Personal.NONE:
            named = (found.cells for found in facts.found if not found.sole_traders)  # Counted above.
            cells = max(named, default=0 if facts.found else facts.filled)
            personal = max(personal, cells)
            sensitive = max(sensitive, cells if graded is Personal.SENSITIVE else 0)
    if personal:
        kinds.append(SubjectKind.NATURAL_PERSON)
    # At a bank a trader's own figures are a person's financial account (PIPL art. 28).
    accounts = traders if institution.kind is PartyKind.BANK else 0
    counted = Persons(personal=personal + traders, sensitive=sensitive + accounts)
    persons = {institution.jurisdiction: counted} if counted.personal else {}
    return Subjects(kinds=tuple(kinds), persons=persons)


def questions(manifest: Manifest) -> Iterator[str]:
    """What the owner must decide, one sentence each, the weightiest first."""
    fields = manifest.fields
    person = [name for name, facts in fields.items() if facts.personal is not Personal.NONE]
    if person:
        yield f"Personal data: {_listed(person)}. Are these persons' data needed in this table at all?"
    if SubjectKind.SOLE_TRADER in manifest.dataset.subjects.kinds:
        yield (
            "Sole traders: codes that begin with 92 are people in business, and what is told of them is "
            "personal data. Keep them out, or give every grant a ground under personal-data law."
        )
    never = [name for name, facts in fields.items() if facts.use is Use.NEVER]
    if never:
        yield f"Nothing of these columns ever leaves: {_listed(never)}. Is one of them needed?"
    yield (
        'Grades: the draft never says "important" or "core". Compare every field with the catalogues of your '
        "sector and with notices of your authority, and set dataset.notified_important."
    )
    label = next((name for name, facts in fields.items() if facts.use is Use.LABEL), None)
    yield (
        f"Uses: the key is {manifest.table.key}, the outcome is {label or 'not in this table'}. "
        "A field may leave only in the forms that its `egress` lists; take out what you do not permit."
    )
    yield (
        "Rights: the draft says that you collected the data yourself and hold all three rights. Put in the "
        "contract, statute or consent that they rest on, its document's SHA-256 and its last day."
    )
    yield (
        f"Places: the draft says {manifest.party.jurisdiction} for collecting, storing, processing and keys. "
        "Correct what is elsewhere."
    )
    yield (
        f"Cohort: no figure is told of fewer than {manifest.table.min_cohort} rows (table.min_cohort). "
        f"Retention: the data is kept until {manifest.dataset.retention.data_until}, the evidence for "
        f"{manifest.dataset.retention.evidence_days} days."
    )
    unknown = [
        name
        for name, value in (
            ("party.ciio", manifest.party.ciio),
            ("party.us_covered_person", manifest.party.us_covered_person),
            ("dataset.notified_important", manifest.dataset.notified_important),
        )
        if value == "unknown"
    ]
    if unknown:
        yield f'Not known to a program: {", ".join(unknown)}. Answer "yes" or "no".'


_PREFACE = (
    "A program proposed what stands here, and every `reasons` says why. The owner decides. Before a grant is "
    "signed, look at this:"
)


def document(manifest: Manifest, now: dt.datetime) -> str:
    """The draft as its owner opens it: what to look at on top, then the manifest."""
    day = now.date().isoformat()
    text = [
        f"Draft manifest of the dataset {manifest.dataset.id}, made by `isthmus data inspect` on {day}.",
        _PREFACE,
        *(f"{place}. {each}" for place, each in enumerate(questions(manifest), start=1)),
    ]
    head = "\n".join(f"# {line}" for each in text for line in _wrapped(each))
    return f"{head}\n\n{toml(manifest)}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 108, subsequent_indent="   " if text[:1].isdigit() else "")


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:12])
    return shown if len(names) <= 12 else f"{shown} and {len(names) - 12} more"
