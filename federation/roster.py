"""Who is in the federation: the coordinator's signed list, and what a party asks to be put on it.

A fingerprint is what two people read to each other over another channel. A party trusts another one only
after its fingerprint was pinned (`isthmus party trust`): the coordinator keeps the list, but cannot slip a
key of its own into it unnoticed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crypto.codes import Code
from crypto.identity import Identity, PublicIdentity
from federation.errors import IdentityRefused, MessageRefused, PlanRefused
from federation.files import canonical_json
from federation.ids import PartyId, party_id


@dataclass(frozen=True, slots=True)
class Request:
    """A party's request to be admitted: public keys only, signed by the identity among them."""

    party: PartyId
    identity: PublicIdentity
    tls_request: bytes  # PKCS #10, PEM
    supernode: bytes  # Flower's SuperNode public key, OpenSSH form
    signature: bytes

    @staticmethod
    def make(party: PartyId, identity: Identity, tls_request: bytes, supernode: bytes) -> Request:
        """A request, signed by `identity`."""
        unsigned = Request(party, identity.public, tls_request, supernode, b"")
        return Request(
            party, identity.public, tls_request, supernode, identity.sign("admission", unsigned._statement())
        )

    def to_json(self) -> dict[str, Any]:
        """The request as its file holds it."""
        return {**self._fields(), "signature": encode(self.signature)}

    @staticmethod
    def from_json(value: Any) -> Request:
        """Parse and check the signature; `MessageRefused` or `SignatureRefused` otherwise."""
        fields = expect(
            value, "isthmus_request", "party", "identity", "tls_request", "supernode", "signature"
        )
        request = Request(
            party_id(str(fields["party"])),
            PublicIdentity(decode(fields["identity"])),
            decode(fields["tls_request"]),
            decode(fields["supernode"]),
            decode(fields["signature"]),
        )
        request.identity.verify(request.signature, "admission", request._statement())
        return request

    def _fields(self) -> dict[str, Any]:
        return {
            "isthmus_request": 1,
            "party": self.party,
            "identity": encode(self.identity.key),
            "tls_request": encode(self.tls_request),
            "supernode": encode(self.supernode),
        }

    def _statement(self) -> bytes:
        return canonical_json(self._fields())


@dataclass(frozen=True, slots=True)
class Member:
    """One admitted party."""

    party: PartyId
    identity: PublicIdentity
    supernode: bytes

    def to_json(self) -> dict[str, Any]:
        """The member as the roster and its own file hold it."""
        return {
            "party": self.party,
            "identity": encode(self.identity.key),
            "supernode": encode(self.supernode),
        }


@dataclass(frozen=True, slots=True)
class Roster:
    """The members of one federation, as its coordinator signed them."""

    federation: str
    members: Mapping[PartyId, Member]

    def to_json(self) -> dict[str, Any]:
        """The list as an order carries it, in the order of names."""
        members = [self.members[name].to_json() for name in sorted(self.members)]
        return {"isthmus_roster": 1, "federation": self.federation, "members": members}

    @staticmethod
    def from_json(value: Any) -> Roster:
        """Parse a list from outside, whose signature the caller has checked; `MessageRefused` otherwise."""
        fields = expect(value, "isthmus_roster", "federation", "members")
        if not isinstance(fields["members"], list):
            raise MessageRefused("the roster has no list of members")
        members: dict[PartyId, Member] = {}
        for entry in fields["members"]:
            if not isinstance(entry, dict):
                raise MessageRefused("the roster has a member that is none")
            name = party_id(str(entry.get("party")))
            members[name] = Member(
                name, PublicIdentity(decode(entry.get("identity"))), decode(entry.get("supernode"))
            )
        return Roster(str(fields["federation"]), members)

    def check_admitted(self, parties: Iterable[PartyId]) -> None:
        """Raise `PlanRefused` with those of a plan's `parties` that are no members."""
        strangers = [party for party in parties if party not in self.members]
        if strangers:
            raise PlanRefused(
                f"{', '.join(strangers)}: not admitted to this federation",
                party=strangers[0],
                field=f"parties.{strangers[0]}",
                advice="`isthmus federation members` lists who is; admit the party or change the plan.",
                code=Code.PLAN_STRANGERS,
            )

    def pinned(self, pins: Mapping[str, str], parties: list[PartyId]) -> dict[PartyId, PublicIdentity]:
        """The identities of `parties`, each of the pinned fingerprint (party -> fingerprint).

        Raises `IdentityRefused` naming the first party that is not on the roster, not pinned, or changed.
        """
        found = {}
        for party in parties:
            member = self.members.get(party)
            if member is None:
                raise IdentityRefused(
                    f"{party} is not admitted to {self.federation}",
                    party=party,
                    advice="Ask the coordinator to admit it, or launch a plan without it.",
                    code=Code.NOT_ADMITTED,
                )
            if party not in pins:
                raise IdentityRefused(
                    f"{party} is on the roster, but nobody here has checked its fingerprint",
                    party=party,
                    advice=f"Compare it with {party} by telephone, then run "
                    f"`isthmus party trust {party} FINGERPRINT`.",
                    code=Code.FINGERPRINT_UNCHECKED,
                )
            if pins[party] != member.identity.fingerprint:
                raise IdentityRefused(
                    f"{party} has another identity than the pinned one",
                    party=party,
                    code=Code.IDENTITY_CHANGED,
                )
            found[party] = member.identity
        return found


def signed(fields: Mapping[str, Any], purpose: str, identity: Identity) -> bytes:
    """A file of `fields` with the signature of `identity` over all of them."""
    signature = encode(identity.sign(purpose, canonical_json(fields)))
    return canonical_json({**fields, "signature": signature})


def check_signed(fields: Mapping[str, Any], purpose: str, identity: PublicIdentity) -> None:
    """Raise `SignatureRefused` unless `identity` signed exactly these fields for `purpose`."""
    covered = {name: value for name, value in fields.items() if name != "signature"}
    identity.verify(decode(fields.get("signature")), purpose, canonical_json(covered))


def encode(data: bytes) -> str:
    """Base64, for JSON."""
    return base64.b64encode(data).decode("ascii")


def decode(text: object) -> bytes:
    """Strict base64, or `MessageRefused`."""
    if not isinstance(text, str):
        raise MessageRefused("a key or signature is missing")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MessageRefused("a key or signature is not base64") from None


def expect(value: Any, marker: str, *keys: str) -> dict[str, Any]:
    """`value` as a version-1 object of this kind with all `keys`, or `MessageRefused`."""
    if not isinstance(value, dict) or value.get(marker) != 1 or any(key not in value for key in keys):
        raise MessageRefused(f"this is not an {marker.replace('_', ' ')} of this version")
    return value
