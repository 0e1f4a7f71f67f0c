"""Asking the desk, from a party: for admission by an invitation, for the roster, for a renewed certificate.

Every call trusts the federation's own authority and no other, and waits and reads no more than it says.
"""

from __future__ import annotations

import datetime as dt
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from crypto.certificates import AGGREGATOR_NAME
from crypto.codes import Code, known
from crypto.identity import PublicIdentity
from federation.addresses import Address
from federation.clock import parse_timestamp
from federation.errors import MessageRefused, PeerFailure, PeerSilent, Refusal
from federation.files import canonical_json
from federation.joining.desk import ADMISSION, GREETING, RENEWAL, ROSTER
from federation.joining.invitation import Invitation, prove
from federation.roster import Request, Roster, check_signed, decode, expect
from federation.tls import trusting, trusting_as

_SECONDS = 15.0
_LONGEST = 4 * 1024 * 1024
_UNREADABLE = "the coordinator's answer cannot be read"


@dataclass(frozen=True, slots=True)
class Answered:
    """What the desk sent back: the signed admission file's bytes, and who is a member."""

    admission: bytes
    roster: Roster


def join(invitation: Invitation, request: Request) -> Answered:
    """Join by `invitation`, which is spent by it. The caller has compared the coordinator's fingerprint.

    Raises `Refusal` with what the desk says of the invitation, `PeerSilent` or `PeerFailure` naming the desk.
    """
    context = trusting(invitation.authority)
    body = {
        "invitation": invitation.id,
        "proof": prove(invitation, request).hex(),
        "request": request.to_json(),
    }
    value = _ask(invitation.desk, context, "POST", ADMISSION, body)
    return _answered(value, invitation.coordinator)


def renew(desk: Address, member: Member, request: Request) -> Answered:
    """A new certificate for a member, and the addresses as they are now. Raises as `join` does."""
    return _answered(_ask(desk, member.context(), "POST", RENEWAL, request.to_json()), member.coordinator)


def roster(desk: Address, member: Member) -> Roster:
    """Who is a member, as the coordinator signed it. Raises as `join` does."""
    return _roster(_ask(desk, member.context(), "GET", ROSTER, None), member.coordinator)


@dataclass(frozen=True, slots=True)
class Greeting:
    """The coordinator's clock, and which versions it runs, by the name of the package."""

    time: dt.datetime
    versions: Mapping[str, str]


def greeting(desk: Address, member: Member) -> Greeting:
    """What time it is at the coordinator, and what runs there. Raises as `join` does."""
    value = _ask(desk, member.context(), "GET", GREETING, None)
    try:
        versions = {str(name): str(version) for name, version in value["versions"].items()}
        return Greeting(parse_timestamp(str(value["time"])), versions)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise MessageRefused(_UNREADABLE) from None


@dataclass(frozen=True, slots=True)
class Member:
    """How a party shows that it is one: its certificate and key, and whom it trusts.

    coordinator: the fingerprint that people compared.
    """

    authority: bytes
    certificate_file: Path
    key_file: Path
    coordinator: str

    def context(self) -> ssl.SSLContext:
        """For a connection as this party."""
        return trusting_as(self.authority, self.certificate_file, self.key_file)


def _answered(value: Any, coordinator: str) -> Answered:
    if not isinstance(value, dict) or not {"admission", "roster"} <= set(value):
        raise MessageRefused(_UNREADABLE)
    return Answered(canonical_json(value["admission"]), _roster(value["roster"], coordinator))


def _roster(value: Any, coordinator: str) -> Roster:
    """The roster, if the coordinator of this fingerprint signed it; a `Refusal` otherwise."""
    fields = expect(value, "isthmus_roster", "coordinator", "signature")
    signer = PublicIdentity(decode(fields["coordinator"]))
    if signer.fingerprint != coordinator:
        raise MessageRefused("the list of members is signed by another coordinator")
    check_signed(fields, "roster file", signer)
    return Roster.from_json(fields)


def _ask(
    desk: Address, context: ssl.SSLContext, method: str, path: str, body: Mapping[str, Any] | None
) -> Any:
    where = f"the admission desk at {desk}"
    try:
        with (
            httpx.Client(verify=context, trust_env=False, timeout=_SECONDS, follow_redirects=False) as client,
            client.stream(
                method,
                f"https://{desk}{path}",
                content=None if body is None else canonical_json(body),
                extensions={"sni_hostname": AGGREGATOR_NAME},
            ) as response,
        ):
            content = bytearray()
            for part in response.iter_bytes():
                content += part
                if len(content) > _LONGEST:
                    raise MessageRefused(_UNREADABLE)
    except httpx.TimeoutException:
        raise PeerSilent(where, "answering", _SECONDS) from None
    except (httpx.TransportError, ssl.SSLError) as error:
        raise PeerFailure(
            f"{where} cannot be reached: {_why(error)}",
            advice="Ask the coordinator whether `isthmus federation start` runs and whether its desk's port "
            "is open to you; `isthmus doctor` looks at each step of the way.",
            code=Code.UNREACHABLE,
        ) from None
    return _value(response.status_code, bytes(content), where)


def _why(error: Exception) -> str:
    """In a word; the text of a failed check of a certificate says more than is understood."""
    text = str(error).upper()
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "what answers there is not this federation"
    if "ALERT" in text and "CERTIFICATE" in text:
        return "it does not take this party's certificate"
    return "no connection"


def _value(status: int, content: bytes, where: str) -> Any:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if status == httpx.codes.OK and value is not None:
        return value
    if isinstance(value, dict) and isinstance(value.get("refused"), str):
        said, advice = value["refused"][:300], str(value.get("advice"))[:300]
        code = known(value.get("code")) or Code.INVITATION_REFUSED
        raise Refusal(f"the coordinator says: {said}", advice=advice, code=code)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise PeerFailure(
            f"{where} has too many requests", advice="Try again in a minute.", code=Code.TOO_MANY_REQUESTS
        )
    raise Refusal(
        f"{where} refused (status {status})",
        advice="Ask the coordinator whether this party is a member (`isthmus federation members`), and for a "
        "new invitation if it is not.",
        code=Code.INVITATION_REFUSED,
    )
