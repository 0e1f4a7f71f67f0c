"""The messages of vertical gradient boosting (`parties.boosting.label` tells the protocol)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from crypto.histogram import EncryptedHistogram, EncryptedRows, HistogramPublicKey
from crypto.sealed import Disclosed, RowMarks, Wire, WireRefused, wire_bytes
from federation.governance.terms import Form, Operation, Use
from federation.message import Flow, Message, Role, message

LABEL, HELPER, FEATURE = Role.LABEL, Role.HELPER, Role.FEATURE

FROM_LABEL = (Flow(LABEL, HELPER), Flow(LABEL, FEATURE))
TO_LABEL = (Flow(HELPER, LABEL), Flow(FEATURE, LABEL))


class CandidateMarks(RowMarks):
    """One bit for each candidate, or for each candidate in each node, node by node; none for a row.

    Tells the label party which anonymous candidates rest on enough rows, or are of columns with a trend.
    """

    __slots__ = ()


class NodeMarks(RowMarks):
    """One bit for each node of a tree's level: whether it was split."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, repr=False)
class Picked(Disclosed):
    """Nodes of a level and the candidate of the recipient's own by which each is split, in the nodes' order.

    Tells the recipient which of its splits the label party found the best of all.
    """

    data: bytes  # 8 n bytes: node and candidate, little-endian

    @staticmethod
    def of(picks: npt.NDArray[np.int64]) -> Picked:
        """`picks`: n x 2."""
        return Picked(picks.astype("<u4").tobytes())

    def picks(self, nodes: int, candidates: int) -> npt.NDArray[np.int64]:
        """n x 2; `WireRefused` unless nodes ascend and both are in range."""
        found = np.frombuffer(self.data, dtype="<u4").astype(np.int64).reshape(-1, 2)
        if (found >= [nodes, candidates]).any() or (np.diff(found[:, 0]) <= 0).any():
            raise WireRefused("Picked: not candidates of different nodes of this level")
        return found

    def __len__(self) -> int:
        return len(self.data) // 8

    def __repr__(self) -> str:
        return f"Picked({len(self)} splits)"

    def to_wire(self) -> Wire:
        return self.data

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        return cls(wire_bytes(wire, of=cls.__name__, multiple=8))


@message("boosting/key", *FROM_LABEL, form=Form.CONTROL)
class BoostingKey(Message):
    """Label party to the others, once a run: the public key that encrypted sums are re-randomised with."""

    key: HistogramPublicKey


@message("boosting/tree", *FROM_LABEL, form=Form.CONTROL)
class NextTree(Message):
    """Label party to the others: which training rows grow tree `number`, drawn uniformly, never by label.

    None when no tree follows, and then `number` is that of the last tree of the model. Trees of the label
    party's columns alone are numbered too, and not told of.
    """

    number: int
    rows: RowMarks | None


@message("boosting/offer", *TO_LABEL, form=Form.AGGREGATE, of=(Use.FEATURE,))
class Offer(Message):
    """To the label party, for each tree: how many candidates there are, in a fresh random order, and which of
    them belong to columns with a declared trend."""

    ordered: CandidateMarks


@message("boosting/rows", *FROM_LABEL, form=Form.ENCRYPTED_UPDATE, of=(Use.FEATURE, Use.LABEL))
class LevelRows(Message):
    """Label party to the others, once a level: gradients and hessians of the rows of the computed nodes, node
    by node, under the label party's key. After the first tree they follow from its own splits too."""

    rows: EncryptedRows


@message("boosting/sums", *TO_LABEL, form=Form.ENCRYPTED_UPDATE, of=(Use.FEATURE,))
class LeftSums(Message):
    """To the label party: which candidates are told in which node of the level, and for each computed node
    the sums of what those send left, in their order, under the label party's key; then zeros."""

    told: CandidateMarks
    sums: EncryptedHistogram


@message("boosting/picks", *FROM_LABEL, form=Form.AGGREGATE, of=(Use.FEATURE, Use.LABEL))
class Picks(Message):
    """Label party to the owner of candidates, once a level: by which of them nodes are split. They are better
    than the label party's own."""

    picked: Picked


@message("boosting/sides", *TO_LABEL, form=Form.PREDICATE, of=(Use.FEATURE,))
class Sides(Message):
    """Owner to label party: for the training rows of the nodes picked, node by node, which go left. It is
    what the owner's column says of each row at one edge; no tree can be grown without it."""

    left: RowMarks


@message("boosting/division", *FROM_LABEL, form=Form.PREDICATE, of=(Use.FEATURE,))
class Division(Message):
    """Label party to the others: which nodes of the level were split, and which training rows went left in
    them (0 for rows of other nodes). Not sent for a tree's last level."""

    split: NodeMarks
    left: RowMarks


@message("boosting/scores", *TO_LABEL, form=Form.PREDICATE, of=(Use.FEATURE,), operation=Operation.SCORE)
class ScoreSides(Message):
    """To the label party: for each row that the plan opens, whether each of the sender's splits sends it
    left, row by row."""

    left: RowMarks
