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
    method = "random"               # "out_of_time": the latest rows are kept for the test
    test_share = 0.3
    seed = 7
    folds = 0                       # logistic: from 2 on, cross-validation: as many fits more
    [model]
    kind = "logistic"               # "scorecard", "boosting", "rejects": `federation.credit` has their tables
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

That is the vertical shape: the parties hold different columns of the same firms. There are two others
(`federation.tables` has their tables and defaults):

    shape = "horizontal"            # the same columns of different firms, and one torch model: every party
                                    # has the outcomes; no role, no [alignment], no [scores]
    shape = "hybrid"                # consortia, in [parties.NAME] `consortium`: vertical inside each,
                                    # horizontal across them; the order tells who are counterparts

Everything but `name`, `purpose` and `parties` may be left out; the values above are the defaults.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import AfterValidator, Field, ValidationError, model_validator

from crypto.codes import Code
from crypto.summation.protection import MOST_MEMBERS
from federation import files
from federation.credit import Binning, Boosting, Rejects, Scorecard, Selection
from federation.errors import IsthmusError, PlanRefused, UsageError
from federation.ids import AGGREGATOR, PartyId, party_id
from federation.message import Role
from federation.tables import (
    Alignment,
    Column,
    Deadlines,
    Limits,
    Model,
    PlanParty,
    Privacy,
    Robust,
    Scores,
    Split,
    Sum,
    Table,
    Title,
    Training,
)


def _party_name(text: str) -> str:
    try:
        return party_id(text)
    except IsthmusError as error:
        raise ValueError(error.what) from None


PartyName = Annotated[str, AfterValidator(_party_name)]


def _miscounted(shape: object, parties: dict[str, Any]) -> list[str]:
    """What is wrong with the number of parties, their roles, their consortia. `parties` may be raw tables."""

    def fields(name: str) -> list[Any]:
        return [
            party.get(name) if isinstance(party, dict) else getattr(party, name) for party in parties.values()
        ]

    roles, consortia = fields("role"), fields("consortium")
    if shape == "horizontal":
        return _miscounted_peers(roles, consortia)
    if shape == "hybrid":
        return _miscounted_consortia(roles, consortia)
    problems = []
    if len(parties) < 2:
        problems.append("parties: at least two are needed")
    if roles.count("label") != 1:
        problems.append(f'parties: exactly one has role = "label", here {roles.count("label")}')
    if any(consortia):
        problems.append('parties: a consortium belongs to shape = "hybrid"')
    return problems


def _miscounted_peers(roles: list[Any], consortia: list[Any]) -> list[str]:
    problems = []
    if len(roles) < 2:
        problems.append("parties: at least two are needed")
    if "label" in roles:
        problems.append('parties: no party has a role in shape = "horizontal": each has outcomes of its own')
    if any(consortia):
        problems.append('parties: a consortium belongs to shape = "hybrid"')
    return problems


def _miscounted_consortia(roles: list[Any], consortia: list[Any]) -> list[str]:
    if not all(consortia):
        return ['parties: in shape = "hybrid" each party names its consortium']
    names = list(dict.fromkeys(consortia))
    problems = [] if len(names) > 1 else ["parties: at least two consortia are needed"]
    for name in names:
        own = [role for role, consortium in zip(roles, consortia, strict=True) if consortium == name]
        if len(own) < 2:
            problems.append(f"parties: at least two are needed in the consortium {name}")
        if own.count("label") != 1:
            problems.append(f'parties: exactly one has role = "label" in {name}, here {own.count("label")}')
    if len({consortia.count(name) for name in names}) > 1:
        problems.append("parties: all consortia have the same number of parties")
    return problems


