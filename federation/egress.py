"""The one exit. Nothing leaves a role except through `Egress.send`, and only a `Message` fits it.

    guard (may this role send this message to that role?) -> encode -> policy (may it leave, of what data,
    under which grants?) -> bind and seal -> journal -> transport

A refusal at any step means that nothing left. What the policy bound a message to, a digest of 32 bytes,
travels in front of it inside the envelope: who opens it can hold the sender to its journal, and learns
nothing else.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from crypto.envelope import SessionKeys
from federation import codec, files
from federation.errors import EgressRefused
from federation.governance.terms import Form
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


#: Bytes of a binding's digest in front of each message.
BINDING_BYTES = 32
#: The lineage of what carries nothing of any field.
NO_LINEAGE = bytes(32)
#: What the greeting is called in the journal and in verdicts.
GREETING = "session/greeting"


@dataclass(frozen=True, slots=True)
class Binding:
    """What one frame is bound to, for good: by what right something of whose fields left, in what form.

    number: the place of the frame among all that this role let out in the run, from 0. lineage: SHA-256 over
    the dataset, the manifest and the columns that it says something of; verdict: SHA-256 of the decision.
    """

    grants: tuple[str, ...]
    purpose: str
    number: int
    lineage: bytes
    form: Form
    verdict: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical JSON of all of it."""
        return hashlib.sha256(
            files.canonical_json(
                {
                    "grants": list(self.grants),
                    "purpose": self.purpose,
                    "number": self.number,
                    "lineage": self.lineage.hex(),
                    "form": self.form.value,
                    "verdict": self.verdict.hex(),
                }
            )
        ).digest()


class Policy(Protocol):
    """What decides whether a message may leave, by what its data is and what its owner granted."""

    def permit(self, to: PartyId, message: Message, encoded: bytes) -> Binding:
        """The binding of `message`; `EgressRefused` or `GrantRefused` when it may not leave."""

    def greet(self, to: PartyId, greeting: bytes) -> Binding:
        """The binding of the greeting to `to`, which carries a public key alone; raises as `permit` does."""

    def heard(self, sender: PartyId, message: Message) -> None:
        """Take note of a message that came: what the others announce bounds what may leave."""

    def holds(self, rows: int) -> None:
        """Take note of how many rows this role has read and can align: no more of its own leave."""


class Egress:
    """One role's exit for one session."""

    def __init__(
        self,
        guard: Guard,
        keys: SessionKeys,
        journal: Journal,
        transport: Transport,
        purpose: str,
        policy: Policy,
    ) -> None:
        self._guard = guard
        self._keys = keys
        self._journal = journal
        self._transport = transport
        self._purpose = purpose
        self.policy = policy
        self._order = threading.Lock()
        self.sent: Counter[str] = Counter()

    def send(self, to: PartyId, message: Message) -> None:
        """Send `message`, sealed for `to` alone.

        Raises `EgressRefused` or `GrantRefused` (nothing left), `PeerSilent` naming `to`, or `SessionEnded`.
        """
        if not isinstance(message, Message):
            raise EgressRefused(f"a {type(message).__name__} is not a message")
        self._guard.check(self._guard.me, to, type(message))
        encoded = codec.encode(message)
        with self._order:  # Bind, seal and send as one step: the numbers are the order on the wire.
            binding = self.policy.permit(to, message, encoded)
            sealed = self._keys.seal(to, binding.digest + encoded)
            self._journal.append(_entry(message.NAME, to, sealed, self._purpose, binding))
            self.sent[message.NAME] += len(sealed)
            self._transport.send(to, sealed)


def introduce(
    transport: Transport, journal: Journal, to: PartyId, greeting: bytes, purpose: str, policy: Policy
) -> None:
    """Send the signed greeting that starts the key agreement: public keys only, so not yet sealed."""
    binding = policy.greet(to, greeting)
    journal.append(_entry(GREETING, to, greeting, purpose, binding))
    transport.send(to, greeting)


def _entry(kind: str, to: PartyId, frame: bytes, purpose: str, binding: Binding) -> Entry:
    """The journal's line for one frame, as it goes on the wire."""
    return Entry(
        kind,
        to,
        len(frame),
        hashlib.sha256(frame).hexdigest(),
        purpose,
        form=binding.form.value,
        grants=binding.grants,
        lineage=binding.lineage.hex(),
        verdict=binding.verdict.hex(),
        number=binding.number,
    )
