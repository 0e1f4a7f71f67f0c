"""May this party do what an order asks, by its own manifest and grants? Asked before anything is sent.

    authorise   when the order is checked: manifest, grants, limits; nothing is written
    begin       once the attempt is claimed: what it takes at most is charged to the grants, durably
    end         when it is over, finished or not: the bytes that left

While a run goes on `Authorisation.revoked` looks at the owner's folder and the clock before each message.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Mapping

from federation.errors import GrantRefused, IsthmusError, UsageError
from federation.governance.authorisation import Authorisation
from federation.governance.covering import Covered, Held, cover
from federation.governance.limits import exceeded
from federation.governance.manifest import Manifest
from federation.governance.needing import (
    NOBODY,
    Known,
    Needs,
    cost_of,
    operations_of,
    recipients_of,
    tellings_of,
)
from federation.governance.terms import Use
from federation.ids import PartyId
from federation.message import Role
from federation.order import Order
from federation.plan import Plan
from parties.dataset import DatasetConfig
from parties.governance.knowing import known_of
from parties.governance.shelf import Shelf
from parties.governance.spending import Spending
from parties.governance.watch import Watch, rights_of
from parties.home import PartyHome


def authorise(
    home: PartyHome, order: Order, dataset: DatasetConfig, now: dt.datetime | None = None
) -> Authorisation:
    """The grants of this party that cover the order. `GrantRefused` where none do; nothing was sent.

    Raises `SpendingRefused` for counters that cannot be relied on.
    """
    needs = needs_of(order.plan, order.members, order.party, dataset, known_of(home, order))
    shelf, at = Shelf(home), now or dt.datetime.now(dt.UTC)
    covered, held = look(home, needs, at, but_for=order)
    return Authorisation(
        manifest=held.manifest,
        grants=covered.grants,
        places=covered.places,
        purpose=needs.purpose,
        operations=needs.operations,
        columns=frozenset(needs.columns),
        left=covered.left,
        revoked=Watch(shelf, covered.grants, rights_of(held.manifest)).revoked,
    )


def _manifest(shelf: Shelf, needs: Needs) -> Manifest:
    """Today's. What is wrong with it is for this party's own people; the others hear the rule."""
    try:
        return shelf.manifest(needs.dataset)
    except UsageError as error:
        raise GrantRefused(
            "G-MANIFEST",
            error.what,
            party=needs.owner,
            file=error.file,
            field=needs.place,
            advice=error.advice,
        ) from None


def look(
    home: PartyHome, needs: Needs, now: dt.datetime, but_for: Order | None = None
) -> tuple[Covered, Held]:
    """What covers `needs` by the party's own files, and what was looked at."""
    shelf, party = Shelf(home), home.name()
    manifest = _manifest(shelf, needs)
    kept = shelf.grants()
    ids = [each.grant.id for each in kept]
    spending = Spending(home, party)
    spending.check_against(
        home.ledger().entries(), [each.grant.id for each in kept if each.revocation is None]
    )
    held = Held(
        manifest=manifest,
        grants=tuple(each.grant for each in kept),
        spent=spending.spent(ids, but_for.run if but_for is not None else None),
        revoked={each.grant.id: each.revocation.at for each in kept if each.revocation is not None},
    )
    return cover(needs, held, now), held


def needs_of(
    plan: Plan, members: tuple[PartyId, ...], me: PartyId, dataset: DatasetConfig, known: Known = NOBODY
) -> Needs:
    """What the plan asks of this party, of roles that it knows. Reads the names of its columns, no row."""
    role = plan.roles()[me]
    operations = operations_of(plan, dataset.share_points and role is not Role.LABEL)
    return Needs(
        owner=me,
        dataset=dataset.name,
        purpose=plan.purpose,
        recipients=recipients_of(members, me),
        parties=len(members),
        operations=operations,
        columns=used_columns(dataset),
        cost=cost_of(plan),
        tellings=tellings_of(plan, role, operations),
        known=known,
    )


def used_columns(dataset: DatasetConfig) -> Mapping[str, frozenset[Use]]:
    """The columns that a round uses, and what the manifest may call each. `UsageError` for what is not there.

    Columns that part the rows (group, time, accepted) are strata, whatever the split. By `dates` and `size`
    rows are compared at home alone, so these may be fields of which nothing leaves.
    """
    present = dataset.present()
    dataset.check_columns(present)
    compared = (*dataset.dates, *filter(None, (dataset.size,)))
    used = dict.fromkeys(compared, frozenset({Use.STRATUM, Use.WEIGHT, Use.FEATURE, Use.NEVER}))
    parting = filter(None, (dataset.accepted, dataset.group, dataset.time))
    used |= dict.fromkeys(parting, frozenset({Use.STRATUM}))
    used |= dict.fromkeys(dataset.feature_columns(present), frozenset({Use.FEATURE}))
    used[dataset.key] = frozenset({Use.KEY})
    if dataset.label is not None:
        used[dataset.label] = frozenset({Use.LABEL})
    return used


def begin(
    home: PartyHome, order: Order, authorisation: Authorisation, now: dt.datetime | None = None
) -> None:
    """Charge this attempt to its grants before anything is sent; `GrantRefused` where it no longer fits."""
    plan, at = order.plan, now or dt.datetime.now(dt.UTC)
    needs = Needs(
        owner=order.party,
        dataset=authorisation.manifest.dataset.id,
        purpose=plan.purpose,
        recipients=recipients_of(order.members, order.party),
        parties=len(order.members),
        operations=authorisation.operations,
        columns={},
        cost=cost_of(plan),
    )
    ids = [grant.id for grant in authorisation.grants]
    with Spending(home, order.party).reserving(ids, order.run) as reservation:
        for grant in authorisation.grants:
            over = exceeded(grant, needs, reservation.spent[grant.id])
            if over is not None:
                raise GrantRefused(
                    "G-LIMIT", f"grant {grant.id}: {over}", party=order.party, field=needs.place
                )
        reservation.write(order.run, order.attempt, ids, needs.cost, at)


def end(home: PartyHome, order: Order) -> None:
    """Settle an attempt: the bytes that its journal shows.

    Where that cannot be written, as on a full disk, the reservation stands and the journal goes on counting;
    what ended the round is told then, not this.
    """
    with contextlib.suppress(IsthmusError, OSError):
        Spending(home, order.party).settle(order.run, order.attempt)