class Plan(Table):
    """A validated plan. Equal plans have equal `digest`s."""

    name: Title
    purpose: Title
    shape: Literal["vertical", "horizontal", "hybrid"] = "vertical"
    parties: dict[PartyName, PlanParty]
    minimum_parties: int | None = Field(default=None, ge=2)
    alignment: Alignment = Alignment()
    split: Split = Split()
    model: Model = Model()
    binning: Binning = Binning()
    selection: Selection = Selection()
    scorecard: Scorecard = Scorecard()
    boosting: Boosting = Boosting()
    rejects: Rejects = Rejects()
    training: Training = Training()
    sum: Sum = Sum()
    privacy: Privacy = Privacy()
    robust: Robust = Robust()
    columns: dict[str, Column] = Field(default_factory=dict)
    scores: Scores = Scores()
    units: dict[str, str] = Field(default_factory=dict)
    limits: Limits = Limits()
    deadlines: Deadlines = Deadlines()

    @model_validator(mode="after")
    def _check_whole(self) -> Plan:
        problems = _miscounted(self.shape, dict(self.parties)) or _contradictions(self)
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def least_parties(self) -> int:
        """With fewer parties present the round does not go on."""
        return len(self.parties) if self.minimum_parties is None else self.minimum_parties

    @property
    def most_attempts(self) -> int:
        """Attempts at one run of it: a horizontal one alone goes on where another was broken off."""
        return 20 if self.shape == "horizontal" else 1

    def roles(self) -> dict[PartyId, Role]:
        """Every seat's role, the aggregator last.

        Vertical: the label party first, then the helper. Hybrid: so in each consortium. Horizontal: every
        party is a member, in the plan's order.
        """
        names = list(map(PartyId, self.parties))
        seats: dict[PartyId, Role] = {}
        for consortium in dict.fromkeys(self.parties[name].consortium for name in names):
            own = [name for name in names if self.parties[name].consortium == consortium]
            seats |= self._roles_within(own)
        return {**seats, AGGREGATOR: Role.AGGREGATOR}

    def _roles_within(self, names: list[PartyId]) -> dict[PartyId, Role]:
        if self.shape == "horizontal":
            return dict.fromkeys(names, Role.MEMBER)
        order = sorted(names, key=lambda name: self.parties[name].role != "label")
        return dict(zip(order, [Role.LABEL, Role.HELPER, *[Role.FEATURE] * len(order)], strict=False))

    def consortia(self) -> dict[PartyId, str]:
        """Party -> its consortium; empty unless the shape is hybrid."""
        return {PartyId(name): each.consortium for name, each in self.parties.items() if each.consortium}

    def check_members(self, members: tuple[PartyId, ...]) -> None:
        """Raise `PlanRefused` unless `members` may go on with this plan: its parties in its order, enough.

        Only horizontal rounds go on without a party: elsewhere each has columns that nobody else has.
        """
        planned = tuple(map(PartyId, self.parties))
        if members != tuple(party for party in planned if party in members):
            raise PlanRefused("the order names others than the plan's parties, or in another order")
        least = self.least_parties if self.shape == "horizontal" else len(planned)
        if len(members) < least:
            raise PlanRefused(
                f"{len(members)} of the plan's {len(planned)} parties take part, and {least} are the fewest",
                field="minimum_parties",
                code=Code.TOO_FEW_PARTIES,
            )

    def canonical(self) -> bytes:
        """The bytes that are signed. The parties' order counts, so they stand in a list."""
        fields = self.model_dump()
        fields["parties"] = list(fields["parties"].items())
        return files.canonical_json(fields)

    @property
    def digest(self) -> bytes:
        """SHA-256 of `canonical()`."""
        return hashlib.sha256(self.canonical()).digest()


#: The tables that only some shapes read.
_TABLES_OF = {
    "vertical": ("alignment", "scores", "limits", "binning", "selection", "scorecard", "boosting", "rejects"),
    "horizontal": ("training", "sum", "privacy", "robust", "columns", "minimum_parties"),
    "hybrid": ("alignment", "scores", "limits", "sum", "privacy", "columns", "training"),
}


