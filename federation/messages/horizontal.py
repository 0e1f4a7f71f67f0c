"""The messages between the members of a horizontal round, besides those of its sums.

Among members alone, past the aggregator. What they carry is a digest, the mean of a group (robust.groups), or
what all members know already.
"""

from __future__ import annotations

from crypto.sealed import DisclosedNumbers, SharedKnowledge, SharedSecret
from federation.governance.terms import Form, Use
from federation.message import NOTHING, Carried, Digest, Flow, Message, Role, message

MEMBER = Role.MEMBER


@message("horizontal/schema", Flow(MEMBER, MEMBER), form=Form.CONTROL)
class SchemaDigest(Message):
    """Member to each other member, first of all: a digest of its feature columns' names and kinds."""

    schema: Digest


@message("horizontal/standing", Flow(MEMBER, MEMBER), form=Form.CONTROL)
class Standing(Message):
    """Member to each other member: after which round it stands (-1: it knows nothing yet), a digest of what
    it knows then, and whether others may know a sum beyond that which was over other members than these."""

    number: int
    state: Digest
    released: bool


@message("horizontal/level-key", Flow(MEMBER, MEMBER), form=Form.CONTROL)
class LevelKey(Message):
    """First member to the others, before statistics: the key under which levels' names are hashed."""

    key: SharedSecret


@message("horizontal/catch-up", Flow(MEMBER, MEMBER), form=Form.AGGREGATE, of=(Use.FEATURE, Use.LABEL))
class CatchUp(Message):
    """A member that stands furthest to one that does not: the common encoding, statistics and model."""

    state: SharedKnowledge


@message("horizontal/group-mean", Flow(MEMBER, MEMBER), form=Form.AGGREGATE, of=(Use.FEATURE, Use.LABEL))
class GroupMean(Message):
    """Member to each member of another group, once a round: a digest of its own group's mean change. The
    first member of the group tells the mean itself: the values, of which nobody's alone is one."""

    label: Digest
    seen: Digest
    mean: DisclosedNumbers | None

    def carried(self) -> Carried:
        """Nothing of any field where only the digest is told."""
        return NOTHING if self.mean is None else Carried(self.FORM, self.OF, self.OPERATION)
