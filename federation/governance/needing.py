"""What an order asks of one party's dataset, as it follows from the plan: no file, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from federation.governance.guard.forms import form_of
from federation.governance.guard.sizes import training_of, types_of
from federation.governance.terms import Form, Operation, Use
from federation.ids import AGGREGATOR, PartyId
from federation.message import REGISTRY, Role
from federation.plan import Plan


@dataclass(frozen=True, slots=True)
class Cost:
    """What one attempt at a plan takes of limits at most. `epsilon`: None where the plan has no noise.

    `attempts`: how many attempts one run has at most, which count as one run together.
    """

    rounds: int = 1
    psi_runs: int = 0
    epsilon: float | None = None
    equations_per_row: float = 0.0
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Telling:
    """A message type that may leave the party: in what form something of fields of which uses is in it."""

    message: str
    form: Form
    of: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """Whom a federation's names mean: the fingerprint of each role, 64 digits, as the party checked it."""

    federation: str
    fingerprints: Mapping[PartyId, str]


#: No name means anybody: no grant covers then.
NOBODY = Known("", {})


@dataclass(frozen=True, slots=True)
class Needs:
    """What an order asks of one party's dataset. `parties`: how many data parties take part.

    `columns`: each column that is used, and as what the manifest may have it. `known`: who they are.
    """

    owner: PartyId
    dataset: str
    purpose: str
    recipients: frozenset[PartyId]
    parties: int
    operations: frozenset[Operation]
    columns: Mapping[str, frozenset[Use]]
    cost: Cost = Cost()
    tellings: tuple[Telling, ...] = ()
    known: Known = NOBODY

    @property
    def place(self) -> str:
        """The dataset, as errors name it."""
        return f"datasets.{self.dataset}"


def operations_of(plan: Plan, shares_points: bool) -> frozenset[Operation]:
    """What a plan does with a dataset. `shares_points`: a scorecard's points go to the label party."""
    if plan.shape == "horizontal":
        return frozenset({Operation.TRAIN_HORIZONTAL, Operation.EVALUATE})
    found = {Operation.PSI, Operation.TRAIN_VERTICAL, Operation.EVALUATE}
    if plan.shape == "hybrid":
        found.add(Operation.TRAIN_HORIZONTAL)
    if plan.model.kind != "rejects" and plan.scores.open != "none":
        found.add(Operation.SCORE)
    if shares_points and plan.model.kind == "scorecard":
        found.add(Operation.EXPORT)
    return frozenset(found)


def cost_of(plan: Plan) -> Cost:
    """What one attempt takes at most: itself and its training rounds, one alignment, noise, equations."""
    over_rounds, aligned = plan.shape != "vertical", plan.shape != "horizontal"
    trained = aligned and plan.model.kind != "rejects"
    return Cost(
        rounds=1 + (plan.training.rounds if over_rounds else 0),
        psi_runs=int(aligned),
        epsilon=plan.privacy.epsilon if plan.privacy.unit != "none" else None,
        equations_per_row=plan.limits.equations_per_row if trained else 0.0,
        attempts=plan.most_attempts,
    )


def tellings_of(plan: Plan, role: Role, operations: frozenset[Operation]) -> tuple[Telling, ...]:
    """Every type that a party of this role may send and that tells something of its fields, by name.

    Some go only as the run turns out, such as what a member that was away is told: they count too, so that
    a round that begins can end. Types for an operation that the order does not ask for are not sent.
    """
    kinds = (REGISTRY[name] for name in sorted(types_of(plan, role) & REGISTRY.keys()))
    return tuple(
        Telling(kind.NAME, form_of(plan, kind), kind.OF)
        for kind in kinds
        if kind.OF and (kind.OPERATION or training_of(plan, kind)) in operations
    )


def recipients_of(members: Iterable[PartyId], me: PartyId) -> frozenset[PartyId]:
    """Everybody else in a round, the aggregator included."""
    return frozenset({*members, AGGREGATOR} - {me})
