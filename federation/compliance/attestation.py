"""What a person says and signs about a control, as a file: a DSSE envelope over its canonical JSON.

Software reads who signed what, as whom, about which run, until when and over which document. It does not
judge the content: a wrong statement that is properly signed is its signer's to answer for.

Source: DSSE v1 (secure-systems-lab/dsse), Ed25519 (RFC 8032), as grants have it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError, model_validator

from crypto import dsse
from crypto.codes import Code
from crypto.errors import Refusal
from crypto.identity import Identity, PublicIdentity, SignatureRefused
from federation import files
from federation.compliance.facts import Statement
from federation.governance.manifest import Evidence, Name, Part, Place, Sha256

VERSION: Final = "isthmus.attestation/v1"
ATTESTATION_TYPE = "application/vnd.isthmus.attestation+json"
_ANEW = "Ask whoever signed it for the original, or to sign it anew with `isthmus policy attest`."


class AttestationRefused(Refusal):
    """A file is no attestation of this version, or the document is not the one that was signed for."""

    code = Code.ATTESTATION
    advice = _ANEW


class Attestation(Part):
    """One statement. `about`: the digest of the plan that it is made for, or "any" plan.

    covers: the places toward which it is made; empty: all. signer: the person's name, where it may be known.
    """

    attestation: Literal["isthmus.attestation/v1"] = VERSION
    control: str = Field(pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)+$")
    party: Name
    office: Annotated[str, Field(pattern=r"^[a-z][a-z-]{1,40}$")]
    signer: str = Field(default="", max_length=200)
    about: Sha256 | Literal["any"]
    covers: tuple[Place, ...] = ()
    dated: dt.date
    valid_until: dt.date
    document: Evidence

    @model_validator(mode="after")
    def _times(self) -> Attestation:
        if self.valid_until < self.dated:
            raise ValueError("valid_until: before the day on which it is signed")
        return self

    def canonical(self) -> bytes:
        """The signed form."""
        return files.canonical_json(self.model_dump(mode="json", exclude_none=True))

    def check_document(self, file: Path) -> None:
        """Raise `AttestationRefused` unless the file is the document that was signed for, byte for byte."""
        found = files.sha256(file, "Name the document that the statement is about.")
        if found != self.document.sha256:
            raise AttestationRefused(
                f"this is not the document that {self.party} signed {self.control} for: its SHA-256 is "
                f"{found[:16]}…, and {self.document.sha256[:16]}… was signed",
                party=self.party,
                file=str(file),
            )


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose keys the reader has compared. A party's identity speaks for all its offices.

    offices: (party, office) -> the key of an office that signs by itself; then no other key speaks for it.
    """

    parties: Mapping[str, PublicIdentity]
    offices: Mapping[tuple[str, str], PublicIdentity] = field(default_factory=dict)

    def key(self, party: str, office: str) -> PublicIdentity | None:
        """Whose signature counts for that office; None where nobody's does."""
        return self.offices.get((party, office), self.parties.get(party))


def sealed(attestation: Attestation, signer: Identity) -> bytes:
    """The envelope of an attestation."""
    return dsse.seal(ATTESTATION_TYPE, attestation.canonical(), signer)


def opened(envelope: bytes, signer: PublicIdentity) -> Attestation:
    """The attestation that `signer` signed; `SignatureRefused` or another `Refusal` when it is none."""
    return _parsed(dsse.unseal(envelope, ATTESTATION_TYPE, signer))


def claimed(envelope: bytes) -> Attestation:
    """What an envelope says, its signature NOT checked; a `Refusal` where it is no attestation at all."""
    return _parsed(dsse.unverified(envelope, ATTESTATION_TYPE))


def statement(envelope: bytes, trust: Trust) -> Statement:
    """The statement as rules read it; `sound` where a key that is trusted for party and office signed it.

    Raises a `Refusal` for bytes that are no attestation. Whether the office may sign for this control is for
    the control to say.
    """
    said = claimed(envelope)
    key = trust.key(said.party, said.office)
    return Statement(
        control=said.control,
        party=said.party,
        office=said.office,
        dated=said.dated,
        valid_until=said.valid_until,
        document=said.document.sha256,
        covers=said.covers,
        sound=key is not None and _signed(envelope, key),
    )


def statements(
    envelopes: Iterable[bytes], trust: Trust, about: Collection[str] = ()
) -> tuple[Statement, ...]:
    """The statements of those envelopes that are made for any plan or for one of the digests in `about`.

    In the order of their content, so that the same envelopes give the same case.
    """
    found = [statement(each, trust) for each in envelopes if claimed(each).about in {"any", *about}]
    return tuple(sorted(found, key=lambda each: each.model_dump_json()))


def _signed(envelope: bytes, key: PublicIdentity) -> bool:
    try:
        dsse.unseal(envelope, ATTESTATION_TYPE, key)
    except SignatureRefused:
        return False
    return True


def _parsed(payload: bytes) -> Attestation:
    try:
        said = Attestation.model_validate_json(payload)
    except ValidationError:
        said = None
    if said is None or said.canonical() != payload:
        raise AttestationRefused("what was signed is no attestation of this version in its canonical form")
    return said