def _contradictions(plan: Plan) -> list[str]:
    """Every reason why tables that are right one by one do not go together."""
    elsewhere = {name for names in _TABLES_OF.values() for name in names} - set(_TABLES_OF[plan.shape])
    problems = [
        f'{name}: has no meaning in shape = "{plan.shape}"'
        for name in sorted(elsewhere)
        if getattr(plan, name) != Plan.model_fields[name].get_default(call_default_factory=True)
    ]
    problems += plan.model.contradictions(plan.shape)
    if plan.shape == "vertical":
        problems += _unfit_credit(plan)
    problems += _unfit_folds(plan)
    if plan.minimum_parties is not None and plan.minimum_parties > len(plan.parties):
        problems.append(f"minimum_parties: {plan.minimum_parties} of {len(plan.parties)} parties")
    problems += _unfit_sums(plan)
    if plan.robust.groups == 2:
        problems.append("robust.groups: the median of two groups is their mean; plan one, or three or more")
    if plan.shape == "hybrid":
        problems += _unfit_hybrid(plan)
    problems += _exact_beside_noise(plan)
    if plan.training.strategy == "personalised" and plan.model.kind == "module":
        problems.append("training.strategy: a personalised model is logistic or mlp, whose head is known")
    if plan.training.strategy == "scaffold" and plan.shape == "horizontal":
        problems += _unfit_scaffold(plan)
    return problems


def _unfit_scaffold(plan: Plan) -> list[str]:
    """The mean gradient is exact, over all members, and weighed by rows with a code."""
    problems = []
    if plan.model.kind == "module":
        problems.append('training.strategy: a model of "scaffold" is logistic or mlp, whose codes are known')
    if plan.privacy.unit != "none":
        problems.append('training.strategy: "scaffold" tells exact gradients; set privacy.unit to "none"')
    if plan.robust.groups > 1:
        problems.append(
            'training.strategy: with "scaffold" a bad gradient turns the steps of all parties, which no '
            'median of groups prevents; set robust.groups to 1, or plan "fedavg"'
        )
    return problems


#: The tables that only some kinds of vertical models read.
_TRAINED = ("logistic", "scorecard", "boosting", "mlp", "module")
_CREDIT_TABLES = {
    "binning": ("scorecard",),
    "selection": ("scorecard",),
    "scorecard": ("scorecard",),
    "boosting": ("boosting",),
    "rejects": ("rejects",),
    "split": _TRAINED,
    "scores": _TRAINED,
    "limits": _TRAINED,
}


def _unfit_credit(plan: Plan) -> list[str]:
    """Tables of a vertical plan that its kind of model does not read, and parties too many for a lookup."""
    problems = [
        f'{name}: has no meaning for model.kind = "{plan.model.kind}"'
        for name, kinds in _CREDIT_TABLES.items()
        if plan.model.kind not in kinds and getattr(plan, name) != Plan.model_fields[name].default
    ]
    if plan.model.kind == "rejects" and len(plan.parties) != 2:
        problems.append(
            f'parties: model.kind = "rejects" has two, the bank that asks and one other lender, here '
            f"{len(plan.parties)}"
        )
    return problems


def _unfit_folds(plan: Plan) -> list[str]:
    """Why a plan cannot be cross-validated, if it asks to be."""
    if not plan.split.folds:
        return []
    problems = []
    if plan.shape != "vertical" or plan.model.kind != "logistic":
        problems.append('split.folds: only vertical plans with model.kind = "logistic" are cross-validated')
    if plan.scores.open == "none":
        problems.append(
            'split.folds: needs the scores of rows that are left out: scores.open = "test" or "all"'
        )
    return problems


