"""The grant: the owner of data signs to whom, for what purpose, with which limits something of it may go.

A grant is a DSSE envelope (Ed25519, `crypto.dsse`) over the canonical JSON of `Grant`; `GRANT_TYPE` is its
payload type. A party acts on grants that its own identity signed, and on nobody else's. A revocation is
another envelope, of `Revocation`; it takes effect before the next message leaves.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from crypto.dsse import key_id
from crypto.identity import PublicIdentity
from federation import files
from federation.governance.manifest import Evidence, Name, Part, Place, Sha256
from federation.governance.terms import Mechanism, Operation, Regime
from federation.ids import PartyId
from federation.tables import Title

VERSION: Literal["isthmus.grant/v1"] = "isthmus.grant/v1"
GRANT_TYPE = "application/vnd.isthmus.grant+json"
REVOCATION_TYPE = "application/vnd.isthmus.revocation+json"

#: As `federation.ledger.log.check_federation` has it.
FederationName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,80}$")]
#: An aware date and time; written in UTC.
Moment = Annotated[dt.datetime, Field()]


class Recipient(Part):
    """To whom: the place where it is, and the fingerprint (64 digits) of the identity that is meant.

    A name says who somebody is in one federation alone; the fingerprint says it anywhere.
    """

    place: Place
    fingerprint: Sha256

    def means(self, identity: PublicIdentity) -> bool:
        """Whether it is this identity that something is granted to."""
        return self.fingerprint == key_id(identity)


class LegalBasis(Part):
    """Under which law, on what ground, shown by which document."""

    regime: Regime
    basis: str = Field(min_length=1, max_length=300)
    separate_consent: bool = False
    evidence: Evidence


class Transfer(Part):
    """What makes the way from one place to another lawful, and until when.

    begins, filed: where the document has other days than the grant. names: the countries that it names.
    """

    origin: Place
    destination: Place
    mechanism: Mechanism
    evidence: Evidence
    valid_until: dt.date
    begins: dt.date | None = None
    filed: dt.date | None = None
    names: tuple[Place, ...] | None = None


class GrantLimits(Part):
    """How much may be done under a grant, over all runs together; None where the owner sets no limit."""

    min_parties: int = Field(default=2, ge=2)
    max_runs: int | None = Field(default=None, ge=1)
    max_rounds: int | None = Field(default=None, ge=1, description="attempts and training rounds, summed")
    max_epsilon: float | None = Field(default=None, gt=0)
    max_equations_per_row: float | None = Field(default=None, gt=0)
    max_egress_bytes: int | None = Field(default=None, ge=0)
    max_psi_runs: int | None = Field(default=None, ge=0)


class Grant(Part):
    """What the owner allows, in one federation. `to` gives each recipient, the aggregator included."""

    grant: Literal["isthmus.grant/v1"]
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{2,62}$")]
    federation: FederationName
    owner: Name
    dataset: str
    manifest_sha256: Sha256
    to: Annotated[dict[Name, Recipient], Field(min_length=1)]
    purpose: Title
    operations: Annotated[tuple[Operation, ...], Field(min_length=1)]
    fields: Annotated[tuple[str, ...], Field(min_length=1)]  # column names, or "*" for all that may leave
    legal_basis: Annotated[tuple[LegalBasis, ...], Field(min_length=1)]
    transfers: tuple[Transfer, ...] = ()
    valid_from: Moment
    valid_until: Moment
    limits: GrantLimits = GrantLimits()

    @model_validator(mode="after")
    def _times(self) -> Grant:
        if self.valid_from.tzinfo is None or self.valid_until.tzinfo is None:
            raise ValueError("valid_from, valid_until: a time zone is missing")
        if self.valid_until <= self.valid_from:
            raise ValueError("valid_until: not after valid_from")
        return self

    @property
    def places(self) -> dict[PartyId, str]:
        """Where each recipient is."""
        return {PartyId(name): recipient.place for name, recipient in self.to.items()}

    def canonical(self) -> bytes:
        """The signed form."""
        return files.canonical_json(self.model_dump(mode="json", exclude_none=True))


class Revocation(Part):
    """The owner takes a grant back. Why is not part of it: evidence packs show what was signed."""

    revocation: Literal["isthmus.revocation/v1"]
    grant_id: str
    at: Moment

    def canonical(self) -> bytes:
        """The signed form."""
        return files.canonical_json(self.model_dump(mode="json", exclude_none=True))
