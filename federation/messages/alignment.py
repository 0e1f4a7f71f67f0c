"""The messages of alignment (`parties.alignment` tells the protocol)."""

from __future__ import annotations

from crypto.curve import BlindedPoints, Tags
from crypto.sealed import RowPositions
from federation.governance.terms import Form, Operation, Use
from federation.ids import PartyId
from federation.message import Flow, Message, Role, message

PARTY, AGGREGATOR = Role.PARTY, Role.AGGREGATOR


@message("alignment/points", Flow(PARTY, PARTY), form=Form.PSI_TOKEN, of=(Use.KEY,), operation=Operation.PSI)
class RingPoints(Message):
    """To the next party round the ring: the identifiers of `owner`, blinded by every party so far."""

    owner: PartyId
    points: BlindedPoints


@message(
    "alignment/tags", Flow(PARTY, AGGREGATOR), form=Form.PSI_TOKEN, of=(Use.KEY,), operation=Operation.PSI
)
class RingTags(Message):
    """From the last party round the ring to the matcher: the tags of `owner`, in `owner`'s shuffled order."""

    owner: PartyId
    tags: Tags


@message(
    "alignment/rows", Flow(AGGREGATOR, PARTY), form=Form.PREDICATE, of=(Use.KEY,), operation=Operation.PSI
)
class CommonRows(Message):
    """Matcher to each party: which of its own shuffled rows all the others have, in the common order."""

    rows: RowPositions
