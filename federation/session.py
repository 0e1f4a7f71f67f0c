"""One role's seat in one run: who is present, the exit, and the one way to hear.

Opening a session is the signed Diffie-Hellman of SIGMA's shape: every seat sends each other seat a
fresh X25519 key, signed by its pinned Ed25519 identity over (run, attempt, plan, members, the two
names, the key). A key that the aggregator swapped is refused here, before anything is sealed with it.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgpack

from crypto.envelope import Binding, EphemeralKey, SessionKeys
from crypto.identity import Identity, PublicIdentity, SignatureRefused
from crypto.masks import PairwiseMasks
from federation import codec
from federation.egress import BINDING_BYTES, Egress, Guard, Policy, introduce
from federation.errors import EgressRefused, IdentityRefused, MessageRefused, Refusal
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.journal import Journal
from federation.message import Message, Role
from federation.transport.interface import Transport

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Seating:
    """What a seat must know to take part: fixed by the signed plan and the pinned roster."""

    run: RunId
    attempt: int
    plan_digest: bytes
    purpose: str
    roles: Mapping[PartyId, Role]
    identities: Mapping[PartyId, PublicIdentity]
    patience: float  # Seconds to wait for one message of a peer before naming it.
    consortia: Mapping[PartyId, str] = field(default_factory=dict)  # hybrid plans: party -> its consortium

    @property
    def parties(self) -> tuple[PartyId, ...]:
        """The data parties, in the plan's order."""
        return tuple(party for party, role in self.roles.items() if role is not Role.AGGREGATOR)

    @property
    def meeting(self) -> RunId:
        """The exchange's name for this attempt: another attempt is another session."""
        return RunId(f"{self.run}.{self.attempt}")

    def playing(self, role: Role) -> PartyId:
        """The one seat that plays `role`."""
        (seat,) = (party for party, played in self.roles.items() if played is role)
        return seat

    def fellows(self, party: PartyId) -> tuple[PartyId, ...]:
        """The data parties of `party`'s consortium, itself among them, in the plan's order; without
        consortia all of them."""
        home = self.consortia.get(party)
        return tuple(other for other in self.parties if self.consortia.get(other) == home)

    def among(self, parties: Iterable[PartyId]) -> Seating:
        """The same session as if `parties` and the aggregator were all who sit in it."""
        kept = {*parties, AGGREGATOR}
        return replace(
            self,
            roles={seat: role for seat, role in self.roles.items() if seat in kept},
            identities={seat: identity for seat, identity in self.identities.items() if seat in kept},
            consortia={seat: name for seat, name in self.consortia.items() if seat in kept},
        )


class Heard:
    """What came from one seat in a session: its greeting and its envelopes, as they were on the wire.

    Only what that seat made is counted: a frame that somebody changed on its way does not open.
    """

    def __init__(self) -> None:
        self.count = 0
        self._all = hashlib.sha256()
        self._lock = threading.Lock()

    def add(self, frame: bytes) -> None:
        """Count one more."""
        with self._lock:
            self._all.update(hashlib.sha256(frame).digest())
            self.count += 1

    @property
    def digest(self) -> str:
        """SHA-256 over the frames' SHA-256s (32 bytes each) in the order in which they came; hexadecimal."""
        with self._lock:
            return self._all.hexdigest()


