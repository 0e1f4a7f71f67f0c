"""Grants and revocations as signed files: a DSSE envelope over the canonical JSON, by the owner's identity.

Source: DSSE v1 (secure-systems-lab/dsse), Ed25519 (RFC 8032). A party acts on envelopes of its own identity
alone; others verify with the owner's public key.
"""

from __future__ import annotations

import hashlib
from typing import TypeVar

from pydantic import ValidationError

from crypto import dsse
from crypto.identity import Identity, PublicIdentity
from federation.errors import GrantRefused
from federation.governance.grant import GRANT_TYPE, REVOCATION_TYPE, Grant, Revocation

_Signed = TypeVar("_Signed", Grant, Revocation)


def sealed_grant(grant: Grant, owner: Identity) -> bytes:
    """The envelope of a grant."""
    return dsse.seal(GRANT_TYPE, grant.canonical(), owner)


def sealed_revocation(revocation: Revocation, owner: Identity) -> bytes:
    """The envelope of a revocation."""
    return dsse.seal(REVOCATION_TYPE, revocation.canonical(), owner)


def opened_grant(envelope: bytes, owner: PublicIdentity) -> Grant:
    """The grant that `owner` signed; `SignatureRefused` or another `Refusal` when it is none."""
    return _opened(dsse.unseal(envelope, GRANT_TYPE, owner), Grant)


def opened_revocation(envelope: bytes, owner: PublicIdentity) -> Revocation:
    """The revocation that `owner` signed; `SignatureRefused` or another `Refusal` when it is none."""
    return _opened(dsse.unseal(envelope, REVOCATION_TYPE, owner), Revocation)


def digest(envelope: bytes) -> str:
    """SHA-256 of an envelope, hexadecimal: what the ledger holds of it."""
    return hashlib.sha256(envelope).hexdigest()


def _opened(payload: bytes, kind: type[_Signed]) -> _Signed:
    try:
        signed = kind.model_validate_json(payload)
    except ValidationError:
        signed = None
    if signed is None or signed.canonical() != payload:
        raise GrantRefused(
            "G-GRANT",
            f"what was signed is no {kind.__name__.lower()} of this version in its canonical form",
            advice="Make the grant again with `isthmus grant new`, with the version that is installed here.",
        )
    return signed