def _unfit_hybrid(plan: Plan) -> list[str]:
    """What of the tables that a hybrid plan shares with a horizontal one has no meaning in it."""
    problems = [
        f'training.{name}: has no meaning in shape = "hybrid": fits are vertical, rounds and mu are read'
        for name, field in Training.model_fields.items()
        if name not in ("rounds", "mu") and getattr(plan.training, name) != field.default
    ]
    if plan.privacy.unit == "record":
        problems.append('privacy.unit: in shape = "hybrid" noise is on what crosses: "party", or "none"')
    if not plan.columns:
        problems.append('columns: shape = "hybrid" encodes by declarations alone: [columns.NAME] for each')
    return problems


def _exact_beside_noise(plan: Plan) -> list[str]:
    """What would be told without noise, or could not be told with it."""
    problems = []
    if plan.privacy.unit != "none" and plan.training.patience:
        problems.append("training.patience: early stopping looks at exact sums, without noise; set it to 0")
    if plan.privacy.unit == "party" and plan.shape == "horizontal":
        if plan.minimum_parties not in (None, len(plan.parties)):
            problems.append(
                'minimum_parties: with privacy.unit = "party" a sum made again over fewer parties would tell '
                "the difference; leave it out"
            )
        if plan.training.class_weight != "none":
            problems.append(
                'training.class_weight: with privacy.unit = "party" no outcome is counted; set it to "none"'
            )
    return problems


def _unfit_sums(plan: Plan) -> list[str]:
    """Sums over too few or too many. One of two tells each of them the other's part: no masking helps there.

    Horizontal: over the parties, or those of a group. Hybrid: over one party of each consortium.
    """
    if plan.shape == "vertical":
        return []
    over = len(plan.parties) if plan.shape == "horizontal" else len(set(plan.consortia().values()))
    if over > MOST_MEMBERS:
        return [f"parties: a sum is over at most {MOST_MEMBERS}, here {over}"]
    smallest = over
    if plan.shape == "horizontal":
        smallest = min(plan.least_parties, over) // plan.robust.groups
    if smallest >= 3 or (smallest == 2 and plan.privacy.unit != "none"):
        return []
    key = "parties" if smallest == over else "robust.groups" if plan.robust.groups > 1 else "minimum_parties"
    if smallest < 2:
        return [f"{key}: a sum over one party is that party's own update"]
    told = "a sum over two parties tells each of them the other's part (the sum minus its own)"
    return [f'{key}: {told}; plan three or more, or turn noise on: privacy.unit = "record" or "party"']


def load(path: Path) -> Plan:
    """Read and check a plan file. One `UsageError` lists every problem with its key and what is allowed."""
    try:
        table = tomllib.loads(files.read(path, "Give the path of a plan file.").decode("utf-8"))
    except UnicodeDecodeError:
        raise UsageError(
            "the plan is not UTF-8 text",
            file=str(path),
            advice="Save it as UTF-8 and launch again.",
            code=Code.PLAN_MALFORMED,
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"the plan is not TOML: {error}",
            file=str(path),
            advice="Mend that line and launch again.",
            code=Code.PLAN_MALFORMED,
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
        raise PlanRefused(
            "the plan that came is not a plan of this version", code=Code.PLAN_VERSION
        ) from None
    if plan.canonical() != canonical:
        raise PlanRefused("the plan that came is not in its canonical form")
    return plan


def _refuse(error: ValidationError, table: dict[str, Any], file: str) -> NoReturn:
    problems = [_problem(detail) for detail in error.errors(include_url=False)]
    parties = table.get("parties")
    if isinstance(parties, dict):  # pydantic counts them only when nothing else is wrong.
        given = {name: party for name, party in parties.items() if isinstance(party, dict)}
        told = " ".join(problems)
        problems += [each for each in _miscounted(table.get("shape", "vertical"), given) if each not in told]
    raise UsageError(
        f"the plan has {len(problems)} problem(s):" + "".join(f"\n  - {problem}" for problem in problems),
        file=file,
        advice="Mend them and launch again; docs/plan.md lists every key.",
        code=Code.PLAN_MALFORMED,
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