@dataclass
class Session:
    """An open session. Made by `open_session`; a protocol only sends and receives."""

    me: PartyId
    seating: Seating
    egress: Egress
    masks: PairwiseMasks
    _keys: SessionKeys
    _transport: Transport
    heard: Mapping[PartyId, Heard]
    _views: set[str] = field(default_factory=set)

    @property
    def role(self) -> Role:
        """What this seat plays."""
        return self.seating.roles[self.me]

    def others(self, *roles: Role) -> tuple[PartyId, ...]:
        """The other data parties (that play one of `roles`, when given), in the plan's order."""
        return tuple(
            party
            for party in self.seating.parties
            if party != self.me and (not roles or self.seating.roles[party] in roles)
        )

    def among(self, parties: Iterable[PartyId], purpose: str) -> Session:
        """This session as `parties` alone see it, this one among them: `others`, roles and masks are theirs.

        Seats of another consortium are no partners in it, and nothing is sent to them through it. `purpose`
        names what is done in the view, once in a session: its masks follow from it, so that a protocol may
        run again, in another view, with the same labels. All of `parties` give the same one.
        """
        seating = self.seating.among(parties)
        if self.me not in seating.parties or purpose in self._views:
            raise ValueError("a view is of its own seat's, and for a purpose that no other had")
        self._views.add(purpose)
        label = f"masks among {','.join(seating.parties)}|{purpose}".encode()
        secrets = {
            party: hmac.digest(secret, label, "sha256")
            for party, secret in self._keys.mask_secrets().items()
            if party in seating.parties
        }
        masks = PairwiseMasks(self.me, secrets)
        return replace(self, seating=seating, masks=masks)

    def send(self, to: PartyId, message: Message) -> None:
        """The exit; see `Egress.send`."""
        if to not in self.seating.roles:
            raise EgressRefused(f"{type(message).__name__}: {to} is not a partner of {self.me} here")
        self.egress.send(to, message)

    def send_all(self, to: Iterable[PartyId], message: Message) -> None:
        """The same message to each of `to`, in that order; each is sealed for itself."""
        for party in to:
            self.send(party, message)

    def receive(self, sender: PartyId, *kinds: type[M], patience: float | None = None) -> M:
        """The next message of `sender`: one of `kinds`, which may flow from it to this seat.

        Raises `PeerSilent` naming the sender when the patience (the plan's, unless given) runs out,
        `SessionEnded`, `EnvelopeRefused` or `MessageRefused`.
        """
        envelope = self._transport.receive(sender, self.seating.patience if patience is None else patience)
        try:
            opened = self._keys.open(sender, envelope)
            self.heard[sender].add(envelope)
            message = codec.decode(unbound(opened), *kinds)
        except Refusal as error:
            error.party = error.party or sender
            raise
        self._guard.check(sender, self.me, type(message))
        self.egress.policy.heard(sender, message)
        return message

    @property
    def _guard(self) -> Guard:
        return Guard(self.me, self.seating.roles, self.seating.consortia)

    def gather(self, senders: Iterable[PartyId], kind: type[M]) -> dict[PartyId, M]:
        """One `kind` from each of `senders`."""
        return {sender: self.receive(sender, kind) for sender in senders}

    def end(self, cause: str) -> None:
        """End the session for every seat, telling `cause`."""
        self._transport.end(cause)


def open_session(
    me: PartyId,
    identity: Identity,
    seating: Seating,
    transport: Transport,
    journal: Journal,
    policy: Policy,
) -> Session:
    """Greet every other seat, check their greetings against the pinned identities, derive the keys.

    Raises `IdentityRefused` naming the peer when a greeting is not by its pinned identity for this very
    session, `PeerSilent` naming a seat that did not come, and what `policy` raises: then nothing left.
    """
    peers = [seat for seat in seating.roles if seat != me]
    ephemeral = EphemeralKey()
    for peer in peers:
        statement = _statement(seating, me, peer, ephemeral.public)
        greeting = msgpack.packb([ephemeral.public, identity.sign("session greeting", statement)])
        introduce(transport, journal, peer, greeting, seating.purpose, policy)
    secrets: dict[str, bytes] = {}
    heard = {peer: Heard() for peer in peers}
    for peer in peers:
        greeting = transport.receive(peer, seating.patience)
        public, signature = _parse_greeting(greeting)
        statement = _statement(seating, peer, me, public)
        try:
            seating.identities[peer].verify(signature, "session greeting", statement)
        except SignatureRefused:
            raise IdentityRefused(
                f"the greeting of {peer} is not by its pinned identity for this session", party=peer
            ) from None
        heard[peer].add(greeting)
        secrets[peer] = ephemeral.agree(public)
    binding = Binding(seating.run, seating.attempt, seating.plan_digest)
    keys = SessionKeys(me, binding, secrets)
    masks = PairwiseMasks(me, {p: s for p, s in keys.mask_secrets().items() if p != AGGREGATOR})
    guard = Guard(me, seating.roles, seating.consortia)
    egress = Egress(guard, keys, journal, transport, seating.purpose, policy)
    return Session(me, seating, egress, masks, keys, transport, heard)


def unbound(opened: bytes) -> bytes:
    """The message behind its binding's digest, which holds its sender to its journal."""
    if len(opened) < BINDING_BYTES:
        raise MessageRefused("a message is not bound to anything")
    return opened[BINDING_BYTES:]


def _statement(seating: Seating, sender: PartyId, to: PartyId, public: bytes) -> bytes:
    members = [
        [party, role.value, seating.identities[party].key, seating.consortia.get(party, "")]
        for party, role in seating.roles.items()
    ]
    packed: bytes = msgpack.packb(
        [1, seating.run, seating.attempt, seating.plan_digest, members, sender, to, public]
    )
    return hashlib.sha256(packed).digest()


def _parse_greeting(data: bytes) -> tuple[bytes, bytes]:
    if len(data) > 1024:
        raise MessageRefused("a greeting is too long")
    try:
        fields = msgpack.unpackb(data)
    except (ValueError, msgpack.exceptions.UnpackException):
        raise MessageRefused("a greeting is not well-formed") from None
    if not (
        isinstance(fields, list)
        and len(fields) == 2
        and all(isinstance(part, bytes) for part in fields)
        and len(fields[0]) == 32
        and len(fields[1]) == 64
        and msgpack.packb(fields) == data  # One form: what its sender wrote into its journal.
    ):
        raise MessageRefused("a greeting is not a session key and its signature")
    return fields[0], fields[1]
