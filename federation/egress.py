"""The one exit. Nothing leaves a role except through `Egress.send`, and only a `Message` fits it.

guard (may this role send this message to that role?) -> encode -> seal -> journal -> transport.
A refusal at any step means that nothing left.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from crypto.envelope import SessionKeys
from federation import codec
from federation.errors import EgressRefused
from federation.ids import PartyId
from federation.journal import Entry, Journal
from federation.message import Message, Role
from federation.transport.interface import Transport


@dataclass(frozen=True, slots=True)
class Guard:
    """Who plays which part in this run; what a message's own declaration allows between them."""

    me: PartyId
    roles: Mapping[PartyId, Role]
    consortia: Mapping[PartyId, str] = field(default_factory=dict)  # empty: nobody is set apart

    def check(self, sender: PartyId, to: PartyId, kind: type[Message]) -> None:
        """Raise `EgressRefused` unless `kind` flows from `sender`'s role to `to`'s, and may cross to it."""
        if sender not in self.roles or to not in self.roles or sender == to:
            raise EgressRefused(f"{kind.NAME}: {to} is not a partner of {sender} in this run")
        if not any(
            flow.sender.covers(self.roles[sender]) and flow.to.covers(self.roles[to]) for flow in kind.FLOWS
        ):
            raise EgressRefused(
                f"{kind.NAME} does not flow from {self.roles[sender].value} to {self.roles[to].value}"
            )
        apart = Role.AGGREGATOR not in (self.roles[sender], self.roles[to])
        if apart and self.consortia.get(sender) != self.consortia.get(to) and not kind.CROSSES:
            raise EgressRefused(f"{kind.NAME} does not cross from one consortium to another")


class Egress:
    """One role's exit for one session."""

    def __init__(
        self, guard: Guard, keys: SessionKeys, journal: Journal, transport: Transport, purpose: str
    ) -> None:
        self._guard = guard
        self._keys = keys
        self._journal = journal
        self._transport = transport
        self._purpose = purpose
        self._order = threading.Lock()
        self.sent: Counter[str] = Counter()

    def send(self, to: PartyId, message: Message) -> None:
        """Send `message`, sealed for `to` alone.

        Raises `EgressRefused` (nothing left), `PeerSilent` naming `to`, or `SessionEnded`.
        """
        if not isinstance(message, Message):
            raise EgressRefused(f"a {type(message).__name__} is not a message")
        self._guard.check(self._guard.me, to, type(message))
        encoded = codec.encode(message)
        with self._order:  # Seal and send as one step: the sequence number is the order on the wire.
            sealed = self._keys.seal(to, encoded)
            digest = hashlib.sha256(sealed).hexdigest()
            self._journal.append(Entry(message.NAME, to, len(sealed), digest, self._purpose))
            self.sent[message.NAME] += len(sealed)
            self._transport.send(to, sealed)


def introduce(transport: Transport, journal: Journal, to: PartyId, greeting: bytes, purpose: str) -> None:
    """Send the signed greeting that starts the key agreement: public keys only, so not yet sealed."""
    digest = hashlib.sha256(greeting).hexdigest()
    journal.append(Entry("session/greeting", to, len(greeting), digest, purpose))
    transport.send(to, greeting)
