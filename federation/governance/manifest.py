"""The manifest of one dataset: what its data is, where it may be, who holds which right, what may leave.

`governance/DATASET.manifest.toml` in a party's folder, edited by its owner; `isthmus data inspect` drafts it.

    manifest = "isthmus.manifest/v1"
    [party]                          # jurisdiction decides which borders a message crosses
    id = "bank"
    legal_name = "Lakeside Commercial Bank"
    jurisdiction = "CN"
    kind = "bank"
    [dataset]
    id = "data"                      # as party.toml and plans call it
    version = "2026-06-30"
    collected_in = ["CN"]
    residency = { store = ["CN"], process = ["CN"], keys = ["CN"] }
    subjects = { kinds = ["legal-person"] }
    [dataset.rights]
    holding = { holder = "bank", basis = "own-collection" }
    …
    [table]
    key = "uscc"
    rows = 18240
    min_cohort = 50
    [fields.balance]
    use = "feature"
    type = "number"
    grades = { gbt43697 = "general", jrt0197 = 3, nfra = "sensitive-general" }
    personal = "none"
    egress = ["encrypted-update", "aggregate"]

What is said wrongly is refused with every problem at once. Signed and logged is the canonical JSON form,
never the text. Source: GB/T 43697-2024, JR/T 0197-2020, the Twenty Data Measures (2022).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from crypto.codes import Code
from federation import files
from federation.errors import UsageError
from federation.governance import documents
from federation.governance.terms import (
    Form,
    National,
    Nfra,
    PartyKind,
    Personal,
    RightBasis,
    SubjectKind,
    Use,
)

VERSION: Final = "isthmus.manifest/v1"

#: ISO 3166-1 alpha-2.
Place = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Places = Annotated[tuple[Place, ...], Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
YesNo = Literal["yes", "no", "unknown"]
FieldType = Literal["number", "flag", "category", "text", "date"]
GradeSystem = Literal["gbt43697", "jrt0197", "nfra", "miit"]


_NO_KEY = 'table.key: must name a field of use "key"'


class Part(BaseModel):
    """A table of a manifest or a grant: closed, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Evidence(Part):
    """A document that is held elsewhere: its title, its SHA-256, and by whom it is held."""

    title: str = Field(min_length=1, max_length=200)
    sha256: Sha256
    held_by: str = Field(default="", max_length=200)


class Institution(Part):
    """The party, as law sees it."""

    id: Name
    legal_name: str = Field(min_length=1, max_length=200)
    jurisdiction: Place
    kind: PartyKind
    place: str = Field(
        default="", pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$", description="ISO 3166-2, for the GBA"
    )
    legal_id_scheme: Literal["", "uscc", "lei", "uen", "crn", "cnpj", "handelsregister", "other"] = ""
    legal_id: str = Field(default="", max_length=40)
    controller: Literal["controller", "joint-controller", "processor"] = "controller"
    ciio: YesNo = "unknown"  # critical information infrastructure operator (CN)
    us_covered_person: YesNo = "unknown"
    dpf_certified: Literal["yes", "no", "not-applicable"] = "not-applicable"


class Residency(Part):
    """Where the data is stored and processed, and where keys that open it are."""

    store: Places
    process: Places
    keys: Places


class Persons(Part):
    """How many natural persons of one jurisdiction are in the data."""

    personal: int = Field(ge=0)
    sensitive: int = Field(ge=0)


class Subjects(Part):
    """Whom the rows are about."""

    kinds: Annotated[tuple[SubjectKind, ...], Field(min_length=1)]
    persons: dict[Place, Persons] = Field(default_factory=dict)


class Right(Part):
    """One of the three rights: who has it, on what ground, until when."""

    holder: str = Field(min_length=1, max_length=200)
    basis: RightBasis
    certificate: Evidence | None = None
    until: dt.date | None = None


class Rights(Part):
    """Holding, processing and operating (product) rights, of the Twenty Data Measures."""

    holding: Right
    processing: Right
    operating: Right


class Retention(Part):
    """Until when the data is kept, and for how many days the evidence (at least three years)."""

    data_until: dt.date
    evidence_days: int = Field(default=1095, ge=1095)


