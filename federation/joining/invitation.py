"""What a coordinator hands to one party: a line or a file that lets this party, and it alone, join once.

It holds a secret, the private half of a key made for it; the coordinator keeps the public half. The secret is
never sent: it signs the request. Who reads an invitation before its party does can join under that party's
name, which people notice, because the party's own attempt is refused then and the fingerprint that its
partners compare is another.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import re
from dataclasses import dataclass, field
from typing import Any

from crypto.certificates import check_authority
from crypto.codes import Code
from crypto.identity import Identity, PublicIdentity, normal_fingerprint
from federation.addresses import Address
from federation.clock import parse_timestamp, timestamp
from federation.errors import IsthmusError, UsageError
from federation.files import canonical_json
from federation.ids import PartyId, party_id
from federation.roster import Request, decode, encode, expect

#: How an invitation begins when it is one line.
LINE = "isthmus-invite:"
_PURPOSE = "joining by invitation"
_ID = re.compile(r"[0-9a-f]{16}")
_LONGEST = 16_384
_AGAIN = "Ask the coordinator for the invitation again: `isthmus federation invite PARTY`."


@dataclass(frozen=True, slots=True)
class Invitation:
    """For one party, once, until `expires` (UTC).

    desk: where the coordinator takes requests. authority: the federation's authority, PEM. coordinator: its
    fingerprint, which people compare.
    """

    id: str
    federation: str
    party: PartyId
    desk: Address
    authority: bytes
    coordinator: str
    expires: dt.datetime
    key: Identity = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """As its file holds it, the secret with it: mode 0600."""
        return {
            "isthmus_invitation": 1,
            "id": self.id,
            "federation": self.federation,
            "party": self.party,
            "desk": str(self.desk),
            "authority": encode(self.authority),
            "coordinator": self.coordinator,
            "expires": timestamp(self.expires),
            "key": encode(self.key.to_pem()),
        }

    def to_line(self) -> str:
        """The same as one line of letters, digits, `-` and `_`, that survives a chat window."""
        packed = base64.urlsafe_b64encode(canonical_json(self.to_json())).decode("ascii")
        return LINE + packed.rstrip("=")


def read_invitation(text: str) -> Invitation:
    """An invitation from a file's content or its line. `UsageError` where it is none; it names no secret."""
    try:
        return _parse(_json_of("".join(text.split()) if text.strip().startswith(LINE) else text))
    except (IsthmusError, ValueError, TypeError, RecursionError):
        raise UsageError(
            "this is no invitation, or it was damaged on its way", advice=_AGAIN, code=Code.INVITATION_DAMAGED
        ) from None


def prove(invitation: Invitation, request: Request) -> bytes:
    """The invitation's signature over this request: good for these keys and no others."""
    return invitation.key.sign(_PURPOSE, _statement(invitation.id, request))


def check_proof(proof: bytes, number: str, key: PublicIdentity, request: Request) -> None:
    """Raise `SignatureRefused` unless the holder of invitation `number` made this very request."""
    key.verify(proof, _PURPOSE, _statement(number, request))


def _statement(number: str, request: Request) -> bytes:
    return canonical_json({"invitation": number, "request": request.to_json()})


def _json_of(text: str) -> Any:
    if len(text) > _LONGEST:
        raise ValueError("longer than an invitation")
    if text.startswith(LINE):
        packed = text.removeprefix(LINE)
        try:
            text = base64.b64decode(packed + "=" * (-len(packed) % 4), b"-_", validate=True).decode("utf-8")
        except binascii.Error:
            raise ValueError("not base64") from None
    return json.loads(text)


def _parse(value: Any) -> Invitation:
    names = ("id", "federation", "party", "desk", "authority", "coordinator", "expires", "key")
    fields = expect(value, "isthmus_invitation", *names)
    if _ID.fullmatch(str(fields["id"])) is None:
        raise ValueError("an invitation's number has 16 hexadecimal digits")
    check_authority(authority := decode(fields["authority"]))
    return Invitation(
        str(fields["id"]),
        str(fields["federation"]),
        party_id(str(fields["party"])),
        Address.parse(str(fields["desk"])),
        authority,
        normal_fingerprint(str(fields["coordinator"])),
        parse_timestamp(str(fields["expires"])),
        Identity.from_pem(decode(fields["key"])),
    )
