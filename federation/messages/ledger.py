"""The messages by which every role of a run witnesses every other role's log.

Seen to each other role -> Announced to each -> Cosigned to each; `federation.ledger.checkpoint` tells the
protocol. All may cross from one consortium to another: another role learns how many entries a log has, a root
over them that tells nothing of any, and that the log only grew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from crypto.sealed import Travels, Wire, wire_bytes
from federation.governance.terms import Form
from federation.message import Digest, Flow, Message, Role, message

PARTY, AGGREGATOR = Role.PARTY, Role.AGGREGATOR
EVERYBODY = (Flow(PARTY, PARTY), Flow(PARTY, AGGREGATOR), Flow(AGGREGATOR, PARTY))


@dataclass(frozen=True, slots=True)
class Signature(Travels):
    """64 bytes of Ed25519 (RFC 8032) over a checkpoint; the receiver verifies it before it does anything."""

    data: bytes

    def to_wire(self) -> Wire:
        """The bytes."""
        return self.data

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        """The bytes again; `WireRefused` unless there are 64."""
        return cls(wire_bytes(wire, of=cls.__name__, exactly=64))


@message("ledger/seen", *EVERYBODY, crosses=True, form=Form.CONTROL)
class Seen(Message):
    """To each other role: how many entries its log had when the sender last cosigned it; 0 before."""

    size: int


@message("ledger/checkpoint", *EVERYBODY, crosses=True, form=Form.CONTROL)
class Announced(Message):
    """To each other role: the sender's signed checkpoint, and the proof that it extends what was seen."""

    size: int
    root: Digest
    signature: Signature
    proof: tuple[Digest, ...]


@message("ledger/cosigned", *EVERYBODY, crosses=True, form=Form.CONTROL)
class Cosigned(Message):
    """To each other role: the sender saw its log grow to the checkpoint and signs it; `at`: Unix seconds."""

    at: int
    signature: Signature
    shown: tuple[Digest, ...]  # SHA-256 of each role's checkpoint as the sender was shown it, in names' order
