"""What keeps datasets out of every round for want of a manifest or a grant, found before one is launched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from federation.errors import IsthmusError
from federation.governance.grant import Grant
from federation.governance.needing import Known
from federation.ids import PartyId
from parties.governance.knowing import pinned
from parties.governance.shelf import Shelf
from parties.home import PartyHome


def ungranted(home: PartyHome, now: dt.datetime) -> tuple[str, ...]:
    """A sentence for each dataset of party.toml of which nothing may leave now, and why.

    A grant in force is no promise: which plan it covers is seen when its order comes.
    """
    tables = home.config().get("datasets")
    return tuple(_sentences(home, list(tables) if isinstance(tables, dict) else [], now))


def _sentences(home: PartyHome, datasets: list[str], now: dt.datetime) -> Iterator[str]:
    shelf = Shelf(home)
    try:
        kept, known = shelf.grants(), pinned(home)
    except IsthmusError as error:
        yield f"no grant counts: {error} (next: {error.advice})"
        return
    for name in datasets:
        try:
            today = shelf.manifest(name).digest
        except IsthmusError as error:
            yield f"nothing of dataset {name} may leave: {error.what} (next: {error.advice})"
            continue
        own = [each for each in kept if each.grant.dataset == name]
        if not any(
            each.revocation is None
            and each.grant.manifest_sha256 == today
            and _means(each.grant, known)
            and each.grant.valid_from <= now < each.grant.valid_until
            for each in own
        ):
            why = "no grant of it is in force" if own else "there is no grant of it"
            yield f"nothing of dataset {name} may leave: {why} (next: `isthmus grant new --plan plan.toml`)"


def _means(grant: Grant, known: Known) -> bool:
    """Whether the grant is of this federation, and to those whose keys were compared here."""
    return grant.federation == known.federation and all(
        known.fingerprints.get(PartyId(name)) == recipient.fingerprint for name, recipient in grant.to.items()
    )
