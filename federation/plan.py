"""The plan of a round: what the coordinator signs and every party accepts or refuses.

    name = "sme-credit"
    purpose = "credit-scoring"

    [parties.bank]                  # the order counts: the first party without the label is the helper
    role = "label"
    dataset = "loans"
    [parties.platform]
    dataset = "orders"
    [parties.public]
    dataset = "registry"

    [alignment]
    minimum_intersection = 500      # fewer common firms end the round
    [split]
    test_share = 0.3
    seed = 7
    [model]
    kind = "logistic"
    l2 = 1.0                        # as scikit-learn's C = 1 / l2
    tolerance = 5e-4                # about the error left in a coefficient
    max_iterations = 60
    [scores]
    open = "test"                   # to the label party: "test", "all" or "none" of the rows
    [units]                         # what a column of this name is counted in, at every party
    turnover = "CNY"
    [limits]
    equations_per_row = 0.02
    [deadlines]
    join_seconds = 120              # for a party to come online
    message_seconds = 300           # for one message of a named party
    run_seconds = 7200              # for the whole round

Everything but `name`, `purpose` and `parties` may be left out; the values above are the defaults.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from federation import files
from federation.errors import IsthmusError, PlanRefused, UsageError
from federation.ids import AGGREGATOR, PartyId, party_id
from federation.message import Role


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PlanParty(_Table):
    """One data party's part: its role, and the name of the dataset in its own configuration."""

    role: Literal["label", "feature"] = "feature"
    dataset: str = Field(default="data", min_length=1, max_length=64)


class Alignment(_Table):
    """When too few firms are common to go on."""

    minimum_intersection: int = Field(default=500, ge=50)


class Split(_Table):
    """Which of the common firms train."""

    test_share: float = Field(default=0.3, ge=0.05, le=0.9)
    seed: int = Field(default=7, ge=0)


class Model(_Table):
    """What is trained, and when training ends."""

    kind: Literal["logistic"] = "logistic"
    l2: float = Field(default=1.0, gt=0, le=1e6)
    tolerance: float = Field(default=5e-4, ge=1e-5, le=1e-1)
    max_iterations: int = Field(default=60, ge=2, le=200)


class Scores(_Table):
    """Which rows' joint score the label party may see."""

    open: Literal["test", "all", "none"] = "test"


class Limits(_Table):
    """What a party without the label may be given at most."""

    equations_per_row: float = Field(default=0.02, gt=0, le=0.02)


class Deadlines(_Table):
    """How long to wait, in seconds."""

    join_seconds: float = Field(default=120.0, gt=0, le=86400)
    message_seconds: float = Field(default=300.0, gt=0, le=86400)
    run_seconds: float = Field(default=7200.0, gt=0, le=7 * 86400)


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$")]


def _party_name(text: str) -> str:
    try:
        return party_id(text)
    except IsthmusError as error:
        raise ValueError(error.what) from None


PartyName = Annotated[str, AfterValidator(_party_name)]


def _miscounted(roles: list[Any]) -> list[str]:
    """What is wrong with the number of parties or of label holders."""
    problems = []
    if len(roles) < 2:
        problems.append("parties: at least two are needed")
    if roles.count("label") != 1:
        problems.append(f'parties: exactly one has role = "label", here {roles.count("label")}')
    return problems


class Plan(_Table):
    """A validated plan. Equal plans have equal `digest`s."""

    name: Name
    purpose: Name
    parties: dict[PartyName, PlanParty]
    alignment: Alignment = Alignment()
    split: Split = Split()
    model: Model = Model()
    scores: Scores = Scores()
    units: dict[str, str] = Field(default_factory=dict)
    limits: Limits = Limits()
    deadlines: Deadlines = Deadlines()

    @model_validator(mode="after")
    def _check_parties(self) -> Plan:
        if problems := _miscounted([party.role for party in self.parties.values()]):
            raise ValueError("; ".join(problems))
        return self

    def roles(self) -> dict[PartyId, Role]:
        """Every seat's role, the label party first, then the helper; the aggregator last."""
        order = sorted(self.parties, key=lambda name: self.parties[name].role != "label")
        roles = [Role.LABEL, Role.HELPER, *[Role.FEATURE] * (len(order) - 2)]
        seats = {PartyId(name): role for name, role in zip(order, roles, strict=True)}
        return {**seats, AGGREGATOR: Role.AGGREGATOR}

    def canonical(self) -> bytes:
        """The bytes that are signed. The parties' order counts, so they stand in a list."""
        fields = self.model_dump()
        fields["parties"] = list(fields["parties"].items())
        return files.canonical_json(fields)

    @property
    def digest(self) -> bytes:
        """SHA-256 of `canonical()`."""
        return hashlib.sha256(self.canonical()).digest()


def load(path: Path) -> Plan:
    """Read and check a plan file. One `UsageError` lists every problem with its key and what is allowed."""
    try:
        table = tomllib.loads(files.read(path, "Give the path of a plan file.").decode("utf-8"))
    except UnicodeDecodeError:
        raise UsageError(
            "the plan is not UTF-8 text", file=str(path), advice="Save it as UTF-8 and launch again."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"the plan is not TOML: {error}", file=str(path), advice="Mend that line and launch again."
        ) from None
    try:
        return Plan.model_validate(table)
    except ValidationError as error:
        _refuse(error, table, str(path))


def parse(canonical: bytes) -> Plan:
    """The plan from its canonical bytes; `PlanRefused` when they are not exactly those."""
    try:
        fields = json.loads(canonical)
        fields["parties"] = dict(fields["parties"])
        plan = Plan.model_validate(fields)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise PlanRefused("the plan that came is not a plan of this version") from None
    if plan.canonical() != canonical:
        raise PlanRefused("the plan that came is not in its canonical form")
    return plan


def _refuse(error: ValidationError, table: dict[str, Any], file: str) -> NoReturn:
    problems = [_problem(detail) for detail in error.errors(include_url=False)]
    parties = table.get("parties")
    if isinstance(parties, dict):  # pydantic counts them only when nothing else is wrong.
        roles = [party.get("role", "feature") for party in parties.values() if isinstance(party, dict)]
        problems += [problem for problem in _miscounted(roles) if problem not in problems]
    raise UsageError(
        f"the plan has {len(problems)} problem(s):" + "".join(f"\n  - {problem}" for problem in problems),
        file=file,
        advice="Mend them and launch again; docs/plan.md lists every key.",
    )


def _problem(detail: Any) -> str:
    key = ".".join(str(part) for part in detail["loc"] if part != "[key]") or "plan"
    kind, allowed = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return f"{key}: is missing"
    if kind == "extra_forbidden":
        return f"{key}: no such key"
    if kind == "literal_error":
        return f"{key}: allowed are {allowed['expected']}"
    if kind == "value_error":
        return f"{key}: {allowed['error']}" if detail["loc"] else str(allowed["error"])
    return f"{key}: {detail['msg'][0].lower()}{detail['msg'][1:]}"
