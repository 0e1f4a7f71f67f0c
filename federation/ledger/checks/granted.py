"""The grants and revocations of a pack, as their owner signed them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from pydantic import ValidationError

from crypto import dsse
from crypto.errors import Refusal
from crypto.identity import PublicIdentity
from federation.governance.grant import GRANT_TYPE, REVOCATION_TYPE, Grant, Revocation
from federation.ledger.lines import Attempt, Logged
from federation.ledger.reading import Reading

_ADVICE = "Ask its owner for it again."


def grant_in(file: str, data: bytes, owner: PublicIdentity) -> Grant:
    """A grant of the pack; `Refusal` where its owner did not sign it in this form."""
    payload = dsse.unseal(data, GRANT_TYPE, owner)
    try:
        grant = Grant.model_validate_json(payload)
    except ValidationError:
        grant = None
    if grant is None or grant.canonical() != payload or file != f"{grant.id}.dsse.json":
        raise Refusal(f"grants/{file} is not a grant of that name", advice=_ADVICE)
    return grant


def granted_in(reading: Reading, attempt: Attempt) -> tuple[Grant, ...]:
    """The grants that an attempt's plan entry names; `Refusal` where the pack lacks one."""
    names = [] if attempt.plan is None else attempt.plan.fields["grants"]
    owner, found = reading.known[reading.pack.party], reading.pack.under("grants")
    for name in names:
        if f"{name}.dsse.json" not in found:
            raise Refusal(f"the pack lacks the grant {name}", advice=_ADVICE)
    return tuple(grant_in(f"{name}.dsse.json", found[f"{name}.dsse.json"], owner) for name in names)


def revocations_in(reading: Reading, owner: PublicIdentity) -> Mapping[str, dt.datetime]:
    """Grant -> when it was taken back, of the pack's revocations and of the ledger's."""
    found = {
        str(entry.fields["grant"]): time_of(entry) for entry in reading.entries if entry.kind == "revocation"
    }
    for file, data in reading.pack.under("revocations").items():
        payload = dsse.unseal(data, REVOCATION_TYPE, owner)
        try:
            revocation = Revocation.model_validate_json(payload)
        except ValidationError:
            raise Refusal(f"revocations/{file} is none", advice=_ADVICE) from None
        at = revocation.at
        found[revocation.grant_id] = min(at, found.get(revocation.grant_id, at))
    return found


def time_of(entry: Logged) -> dt.datetime:
    """When an entry was written, by its role's clock."""
    return dt.datetime.strptime(entry.at, "%Y-%m-%dT%H:%M:%S%z")
