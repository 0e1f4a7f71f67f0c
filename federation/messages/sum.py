"""The messages of a protected sum (`federation.secure_sum.member` tells the protocol).

All of them may cross from one consortium to another: what they carry is sealed, a digest, or a secret that
opens nothing but the sum.
"""

from __future__ import annotations

import hashlib

import msgpack

from crypto.sealed import MaskSeed
from crypto.summation.protection import GroupKey, SealedVector
from federation.governance.terms import Form, Use
from federation.ids import PartyId
from federation.message import Carried, Digest, Flow, Message, Role, message

PARTY, AGGREGATOR = Role.PARTY, Role.AGGREGATOR


@message("sum/group-key", Flow(PARTY, PARTY), crosses=True, form=Form.CONTROL)
class SumKey(Message):
    """First member to each other member, once a session: the key under which their sums are sealed."""

    key: GroupKey


@message("sum/upload", Flow(PARTY, AGGREGATOR), form=Form.ENCRYPTED_UPDATE, of=(Use.FEATURE, Use.LABEL))
class Upload(Message):
    """Member to aggregator: its masked and sealed vector, and over whom it is to be added."""

    label: Digest
    members: tuple[PartyId, ...]
    vector: SealedVector

    def carried(self) -> Carried:
        """Under protection "mask" words that masks hide; else a ciphertext."""
        form = Form.MASKED_UPDATE if self.vector.form == "mask" else self.FORM
        return Carried(form, self.OF, self.OPERATION)


@message("sum/total", Flow(AGGREGATOR, PARTY), form=Form.AGGREGATE, of=(Use.FEATURE, Use.LABEL))
class Total(Message):
    """Aggregator to each member: the sealed sum, and the digest of each member's vector in it, in order.

    `pause`: the members shall stop where this step ends, so that another party can join them.
    """

    label: Digest
    uploads: tuple[Digest, ...]
    vector: SealedVector
    pause: bool


@message("sum/confirmed", Flow(PARTY, PARTY), crosses=True, form=Form.CONTROL)
class Confirmed(Message):
    """Member to each other member: a digest of the total that it was given and of the vectors in it."""

    label: Digest
    seen: Digest


@message("sum/own-mask", Flow(PARTY, PARTY), crosses=True, form=Form.CONTROL)
class OwnMask(Message):
    """Member to each other member, once all have confirmed the same total: what its own mask follows from."""

    label: Digest
    seed: MaskSeed


def vector_digest(vector: SealedVector) -> Digest:
    """SHA-256 of a sealed vector's wire form, by which a member finds its own in a total."""
    packed: bytes = msgpack.packb(vector.to_wire())
    return Digest(hashlib.sha256(packed).digest())
