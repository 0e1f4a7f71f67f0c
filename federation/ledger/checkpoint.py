"""How the roles of a run witness one another's logs: at its opening, and when it is over.

    each to each other     Seen         how far it saw the other's log before
    each to each other     Announced    its own signed checkpoint, and the proof that it goes on from there
    each to each other     Cosigned     its cosignature of the other's, and what it was shown of every log

A role goes on only with the cosignature of every other one, and when every other one was shown the same of
every log (G-LEDGER). So a role that rewrites its log is found by those who saw it before, and one that shows
one log to some and another to others by their comparing it, in the same exchange.

Who learns what: every other role of the run, the aggregator too, learns the size and the root of this role's
log and that it only grew. The size tells about how many runs, grants and exports there were since; the root
tells nothing. No entry is shown. A role whose clock is far from this one's is refused: its cosignatures
would bear a time that speaks against this role's own entries.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping

from crypto import note
from crypto.codes import Code
from crypto.identity import Identity
from crypto.note import Checkpoint
from federation.errors import Refusal
from federation.ids import PartyId
from federation.ledger.log import Ledger, origin
from federation.ledger.witness import ForkFound, Witness
from federation.message import Digest
from federation.messages.ledger import Announced, Cosigned, Seen, Signature
from federation.session import Session

#: How far the clocks of two roles may be apart, in seconds.
CLOCK_SECONDS = 600


class ClockApart(Refusal):
    """A role's clock, or this role's, is not right: what it cosigns would bear a wrong time."""

    code = Code.CLOCKS_APART
    advice = "Set both clocks by a time server (for example `timedatectl set-ntp true`), then launch again."


def exchange(
    session: Session,
    ledger: Ledger,
    identity: Identity,
    federation: str,
    patience: float | None = None,
    clock: Callable[[], float] = time.time,
) -> str:
    """Show this role's checkpoint to every other, and witness theirs; the cosigned note, which is kept.

    `patience` (seconds): how long the others may take until they come to the exchange; the session's, unless
    given. `clock`: Unix seconds. Raises `ForkFound`, `ClockApart` or `SignatureRefused` naming a role,
    `PeerSilent`, or `SessionEnded`.
    """
    others = tuple(seat for seat in session.seating.roles if seat != session.me)
    witness = Witness(ledger, session.me, identity, clock)
    theirs = _seen(session, witness, others, patience)
    own = ledger.checkpoint(identity)
    state = note.read(own)
    for other in others:
        session.send(other, _announced(ledger, own, state, other, theirs[other]))
    lines, states = {}, {session.me: state}
    for other in others:
        lines[other], states[other] = _witnessed(session, witness, other, federation)
    shown = {role: Digest(hashlib.sha256(states[role].body.encode()).digest()) for role in sorted(states)}
    for other in others:
        signature = Signature(note.signature_in(lines[other]))
        session.send(other, Cosigned(note.cosigned_at(lines[other]), signature, tuple(shown.values())))
    for other in others:
        given = session.receive(other, Cosigned)
        _check_clock(other, session.me, given.at - clock())
        _check_shown(other, given.shown, shown)
        owner = session.seating.identities[other]
        own = note.with_cosignature(own, note.witness_line(owner, other, given.at, given.signature.data))
    check_witnessed(own, session, others)
    ledger.keep(own)
    return own


def check_witnessed(own: str, session: Session, others: tuple[PartyId, ...]) -> None:
    """Raise `SignatureRefused` or `ForkFound` naming a role whose valid cosignature is not on the note."""
    signers = note.cosigners(own, {other: session.seating.identities[other] for other in others})
    for other in others:
        if other not in signers:
            raise ForkFound(f"{other} did not cosign this role's ledger", party=other)


def _seen(
    session: Session, witness: Witness, others: tuple[PartyId, ...], patience: float | None
) -> dict[PartyId, int]:
    """Tell each other role how far its log was seen here; how far each saw this role's."""
    for other in others:
        last = witness.last(other, session.seating.identities[other])
        session.send(other, Seen(0 if last is None else last.size))
    return {other: session.receive(other, Seen, patience=patience).size for other in others}


def _announced(ledger: Ledger, own: str, state: Checkpoint, other: PartyId, seen: int) -> Announced:
    if not 0 <= seen <= state.size:
        raise ForkFound(
            f"{other} cosigned {seen} entries of this role's ledger, which has {state.size}",
            party=other,
            file=str(ledger.file),
            advice="If the ledger's folder was restored from an older backup, restore the newest; compare "
            f"it with the checkpoint that {other} keeps.",
        )
    proof = tuple(Digest(node) for node in ledger.consistency(seen, state.size))
    return Announced(state.size, Digest(state.root), Signature(note.signature_in(own)), proof)


def _witnessed(session: Session, witness: Witness, other: PartyId, federation: str) -> tuple[str, Checkpoint]:
    """The line that cosigns the checkpoint which `other` announces, and the checkpoint."""
    shown = session.receive(other, Announced)
    owner, whose = session.seating.identities[other], origin(federation, other)
    state = Checkpoint(whose, shown.size, shown.root)
    signed = note.assembled(state, owner, whose, shown.signature.data)
    return witness.cosign(other, owner, whose, signed, shown.proof), state


def _check_clock(other: PartyId, me: PartyId, ahead: float) -> None:
    """Raise `ClockApart` naming both roles where the other's clock is too many seconds ahead, or behind."""
    if abs(ahead) > CLOCK_SECONDS:
        minutes, way = min(abs(ahead) / 60, 1e6), "ahead of" if ahead > 0 else "behind"
        raise ClockApart(f"the clock of {other} is {minutes:.0f} minutes {way} that of {me}", party=other)


def _check_shown(other: PartyId, theirs: tuple[Digest, ...], mine: Mapping[PartyId, Digest]) -> None:
    """Raise `ForkFound` naming the role whose log `other` was shown otherwise than this role was."""
    if len(theirs) != len(mine):
        raise ForkFound(f"{other} does not say what it was shown of every ledger", party=other)
    for (role, digest), told in zip(mine.items(), theirs, strict=True):
        if digest != told:
            raise ForkFound(
                f"{other} was shown another state of the ledger of {role} than this role", party=role
            )
