"""The admission file: what the coordinator signs and sends to a party that it has admitted."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

from crypto.certificates import certificate_name, check_certifies, check_issued_by
from crypto.codes import Code
from crypto.identity import PublicIdentity, SignatureRefused
from federation.addresses import Address
from federation.errors import IdentityRefused
from federation.ids import PartyId
from federation.roster import check_signed, decode, expect


@dataclass(frozen=True, slots=True)
class Admission:
    """What the coordinator's admission file says, once this party has accepted it."""

    federation: str
    gate: Address
    exchange: Address
    coordinator: PublicIdentity
    party: str
    certificate: bytes
    authority: bytes
    desk: Address | None = None  # of before there were invitations


def read_admission(data: bytes) -> Admission:
    """Parse an admission file; `MessageRefused` when it is none.

    All of it is signed by the coordinator that it names, whose fingerprint people compare: otherwise whoever
    carries the file could put another authority and other addresses beside the right fingerprint. Raises
    `IdentityRefused` when it is not.
    """
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    fields = expect(
        value,
        "isthmus_admission",
        *("federation", "gate", "exchange", "authority", "certificate", "coordinator", "party"),
    )
    coordinator = PublicIdentity(decode(fields["coordinator"]))
    try:
        check_signed(fields, "admission file", coordinator)
    except SignatureRefused:
        raise IdentityRefused(
            "the admission is not what the coordinator signed: it was changed on its way",
            advice="Do not accept it. Ask the coordinator to admit the party again.",
        ) from None
    return Admission(
        str(fields["federation"]),
        Address.parse(str(fields["gate"])),
        Address.parse(str(fields["exchange"])),
        coordinator,
        str(fields["party"]),
        decode(fields["certificate"]),
        decode(fields["authority"]),
        Address.parse(str(fields["desk"])) if "desk" in fields else None,
    )


def check_admission(read: Admission, party: PartyId, tls_key: bytes, now: dt.datetime) -> None:
    """Raise `IdentityRefused` unless this is the party's own, with a certificate that is good at `now`."""
    if read.party != party or certificate_name(read.certificate) != party:
        raise IdentityRefused(
            f"this admission is for {read.party}",
            party=party,
            advice="Ask the coordinator for this party's own admission file.",
            code=Code.CERTIFICATE_OF_OTHERS,
        )
    check_issued_by(read.certificate, read.authority, now)
    check_certifies(read.certificate, tls_key)
