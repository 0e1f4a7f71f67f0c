"""The message by which a party lets the label party hold its points (`parties.export.sharing`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from crypto.sealed import Disclosed, Wire, WireRefused, wire_bytes
from federation.governance.terms import Form, Operation, Use
from federation.message import NOTHING, Carried, Flow, Message, Role, message

LABEL, HELPER, FEATURE = Role.LABEL, Role.HELPER, Role.FEATURE

#: The largest table that is taken, in bytes: a thousand columns of 34 bins need a third of it.
_MOST = 16 << 20


@dataclass(frozen=True, slots=True, repr=False)
class PointsTable(Disclosed):
    """The sender's columns in a scorecard, as JSON: names, edges and levels of bins, points, reasons.

    Tells the label party how each value of these columns is scored, and, as points follow from WOE, about how
    bad each bin is. No row and no count; but a level is a text of the sender's table.
    """

    data: bytes

    def __repr__(self) -> str:
        return f"PointsTable({len(self.data)} bytes)"

    def to_wire(self) -> Wire:
        return self.data

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        data = wire_bytes(wire, of=cls.__name__)
        if len(data) > _MOST:
            raise WireRefused("PointsTable: larger than any scorecard")
        return cls(data)


@message(
    "export/points",
    Flow(HELPER, LABEL),
    Flow(FEATURE, LABEL),
    form=Form.AGGREGATE,
    of=(Use.FEATURE,),
    operation=Operation.EXPORT,
)
class SharedPoints(Message):
    """To the label party, once a scorecard is made: the sender's points, where its configuration agrees."""

    table: PointsTable | None

    def carried(self) -> Carried:
        """Nothing of any field where the sender keeps its points."""
        return NOTHING if self.table is None else Carried(self.FORM, self.OF, self.OPERATION)
