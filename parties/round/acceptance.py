"""Before anything starts: does this party take part in this order? Every reason to refuse stands here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crypto.identity import PublicIdentity
from federation import files
from federation.errors import PlanRefused
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.message import Role
from federation.order import Order
from federation.plan import parse, refuse_shape
from federation.session import Seating
from parties.dataset import DatasetConfig, from_party_table
from parties.features.units import check_units
from parties.home import PartyHome


@dataclass(frozen=True, slots=True)
class Accepted:
    """An order that this party has checked against its own pins and configuration."""

    order: Order
    seating: Seating
    dataset: DatasetConfig

    @property
    def role(self) -> Role:
        """What this party plays in the round."""
        return self.seating.roles[self.order.party]


def accept(home: PartyHome, payload: bytes) -> Accepted:
    """Check signature, members' fingerprints, dataset, label and units.

    Raises `SignatureRefused`, `IdentityRefused`, `PlanRefused` or `UsageError`; nothing was sent then.
    """
    admission, me = home.admission(), home.name()
    order = Order.open(payload, admission.coordinator, me)
    plan = order.plan
    refuse_shape(plan)
    if me not in plan.parties:
        raise PlanRefused("the plan does not name this party", party=me)
    roles = plan.roles()
    others = [party for party in roles if party not in (me, AGGREGATOR)]
    identities: dict[PartyId, PublicIdentity] = order.roster.pinned(home.pins(), others)
    identities[me] = home.identity().public
    identities[AGGREGATOR] = admission.coordinator
    dataset = _dataset(home, plan.parties[me].dataset)
    if (dataset.label is not None) != (roles[me] is Role.LABEL):
        raise PlanRefused(
            "the plan makes this the label party, but its dataset names no label"
            if dataset.label is None
            else "this party's dataset has the label, but the plan gives it another role",
            party=me,
            field=f"parties.{me}.role",
            advice='Let the party with the outcomes have role = "label", and its dataset name `label`.',
        )
    check_units(dataset, {"the plan": plan.units})
    seating = Seating(
        run=order.run,
        attempt=order.attempt,
        plan_digest=plan.digest,
        purpose=plan.purpose,
        roles=roles,
        identities=identities,
        patience=plan.deadlines.message_seconds,
        consortia=plan.consortia(),
    )
    return Accepted(order, seating, dataset)


def dataset_of(home: PartyHome, run: RunId) -> DatasetConfig:
    """This party's dataset of a round that it took part in."""
    plan = parse(files.read(home.round_folder(run) / "plan.json"))
    return _dataset(home, plan.parties[home.name()].dataset)


def _dataset(home: PartyHome, name: str) -> DatasetConfig:
    tables = home.config().get("datasets", {})
    if not isinstance(tables, Mapping) or name not in tables:
        raise PlanRefused(
            f"the plan names the dataset {name!r}, which this party does not have",
            party=home.name(),
            field=f"datasets.{name}",
            advice=f"Add a table [datasets.{name}] to party.toml, or change the plan.",
        )
    return from_party_table(name, tables[name], party=home.name(), folder=home.folder)
