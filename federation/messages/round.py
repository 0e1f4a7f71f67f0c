"""The messages around a model protocol: progress, preparation, the split, the receipt."""

from __future__ import annotations

import enum

from crypto.sealed import RowMarks
from federation.governance.terms import Form, Use
from federation.message import Digest, Flow, Message, Role, message

LABEL, PARTY, AGGREGATOR = Role.LABEL, Role.PARTY, Role.AGGREGATOR


class Step(enum.Enum):
    """What a party is doing, for people to follow."""

    ALIGN = "aligning firms"
    PREPARE = "preparing its columns"
    STATISTICS = "federated statistics"
    TRAIN = "training"
    SCORE = "opening the planned scores"
    EVALUATE = "evaluating"
    DONE = "done"


@message("round/progress", Flow(PARTY, AGGREGATOR), form=Form.CONTROL)
class Progress(Message):
    """Party to aggregator, at each step and iteration: where it is and how many bytes it has sent."""

    step: Step
    iteration: int
    bytes_sent: int


@message("round/prepared", Flow(PARTY, PARTY), form=Form.CONTROL)
class Prepared(Message):
    """Party to each other party: how many columns it has after encoding. No name, no statistic."""

    columns: int


@message(
    "round/training-rows",
    Flow(LABEL, Role.HELPER),
    Flow(LABEL, Role.FEATURE),
    form=Form.PREDICATE,
    of=(Use.STRATUM,),
)
class TrainingRows(Message):
    """Label party to the others: which aligned rows train. Drawn by the plan's seed and the key, which tells
    nothing, never by label. Where the party names a group column, or one of times and the split is out of
    time, the marks follow from it: they tell which rows may be of one group, and which decisions are the
    latest."""

    marks: RowMarks


@message("round/receipt", Flow(PARTY, AGGREGATOR), form=Form.CONTROL)
class Receipt(Message):
    """Party to aggregator, last of the protocol: what it spent, and the head of its journal."""

    rows: int
    training_rows: int
    columns: int
    iterations: int
    cpu_milliseconds: int
    bytes_sent: int
    journal_head: Digest
