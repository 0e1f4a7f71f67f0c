"""Invitations at the coordinator: made, listed, taken back, and spent once.

An invitation is spent by a hard link to its `.spent` file, which only the first of several can make, on disk
before its answer leaves. The identity that spent it may come again, when the answer was lost: it gets an
admission again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from crypto.codes import Code
from crypto.identity import Identity, PublicIdentity, SignatureRefused
from federation import files
from federation.addresses import Address
from federation.clock import parse_timestamp, timestamp
from federation.coordinator.home import CoordinatorHome, FederationSettings
from federation.errors import Refusal, UsageError
from federation.files import canonical_json
from federation.ids import PartyId
from federation.joining.invitation import Invitation, check_proof
from federation.roster import Request, decode, encode, signed

State: TypeAlias = Literal["open", "used", "revoked", "expired"]

#: How long an invitation is good for unless somebody says otherwise, and at most.
VALID, LONGEST = dt.timedelta(hours=72), dt.timedelta(days=30)
_REVOKED = "revoked"
_ID = re.compile(r"[0-9a-f]{16}")
_NO_SUCH = "this is no invitation of this federation"
_AGAIN = "Ask the coordinator for a new one: `isthmus federation invite PARTY`."


@dataclass(frozen=True, slots=True)
class Invited:
    """What the coordinator keeps of an invitation: nothing by which somebody could join."""

    id: str
    party: PartyId
    key: PublicIdentity
    expires: dt.datetime
    spent: str  # "", `revoked`, or the SHA-256 of the identity that used it

    def state(self, now: dt.datetime) -> State:
        """What it is at `now`."""
        if self.spent:
            return "revoked" if self.spent == _REVOKED else "used"
        return "open" if now <= self.expires else "expired"


def invite(
    home: CoordinatorHome, party: PartyId, now: dt.datetime, valid: dt.timedelta = VALID
) -> Invitation:
    """Make an invitation for `party`. Its secret is in what is returned, and nowhere else.

    Raises `UsageError` where the party is a member already, the time is too long, or the federation's folder
    names no desk.
    """
    settings, desk = check_invite(home, party, valid)
    key, number = Identity.generate(), secrets.token_hex(8)
    expires = (now + valid).replace(microsecond=0)
    files.write_private(
        home.invitations_folder / f"{number}.json",
        canonical_json({"party": party, "key": encode(key.public.key), "expires": timestamp(expires)}),
    )
    coordinator = home.identity().public.fingerprint
    return Invitation(number, settings.name, party, desk, home.authority(), coordinator, expires, key)


def check_invite(
    home: CoordinatorHome, party: PartyId, valid: dt.timedelta
) -> tuple[FederationSettings, Address]:
    """What `invite` refuses; the federation's settings, and its desk's address."""
    settings = home.settings()
    if settings.desk is None:
        raise UsageError(
            "this federation has no admission desk yet",
            file=str(home.settings_file),
            advice="Name its address: `isthmus federation move --desk HOST:PORT`; then restart the service.",
            code=Code.NO_DESK,
        )
    if party in home.roster().members:
        raise UsageError(
            f"{party} is a member already",
            party=party,
            advice=f"To let it in with new keys, first run `isthmus federation remove {party}`.",
            code=Code.MEMBER_ALREADY,
        )
    if not dt.timedelta(0) < valid <= LONGEST:
        raise UsageError(
            f"an invitation is good for {LONGEST.days} days at most",
            field="--valid",
            advice="Give hours or days, such as --valid 72h or --valid 7d.",
            code=Code.INVITATION_TOO_LONG,
        )
    return settings, settings.desk


def invitations(home: CoordinatorHome) -> list[Invited]:
    """All that were made, the oldest to expire first."""
    found = [_read(home, path.stem) for path in home.invitations_folder.glob("*.json")]
    return sorted((each for each in found if each is not None), key=lambda each: each.expires)


def revoke(home: CoordinatorHome, number: str) -> Invited:
    """Take an invitation back. `UsageError` where there is none, or it was used: then remove the party."""
    found = unused(home, number)
    if (spent := _spend(home, number, _REVOKED)) != _REVOKED:
        raise _used(found.party)
    return Invited(found.id, found.party, found.key, found.expires, spent)


def unused(home: CoordinatorHome, number: str) -> Invited:
    """An invitation that may be taken back; what `revoke` refuses."""
    found = _read(home, number)
    if found is None:
        raise UsageError(
            f"there is no invitation {number[:40]!r}",
            advice="`isthmus federation invitations` lists them.",
            code=Code.NO_INVITATION,
        )
    if found.spent and found.spent != _REVOKED:
        raise _used(found.party)
    return found


def _used(party: PartyId) -> UsageError:
    return UsageError(
        f"{party} has used it already",
        party=party,
        advice=f"`isthmus federation remove {party}` takes the party off the roster.",
        code=Code.INVITATION_USED,
    )


@dataclass(frozen=True, slots=True)
class Register:
    """What the desk may ask of the coordinator's folder. Safe to call from several threads."""

    home: CoordinatorHome

    def join(self, invitation: str, proof: bytes, request: Request, now: dt.datetime) -> bytes:
        """Admit the party that `invitation` is for, with the keys of `request`; the signed admission file.

        Raises `Refusal`: a stranger hears that it is no invitation, its holder what is wrong with it.
        """
        found = _read(self.home, invitation)
        if found is None:
            raise Refusal(_NO_SUCH, advice=_AGAIN, code=Code.INVITATION_REFUSED)
        try:
            check_proof(proof, invitation, found.key, request)
        except SignatureRefused:
            raise Refusal(_NO_SUCH, advice=_AGAIN, code=Code.INVITATION_REFUSED) from None
        if request.party != found.party:
            raise Refusal(
                f"the invitation is for {found.party}",
                party=found.party,
                advice=_AGAIN,
                code=Code.INVITATION_REFUSED,
            )
        identity = hashlib.sha256(request.identity.key).hexdigest()
        if not found.spent and now > found.expires:
            raise Refusal(
                f"the invitation ended on {timestamp(found.expires)}",
                advice=_AGAIN,
                code=Code.INVITATION_REFUSED,
            )
        known = self.home.roster().members.get(request.party)
        if known is not None and known.identity != request.identity:
            raise Refusal(
                f"{request.party} is a member already, with another identity",
                advice="Join from the folder that has the old keys. If they are lost, ask the coordinator to "
                f"run `isthmus federation remove {request.party}`, then to invite you again.",
                code=Code.IDENTITY_CHANGED,
            )
        spent = _spend(self.home, invitation, identity)
        if spent == _REVOKED:
            raise Refusal(
                "the coordinator has taken the invitation back", advice=_AGAIN, code=Code.INVITATION_REFUSED
            )
        if spent != identity:
            raise Refusal(
                "the invitation was used already, by another identity",
                advice="If it was not this party, tell the coordinator at once: `isthmus federation remove "
                f"{request.party}`.",
                code=Code.INVITATION_REFUSED,
            )
        if found.spent and known is None:
            raise Refusal(f"{request.party} was removed since", advice=_AGAIN, code=Code.NOT_ADMITTED)
        return self.home.admit(request, now)

    def renew(self, request: Request, now: dt.datetime) -> bytes:
        """A member's admission anew, for the identity that it is known by. Raises `Refusal` otherwise."""
        known = self.home.roster().members.get(request.party)
        if known is None or known.identity != request.identity:
            raise Refusal(
                f"{request.party} is no member with this identity", advice=_AGAIN, code=Code.NOT_ADMITTED
            )
        return self.home.admit(request, now)

    def signed_roster(self) -> bytes:
        """The list of members, signed, with the coordinator's key beside it."""
        identity = self.home.identity()
        fields = {**self.home.roster().to_json(), "coordinator": encode(identity.public.key)}
        return signed(fields, "roster file", identity)

    def is_member(self, party: PartyId) -> bool:
        """Whether this party is admitted now."""
        return party in self.home.roster().members


def _read(home: CoordinatorHome, number: str) -> Invited | None:
    if _ID.fullmatch(number) is None:
        return None
    path = home.invitations_folder / f"{number}.json"
    if not path.exists():
        return None
    advice = f"Delete {path} and invite the party again."
    fields = files.read_json(path, advice)
    with files.intact(path, advice):
        return Invited(
            number,
            PartyId(str(fields["party"])),
            PublicIdentity(decode(fields["key"])),
            parse_timestamp(str(fields["expires"])),
            _spent(home, number),
        )


def _spent(home: CoordinatorHome, number: str) -> str:
    path = _spent_file(home, number)
    return files.read(path).decode("ascii", "replace") if path.exists() else ""


def _spend(home: CoordinatorHome, number: str, on: str) -> str:
    """Spend the invitation unless it is spent; what it was spent on."""
    target = _spent_file(home, number)
    prepared = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    files.write_private(prepared, on.encode("ascii"))
    try:
        os.link(prepared, target)
    except FileExistsError:
        return files.read(target).decode("ascii", "replace")
    finally:
        prepared.unlink()
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return on


def _spent_file(home: CoordinatorHome, number: str) -> Path:
    return home.invitations_folder / f"{number}.spent"
