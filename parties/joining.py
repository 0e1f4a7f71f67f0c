"""Joining a federation by invitation, and what a member fetches from the coordinator's desk afterwards.

The desk's word is enough for the party's own membership, since people compared the coordinator's fingerprint.
It is not enough for partners: the coordinator could name a key of its own as theirs. So a roster pins nobody;
`unpinned` lists whose fingerprints people here still have to compare.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crypto.certificates import check_certifies, new_tls_key
from crypto.codes import Code
from federation import files
from federation.addresses import Address
from federation.errors import IdentityRefused, Refusal, UsageError
from federation.flower.keys import new_supernode_key, supernode_public_key
from federation.ids import PartyId
from federation.joining import calling
from federation.joining.invitation import Invitation
from federation.roster import Roster
from parties.admission import Admission, read_admission
from parties.home import PartyHome


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of it: the admission as it was accepted, and who else is a member."""

    admission: Admission
    roster: Roster


def prepare(folder: Path, invitation: Invitation, now: dt.datetime) -> PartyHome:
    """The party's folder, made with its keys where there is none yet; nothing is sent.

    Raises `Refusal` for an invitation that has ended, `UsageError` for a folder of another party.
    """
    home = check_prepare(folder, invitation, now)
    return home if home.identity_file.exists() else PartyHome.create(folder, invitation.party)


def check_prepare(folder: Path, invitation: Invitation, now: dt.datetime) -> PartyHome:
    """What `prepare` refuses; the folder as it is, with or without a party."""
    if now > invitation.expires:
        raise Refusal(
            f"the invitation ended on {invitation.expires:%Y-%m-%d %H:%M} UTC",
            party=invitation.party,
            advice=f"Ask the coordinator for a new one: `isthmus federation invite {invitation.party}`.",
            code=Code.INVITATION_REFUSED,
        )
    if not PartyHome(folder).identity_file.exists():
        return PartyHome.unmade(folder)
    home = PartyHome.open(folder)
    if home.name() != invitation.party:
        raise UsageError(
            f"the invitation is for {invitation.party}, and this folder is {home.name()}'s",
            party=home.name(),
            file=str(folder),
            advice="Name another folder with --home.",
            code=Code.INVITATION_FOR_ANOTHER,
        )
    return home


def join(home: PartyHome, invitation: Invitation, now: dt.datetime) -> Joined:
    """Spend the invitation and accept what comes back. The caller has compared the coordinator's fingerprint.

    Raises what the desk says, and `IdentityRefused` where the answer is not the inviting coordinator's.
    """
    answered = calling.join(invitation, home.request())
    return _accepted(home, answered, invitation.coordinator, invitation.authority, now)


def renew(home: PartyHome, now: dt.datetime, desk: Address | None = None) -> Joined:
    """A new certificate, and the federation's addresses as they are now.

    desk: where it is, when it moved. Raises `UsageError` where the admission names none, else as `join`.
    """
    admission = home.admission()
    where = desk or _desk(home, admission)
    answered = calling.renew(where, _member(home, admission), home.request())
    return _accepted(home, answered, admission.coordinator.fingerprint, admission.authority, now)


def rotate(home: PartyHome, now: dt.datetime) -> Joined:
    """New TLS and SuperNode keys, admitted in place of the old ones; the identity stays, and so do all pins.

    The new keys replace the old ones once the coordinator has admitted them; if that is cut off, the old ones
    are still good for another attempt. Raises `UsageError` while the node runs, else as `join`.
    """
    with home.running():
        admission = home.admission()
        tls_key, supernode_key = new_tls_key(), new_supernode_key()
        request = home.request_with(tls_key, supernode_public_key(supernode_key))
        answered = calling.renew(_desk(home, admission), _member(home, admission), request)
        read = _checked(home, answered, admission.coordinator.fingerprint, admission.authority)
        check_certifies(read.certificate, tls_key)
        files.write_private(home.tls_key_file, tls_key)
        files.write_private(home.supernode_key_file, supernode_key)
        return Joined(home.accept(answered.admission, now), answered.roster)


def check_renew(home: PartyHome, desk: Address | None = None) -> Address:
    """What `renew` and `rotate` refuse before they send anything; the desk that they would ask."""
    admission = home.admission()
    return desk or _desk(home, admission)


def roster(home: PartyHome) -> Roster:
    """Who is a member now, as the coordinator signed it. Raises as `renew`."""
    admission = home.admission()
    return calling.roster(_desk(home, admission), _member(home, admission))


def greeting(home: PartyHome) -> calling.Greeting:
    """The coordinator's clock and versions. Raises as `renew`."""
    admission = home.admission()
    return calling.greeting(_desk(home, admission), _member(home, admission))


def unpinned(home: PartyHome, members: Roster) -> dict[PartyId, str]:
    """Member -> fingerprint as the coordinator says it, of each partner that nobody here has compared.

    Raises `IdentityRefused` naming a partner whose identity is another than the pinned one.
    """
    pins, own = home.pins(), home.name()
    for name, member in members.members.items():
        if name in pins and pins[name] != member.identity.fingerprint:
            raise IdentityRefused(
                f"{name} has another identity on the roster than the one that is pinned here",
                party=name,
                advice=f"Ask {name} by telephone why. Only then delete its line in pins.json.",
                code=Code.IDENTITY_CHANGED,
            )
    return {
        name: member.identity.fingerprint
        for name, member in sorted(members.members.items())
        if name != own and name not in pins
    }


def pin_compared(home: PartyHome, compared: Mapping[PartyId, str], members: Roster | None) -> None:
    """Pin partners by the fingerprints that they read out.

    Raises `IdentityRefused`, with nothing pinned, where the roster names another key for one of them.
    """
    for name, fingerprint in compared.items():
        listed = None if members is None else members.members.get(name)
        if listed is not None and listed.identity.fingerprint != fingerprint:
            raise IdentityRefused(
                f"the coordinator's roster names another key for {name} than the one that was read out",
                party=name,
                advice=f"Trust neither. Ask {name} and the coordinator which of them has changed.",
                code=Code.IDENTITY_CHANGED,
            )
    for name, fingerprint in compared.items():
        home.pin(name, fingerprint)


def _accepted(
    home: PartyHome, answered: calling.Answered, coordinator: str, authority: bytes, now: dt.datetime
) -> Joined:
    _checked(home, answered, coordinator, authority)
    return Joined(home.accept(answered.admission, now), answered.roster)


def _checked(home: PartyHome, answered: calling.Answered, coordinator: str, authority: bytes) -> Admission:
    read = read_admission(answered.admission)
    if read.coordinator.fingerprint != coordinator or read.authority != authority:
        raise IdentityRefused(
            "the admission is signed by another coordinator than the one that was compared",
            party=home.name(),
            advice="Nothing was changed. Tell the coordinator what happened.",
            code=Code.FINGERPRINT_DIFFERS,
        )
    return read


def _desk(home: PartyHome, admission: Admission) -> Address:
    if admission.desk is None:
        raise UsageError(
            "the admission of this party names no admission desk",
            party=home.name(),
            file=str(home.admission_file),
            advice="Give its address with --desk, or ask the coordinator to admit the party again.",
            code=Code.NO_DESK,
        )
    return admission.desk


def _member(home: PartyHome, admission: Admission) -> calling.Member:
    return calling.Member(
        admission.authority,
        home.tls_certificate_file,
        home.tls_key_file,
        admission.coordinator.fingerprint,
    )
