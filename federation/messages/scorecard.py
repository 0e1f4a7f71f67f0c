"""The messages of a scorecard across parties.

`parties.scorecard.counting` tells the protocol of binning, `parties.scorecard.opening` that of the scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from crypto.histogram import EncryptedHistogram, EncryptedRows, HistogramPublicKey
from crypto.sealed import (
    Disclosed,
    DisclosedNumbers,
    MaskedWords,
    RowMarks,
    Wire,
    WireRefused,
    wire_bytes,
)
from federation.governance.terms import Form, Operation, Use
from federation.message import Flow, Message, Role, message

LABEL, HELPER, FEATURE, PARTY = Role.LABEL, Role.HELPER, Role.FEATURE, Role.PARTY

Bytes = npt.NDArray[np.uint8]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, repr=False)
class CellShapes(Disclosed):
    """For each of the sender's columns, in an order drawn for the purpose, four numbers: ordinary cells,
    cells apart (special, missing), how the ordinary ones may be merged, and the trend asked for.

    Tells the label party these four and no name; with the counts of the cells, what a column looks like.
    """

    data: bytes  # 4 d bytes

    @staticmethod
    def of(shapes: Whole) -> CellShapes:
        """From d x 4 numbers below 256."""
        return CellShapes(shapes.astype(np.uint8).tobytes())

    def shapes(self) -> Whole:
        """d x 4."""
        return np.frombuffer(self.data, dtype=np.uint8).reshape(-1, 4).astype(np.int64)

    def __repr__(self) -> str:
        return f"CellShapes({len(self.data) // 4} columns)"

    def to_wire(self) -> Wire:
        return self.data

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        return cls(wire_bytes(wire, of=cls.__name__, multiple=4))


@dataclass(frozen=True, slots=True, repr=False)
class CellGroups(Disclosed):
    """The bin of each of the recipient's cells, a byte for each: which cells are alike in their bad rates."""

    data: bytes

    @staticmethod
    def of(groups: Whole) -> CellGroups:
        return CellGroups(groups.astype(np.uint8).tobytes())

    def groups(self) -> Whole:
        return np.frombuffer(self.data, dtype=np.uint8).astype(np.int64)

    def __repr__(self) -> str:
        return f"CellGroups({len(self.data)} cells)"

    def to_wire(self) -> Wire:
        return self.data

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        return cls(wire_bytes(wire, of=cls.__name__))


@dataclass(frozen=True, slots=True, repr=False)
class PointsLost(Disclosed):
    """For each explained row the sender's columns that lose most points against their best bins: a number
    for the column and the points lost, the most first; a loss of 0 fills up.

    Tells the label party, for these rows, how many points those columns cost: of a column whose losses it
    sees often, which rows share a bin. No name, no value, and nothing of columns that lose less.
    """

    per_row: int
    data: bytes  # 10 bytes an entry: 2 for the column, 8 for the points, little-endian

    _ENTRY = np.dtype([("column", "<u2"), ("lost", "<i8")])

    @staticmethod
    def of(columns: Whole, lost: Whole) -> PointsLost:
        """From rows x k columns and points."""
        entries = np.empty(columns.shape, dtype=PointsLost._ENTRY)
        entries["column"], entries["lost"] = columns, lost
        return PointsLost(columns.shape[1], entries.tobytes())

    def entries(self) -> tuple[Whole, Whole]:
        """Columns and points, rows x k each."""
        entries = np.frombuffer(self.data, dtype=self._ENTRY).reshape(-1, self.per_row)
        return entries["column"].astype(np.int64), entries["lost"].astype(np.int64)

    def __repr__(self) -> str:
        return f"PointsLost({self.per_row} a row)"

    def to_wire(self) -> Wire:
        return [self.per_row, self.data]

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        if not (isinstance(wire, list) and len(wire) == 2 and type(wire[0]) is int and 1 <= wire[0] <= 100):
            raise WireRefused("PointsLost: not a number of entries a row and the entries")
        return cls(wire[0], wire_bytes(wire[1], of=cls.__name__, multiple=wire[0] * 10))


@message("scorecard/binned", Flow(HELPER, PARTY), Flow(FEATURE, PARTY), form=Form.CONTROL)
class Binned(Message):
    """Party without the label to each other party: how many cells and columns it wants counts for."""

    cells: int
    columns: int


@message(
    "scorecard/outcomes",
    Flow(LABEL, HELPER),
    Flow(LABEL, FEATURE),
    form=Form.ENCRYPTED_UPDATE,
    of=(Use.LABEL,),
)
class Outcomes(Message):
    """Label party to the others, once: each training row's outcome under the label party's key."""

    key: HistogramPublicKey
    rows: EncryptedRows


@message(
    "scorecard/shapes", Flow(HELPER, LABEL), Flow(FEATURE, LABEL), form=Form.AGGREGATE, of=(Use.FEATURE,)
)
class Shapes(Message):
    """To the label party, where it merges: what the cells of each nameless column may be merged to."""

    shapes: CellShapes


@message(
    "scorecard/cell-counts",
    Flow(HELPER, LABEL),
    Flow(FEATURE, LABEL),
    form=Form.ENCRYPTED_UPDATE,
    of=(Use.FEATURE,),
)
class CellCounts(Message):
    """To the label party: rows and bads of each cell under its key; masked unless it is to merge them."""

    histogram: EncryptedHistogram


@message(
    "scorecard/opened-counts", Flow(LABEL, HELPER), Flow(LABEL, FEATURE), form=Form.AGGREGATE, of=(Use.LABEL,)
)
class OpenedCounts(Message):
    """Label party back: the opened words, uniform under the asker's masks. Outcomes alone decide them: the
    cells are the asker's, and no model was trained yet."""

    words: MaskedWords


@message("scorecard/grouped", Flow(LABEL, HELPER), Flow(LABEL, FEATURE), form=Form.AGGREGATE, of=(Use.LABEL,))
class Grouped(Message):
    """Label party back, where it merges: each cell's bin, each bin's WOE and each column's IV, rounded."""

    groups: CellGroups
    woe: DisclosedNumbers
    iv: DisclosedNumbers


@message(
    "scorecard/points",
    Flow(HELPER, LABEL),
    Flow(FEATURE, LABEL),
    form=Form.MASKED_UPDATE,
    of=(Use.FEATURE,),
    operation=Operation.SCORE,
)
class PointWords(Message):
    """To the label party: points of the rows that the plan opens, under masks that cancel in the sum."""

    words: MaskedWords


@message(
    "scorecard/explain",
    Flow(LABEL, HELPER),
    Flow(LABEL, FEATURE),
    form=Form.PREDICATE,
    of=(Use.FEATURE,),
    operation=Operation.SCORE,
)
class Explain(Message):
    """Label party to the others: which of the opened test rows it declines, and so must give reasons for.

    Test rows alone: their outcomes had no part in training, so the mark is of the score and no label.
    """

    marks: RowMarks


@message(
    "scorecard/reasons",
    Flow(HELPER, LABEL),
    Flow(FEATURE, LABEL),
    form=Form.PREDICATE,
    of=(Use.FEATURE,),
    operation=Operation.SCORE,
)
class Reasons(Message):
    """To the label party: for each row that it asked about, the columns that lose most points."""

    lost: PointsLost