class Dataset(Part):
    """The dataset as a whole."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")
    version: str = Field(min_length=1, max_length=60)
    title: str = Field(default="", max_length=200)
    collected_in: Places
    residency: Residency
    subjects: Subjects
    rights: Rights
    retention: Retention
    notified_important: YesNo = "unknown"


class TableFacts(Part):
    """The one table of the dataset."""

    key: str = Field(min_length=1)
    rows: int = Field(ge=0)
    min_cohort: int = Field(ge=2)


class Grades(Part):
    """One field's grade in each system that applies."""

    gbt43697: National
    jrt0197: int | None = Field(default=None, ge=1, le=5)
    nfra: Nfra | None = None
    miit: National | None = None

    @property
    def strictest(self) -> National:
        """The strictest of all that apply, in the words of GB/T 43697.

        JR/T 0197 level 5 is about national security, as core and important data are, and has no way out, so
        it counts as core. Its levels 1 to 4 are about privacy and lawful interests: general data all of
        them, and so are both of NFRA's general grades.
        """
        systems = [self.gbt43697, self.miit or National.GENERAL]
        if self.nfra in (Nfra.IMPORTANT, Nfra.CORE):
            systems.append(National(self.nfra.value))
        if self.jrt0197 == 5:
            systems.append(National.CORE)
        return max(systems, key=list(National).index)

    @staticmethod
    def highest(grades: Iterable[Grades]) -> Grades:
        """The highest of each system: what a data set has of its fields (GB/T 43697, JR/T 0197)."""
        each = list(grades)
        return Grades(
            gbt43697=max((one.gbt43697 for one in each), key=list(National).index),
            jrt0197=max((one.jrt0197 for one in each if one.jrt0197), default=None),
            nfra=max((one.nfra for one in each if one.nfra), key=list(Nfra).index, default=None),
            miit=max((one.miit for one in each if one.miit), key=list(National).index, default=None),
        )


class FieldFacts(Part):
    """One column: what it is for, how it is graded, in what forms something of it may leave."""

    use: Use
    type: FieldType
    grades: Grades
    personal: Personal
    egress: tuple[Form, ...] = ()
    unit: str = Field(default="", max_length=40)
    category: str = Field(
        default="", max_length=100, description="taxonomy path, e.g. finance/credit/overdue"
    )
    derived_from: tuple[str, ...] = ()
    reasons: tuple[str, ...] = Field(default=(), description="why the draft proposed this; for the owner")

    @model_validator(mode="after")
    def _no_way_out(self) -> FieldFacts:
        wrong = {
            '"control" carries nothing of a field, and is not for one to permit': Form.CONTROL in self.egress,
            "a form is named twice": len(set(self.egress)) < len(self.egress),
            'a field of use "never" leaves in no form: make it empty': self.use is Use.NEVER,
            "core data (or JR/T 0197 level 5) leaves in no form: make it empty": self.grades.strictest
            is National.CORE,
        }
        if self.egress and any(wrong.values()):
            raise ValueError("egress: " + "; ".join(told for told, holds in wrong.items() if holds))
        return self


class Manifest(Part):
    """All that is said of one dataset."""

    manifest: Literal["isthmus.manifest/v1"]
    party: Institution
    dataset: Dataset
    table: TableFacts
    fields: Annotated[dict[str, FieldFacts], Field(min_length=1)]

    @model_validator(mode="after")
    def _key_is_a_key(self) -> Manifest:
        key = self.fields.get(self.table.key)
        if key is None or key.use is not Use.KEY:
            raise ValueError(_NO_KEY)
        return self

    @property
    def grades(self) -> Grades:
        """The grades of the data set: of each system the highest that one of its fields has."""
        return Grades.highest(facts.grades for facts in self.fields.values())

    def canonical(self) -> bytes:
        """The form that is hashed and logged (RFC 8785 for what occurs here: text, integers, lists)."""
        return files.canonical_json(self.model_dump(mode="json", exclude_none=True))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form, hexadecimal."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def of_use(self, use: Use) -> dict[str, FieldFacts]:
        """The fields of one use, by name."""
        return {name: facts for name, facts in self.fields.items() if facts.use is use}


def load(path: Path) -> Manifest:
    """The manifest in a TOML file. One `UsageError` lists every problem: the field, what is allowed."""
    manifest, table, problems = documents.read(
        path, Manifest, "manifest", "Draft one with `isthmus data inspect`."
    )
    if manifest is not None:
        return manifest
    if _NO_KEY not in problems and _names_no_key(table):  # Asked last, and only of what is right otherwise.
        problems.append(_NO_KEY)
    raise UsageError(
        f"the manifest has {len(problems)} problem(s):" + "".join(f"\n  - {each}" for each in problems),
        file=str(path),
        advice="Mend them, then look again with `isthmus data check --manifest FILE`.",
        code=Code.MANIFEST_MALFORMED,
    )


def _names_no_key(table: dict[str, Any]) -> bool:
    facts, fields = table.get("table"), table.get("fields")
    if not isinstance(facts, dict) or not isinstance(fields, dict) or "key" not in facts:
        return False  # Told already: what is missing.
    field = fields.get(facts["key"]) if isinstance(facts["key"], str) else None
    return not isinstance(field, dict) or field.get("use") != Use.KEY.value


def toml(manifest: Manifest) -> str:
    """The manifest as its owner edits it; `load` gives it back."""
    return documents.write(manifest)
