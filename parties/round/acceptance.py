"""Before anything starts: does this party take part in this order? Every reason to refuse stands here."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from crypto.codes import Code
from crypto.identity import PublicIdentity
from federation.errors import GrantRefused, IsthmusError, PlanRefused
from federation.governance.authorisation import Authorisation
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.message import Role
from federation.order import Order
from federation.plan import Plan
from federation.session import Seating
from parties.dataset import DatasetConfig, from_party_table
from parties.features.units import check_units
from parties.governance.authority import authorise
from parties.home import PartyHome


@dataclass(frozen=True, slots=True)
class Accepted:
    """An order that this party has checked against its own pins and configuration."""

    order: Order
    seating: Seating
    dataset: DatasetConfig
    authorisation: Authorisation

    @property
    def role(self) -> Role:
        """What this party plays in the round."""
        return self.seating.roles[self.order.party]


def accept(home: PartyHome, payload: bytes) -> Accepted:
    """Check signature, members' fingerprints, dataset, label, units, and that this party's grants cover it.

    Raises `SignatureRefused`, `IdentityRefused`, `PlanRefused`, `GrantRefused` or `UsageError`; nothing was
    sent then.
    """
    admission, me = home.admission(), home.name()
    order = Order.open(payload, admission.coordinator, me)
    plan = order.plan
    if me not in plan.parties:
        raise PlanRefused("the plan does not name this party", party=me, code=Code.PLAN_WITHOUT_US)
    plan.check_members(order.members)
    if me not in order.members:
        raise PlanRefused("the order leaves this party out", party=me, code=Code.PLAN_WITHOUT_US)
    roles = {seat: role for seat, role in plan.roles().items() if seat in (*order.members, AGGREGATOR)}
    others = [party for party in roles if party not in (me, AGGREGATOR)]
    identities: dict[PartyId, PublicIdentity] = order.roster.pinned(home.pins(), others)
    identities[me] = home.identity().public
    identities[AGGREGATOR] = admission.coordinator
    dataset = own_dataset(home, plan.parties[me].dataset)
    if plan.model.kind == "rejects":
        _check_lookup(dataset, roles[me])
    else:
        _check_label(dataset, plan, roles[me])
    check_units(dataset, {"the plan": plan.units})
    seating = Seating(
        run=order.run,
        attempt=order.attempt,
        plan_digest=plan.digest,
        purpose=plan.purpose,
        roles=roles,
        identities=identities,
        patience=plan.deadlines.message_seconds,
        consortia={party: name for party, name in plan.consortia().items() if party in roles},
    )
    return Accepted(order, seating, dataset, _authorised(home, order, dataset))


def _authorised(home: PartyHome, order: Order, dataset: DatasetConfig) -> Authorisation:
    """What the grants cover; a refusal is written down before it is told."""
    try:
        return authorise(home, order, dataset)
    except GrantRefused as refusal:
        with contextlib.suppress(IsthmusError):  # A ledger that cannot be written hides no refusal.
            home.ledger().append(
                "refusal",
                run=order.run,
                attempt=order.attempt,
                plan=order.plan.digest.hex(),
                rule=refusal.rule,
            )
        raise


def _check_label(dataset: DatasetConfig, plan: Plan, role: Role) -> None:
    """Outcomes are at the label party alone, of all its firms; in a horizontal one each party has its own."""
    if dataset.accepted is not None:
        raise PlanRefused(
            "this party's dataset holds applicants without an outcome, of which nothing is learnt",
            party=dataset.holder,
            field=f"datasets.{dataset.name}.accepted",
            advice='Name a dataset of accepted firms alone, or plan model.kind = "rejects".',
            code=Code.PLAN_DATASET,
        )
    if role is Role.MEMBER:
        if dataset.label is None:
            raise PlanRefused(
                "in a horizontal round every party has outcomes, and this party's dataset names no label",
                party=dataset.holder,
                field=f"datasets.{dataset.name}.label",
                advice="Name the column with the outcomes as `label` in party.toml.",
                code=Code.PLAN_ROLE,
            )
    elif (dataset.label is not None) != (role is Role.LABEL):
        raise PlanRefused(
            "the plan makes this the label party, but its dataset names no label"
            if dataset.label is None
            else "this party's dataset has the label, but the plan gives it another role",
            party=dataset.holder,
            field=f"parties.{dataset.holder}.role",
            advice='Let the party with the outcomes have role = "label", and its dataset name `label`.',
            code=Code.PLAN_ROLE,
        )


def _check_lookup(dataset: DatasetConfig, role: Role) -> None:
    """The bank that asks knows whom it accepted; the lender that is asked has outcomes of all its firms."""
    if dataset.label is None:
        raise PlanRefused(
            "both lenders have outcomes in this plan, and this party's dataset names no label",
            party=dataset.holder,
            field=f"datasets.{dataset.name}.label",
            advice="Name the column with the outcomes as `label` in party.toml.",
            code=Code.PLAN_ROLE,
        )
    if (dataset.accepted is not None) != (role is Role.LABEL):
        raise PlanRefused(
            "this party asks about rejected firms, and its dataset does not say whom it accepted"
            if dataset.accepted is None
            else "this party is asked for outcomes, and its dataset holds applicants that have none",
            party=dataset.holder,
            field=f"datasets.{dataset.name}.accepted",
            advice="At the bank that asks, name the column that says who was accepted as `accepted` in "
            "party.toml; at the lender that is asked, a dataset of its customers without one.",
            code=Code.PLAN_DATASET,
        )


def dataset_of(home: PartyHome, run: RunId) -> DatasetConfig:
    """This party's dataset of a round that it took part in."""
    plan = home.plan(run)
    return own_dataset(home, plan.parties[home.name()].dataset)


def own_dataset(home: PartyHome, name: str, asked: str = "the plan") -> DatasetConfig:
    """The dataset that `asked` names, as party.toml describes it; `PlanRefused` where it does not."""
    tables = home.config().get("datasets", {})
    if not isinstance(tables, Mapping) or name not in tables:
        raise PlanRefused(
            f"{asked} names the dataset {name!r}, which this party does not have",
            party=home.name(),
            field=f"datasets.{name}",
            advice=f"Add a table [datasets.{name}] to party.toml, or change {asked}.",
            code=Code.PLAN_DATASET,
        )
    return from_party_table(name, tables[name], party=home.name(), folder=home.folder)
