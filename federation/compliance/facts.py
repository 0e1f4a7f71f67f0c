"""What the rules are asked about: a run, or a plan before it runs, as its papers and evidence tell it.

Nothing here is a row of anybody's data. A case is closed and frozen, and its canonical JSON is what evidence
packs keep: who has the same case and the same rules comes to the same verdicts, byte for byte.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Annotated, Literal

from pydantic import Field, model_validator

from federation import files
from federation.governance.manifest import Name, Part, Persons, Place, Places, Sha256, YesNo
from federation.governance.terms import (
    Form,
    Mechanism,
    National,
    PartyKind,
    Personal,
    RightBasis,
    SubjectKind,
)

#: What a party does in a run. "witness": it sees the evidence only, and still is somewhere.
Seat = Literal["label", "feature", "member", "aggregator", "witness"]
#: How a check of the evidence ended (`federation.ledger.findings.State`), "missing" where nobody ran it.
Shown = Literal["pass", "fail", "unknown", "not-applicable", "missing"]


class Party(Part):
    """One institution of a run, and where it is. `place`: an area inside a country.

    A place is an ISO 3166-2 code, such as CN-SH for Shanghai. ISO knows Guangdong (CN-GD) but none of its
    cities, so the nine mainland cities of the Greater Bay Area have codes of our own: CN-GZH Guangzhou, CN-SZ
    Shenzhen, CN-ZH Zhuhai, CN-FS Foshan, CN-HZ Huizhou, CN-DG Dongguan, CN-ZS Zhongshan, CN-JM Jiangmen and
    CN-ZQ Zhaoqing (CN-GZ is Guizhou, by ISO).
    """

    seat: Seat
    jurisdiction: Place
    place: str = Field(default="", pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")
    kind: PartyKind
    ciio: YesNo = "unknown"
    us_covered_person: YesNo = "unknown"
    dpf_certified: Literal["yes", "no", "not-applicable"] = "not-applicable"
    opens: bool = Field(default=False, description="it holds a key that opens updates")
    national_algorithms: bool = Field(default=False, description="its channel uses SM2, SM3 and SM4")


class RightFacts(Part):
    """One of the three rights to data: on what it rests, until when, and whether a document shows it."""

    basis: RightBasis
    certificate: Sha256 | None = None
    until: dt.date | None = None


class Data(Part):
    """What one party brings, as its manifest has it.

    strictest: the highest grade of a column of which something may go to others (an update says something of
    all columns that it was computed from). ungraded: columns without a grade.
    persons: natural persons in it by jurisdiction. `financial`: it tells of persons' finances. `credit`: it
    is credit information (Credit Reporting Regulation of the State Council, 2013, article 2). scene: the
    business scene that the owner declares under the financial cross-border guide of April 2025; beyond_scene:
    columns that are not in that scene's list.
    """

    collected_in: Places
    store: Places
    process: Places
    keys: Places
    kinds: tuple[SubjectKind, ...]
    persons: dict[Place, Persons] = Field(default_factory=dict)
    personal: Personal = Personal.NONE
    strictest: National = National.GENERAL
    ungraded: tuple[str, ...] = ()
    bank_sensitive: bool = Field(default=False, description="NFRA: sensitive general or above")
    notified_important: YesNo = "unknown"
    credit: bool = False
    financial: bool = False
    scene: str = ""
    beyond_scene: tuple[str, ...] = ()
    rights: dict[Literal["holding", "processing", "operating"], RightFacts] = Field(default_factory=dict)
    data_until: dt.date | None = None
    evidence_days: int = Field(default=0, ge=0)
    min_cohort: int = Field(default=0, ge=0)


class Flow(Part):
    """What goes from one party to another in what forms, and something of whose data is in it.

    `opened`: the receiver can open it, alone or with what else it holds.
    """

    sender: Name
    receiver: Name
    forms: tuple[Form, ...]
    of: tuple[Name, ...] = ()
    opened: bool = False
    messages: int = Field(default=0, ge=0)
    bytes: int = Field(default=0, ge=0)


class Paper(Part):
    """What makes the way from one place to another lawful, of which party's grant, shown by which document.

    names: the countries that the contract names (Singapore's regulation 10). filed: when it was filed.
    """

    owner: Name
    origin: Place
    destination: Place
    mechanism: Mechanism
    document: Sha256 | None = None
    begins: dt.date | None = None
    valid_until: dt.date | None = None
    filed: dt.date | None = None
    names: tuple[Place, ...] = ()


class Basis(Part):
    """On what law and ground a party's grant stands."""

    owner: Name
    regime: str
    basis: str
    consent: bool = False
    separate_consent: bool = False
    document: Sha256 | None = None


class Statement(Part):
    """What a person signed: about which control, as whom, on what day, until when, and over which document.

    Software checks that it is there, about this run, in force and by the right office; not its content.
    `sound`: the signature verifies with a key that the reader trusts.
    """

    control: str
    party: Name
    office: str
    dated: dt.date
    valid_until: dt.date
    document: Sha256
    covers: tuple[Place, ...] = Field(default=(), description="places across whose borders; empty: all")
    sound: bool = True


class Cumulated(Part):
    """Natural persons whose information one place's parties gave abroad since 1 January, this run included.

    Counted once each over all runs: one run in parts is one run. sensitive: persons with sensitive
    information in it; personal: all others.
    """

    personal: int = Field(ge=0)
    sensitive: int = Field(ge=0)


Figure = Annotated[float, Field(allow_inf_nan=False)]


class Attack(Part):
    """What an attack on the run's own transcripts found. `value` and `upper` (95 %) are in `unit`.

    view: from whose transcript, by the party's name, or by its seat for all parties of that seat; what it was
    may follow behind a colon.
    baseline: what the attacker has without the transcript. positive: whether the same attack succeeded where
    it must; negative: whether it stayed at chance where nothing is to be found. Without both a figure says
    nothing.
    """

    view: str
    unit: Literal["auc", "rate", "tpr", "cosine", "count"]
    value: Figure
    upper: Figure
    baseline: Figure
    n: int = Field(ge=0)
    seed: int
    positive: bool
    negative: bool

    @model_validator(mode="after")
    def _possible(self) -> Attack:
        """No bound is met by a figure that no attack can find, nor by a baseline that nobody can have."""
        figures = {"value": self.value, "upper": self.upper, "baseline": self.baseline}
        for name, figure in figures.items():
            if figure < 0 or (self.unit != "count" and figure > 1):
                raise ValueError(f"{name}: no figure in {self.unit}")
        return self


class Case(Part):
    """All that rules are asked about. `stage`: "plan" before a run, when its evidence cannot be there yet.

    checks: control id -> how the evidence stands to it. attacks: control id -> attack -> figures. files: what
    was generated for the run (name -> SHA-256), such as the record of processing.
    """

    case: Literal["isthmus.case/v1"] = "isthmus.case/v1"
    name: str = Field(min_length=1, max_length=120)
    stage: Literal["plan", "run"]
    date: dt.date
    purpose: str
    shape: Literal["vertical", "horizontal", "hybrid"]
    parties: Annotated[dict[Name, Party], Field(min_length=2)]
    data: dict[Name, Data]
    flows: tuple[Flow, ...]
    papers: tuple[Paper, ...] = ()
    bases: tuple[Basis, ...] = ()
    statements: tuple[Statement, ...] = ()
    abroad: dict[Place, Cumulated] = Field(default_factory=dict)
    checks: dict[str, Shown] = Field(default_factory=dict)
    attacks: dict[str, dict[str, Attack]] = Field(default_factory=dict)
    files: dict[str, Sha256] = Field(default_factory=dict)
    decides_on_persons: bool = Field(default=True, description="lenders draw strongly on the score")
    enterprise_purpose: bool = Field(default=True, description="trade, investment or credit to enterprises")

    @model_validator(mode="after")
    def _names(self) -> Case:
        named = {
            *self.data,
            *(name for flow in self.flows for name in (flow.sender, flow.receiver, *flow.of)),
        }
        unknown = sorted(named - {*self.parties})
        if unknown:
            raise ValueError(f"data or flows are of {', '.join(unknown)}, who is not among the parties")
        return self

    def canonical(self) -> bytes:
        """What is hashed and kept."""
        return files.canonical_json(self.model_dump(mode="json", exclude_none=True))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form, hexadecimal."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def of_seat(self, *seats: Seat) -> dict[str, Party]:
        """The parties of these seats, by name."""
        return {name: party for name, party in self.parties.items() if party.seat in seats}

    @property
    def borders(self) -> tuple[Border, ...]:
        """Every border that something of somebody's data crosses, from where it was collected or is sent."""
        found: dict[Border, None] = {}
        for flow in self.flows:
            if not flow.of:
                continue
            here, there = self.parties[flow.sender].jurisdiction, self.parties[flow.receiver].jurisdiction
            if here != there:
                found[Border(here, there)] = None
        return tuple(sorted(found))


class Border(tuple[str, str]):
    """From one place to another (ISO 3166-1 alpha-2 each)."""

    __slots__ = ()

    def __new__(cls, origin: str, destination: str) -> Border:
        return super().__new__(cls, (origin, destination))

    @property
    def origin(self) -> str:
        """Where it is sent from."""
        return self[0]

    @property
    def destination(self) -> str:
        """Where it comes to."""
        return self[1]

    def __str__(self) -> str:
        return f"{self[0]} -> {self[1]}"
