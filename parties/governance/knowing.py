"""Whom this party means by the other roles' names, when it signs a grant and when an order comes."""

from __future__ import annotations

from crypto.dsse import key_id
from federation.governance.needing import Known
from federation.ids import AGGREGATOR, PartyId
from federation.order import Order
from parties.home import PartyHome


def pinned(home: PartyHome) -> Known:
    """Those whose fingerprints were compared here; the coordinator's when its admission was accepted.

    `UsageError` before the party is admitted, as it is known in no federation then.
    """
    admission = home.admission()
    known = {PartyId(name): "".join(fingerprint.split()) for name, fingerprint in home.pins().items()}
    known[AGGREGATOR] = key_id(admission.coordinator)
    return Known(admission.federation, known)


def known_of(home: PartyHome, order: Order) -> Known:
    """The identities that take part in `order`, whose signature was checked."""
    known = {name: key_id(member.identity) for name, member in order.roster.members.items()}
    known[AGGREGATOR] = key_id(home.admission().coordinator)
    return Known(order.roster.federation, known)
