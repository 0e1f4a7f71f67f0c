"""A party's own rows in a round: read, aligned, split. Every one of them stays `Private`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.errors import IsthmusError
from crypto.pool import Pool
from crypto.private import Private
from crypto.sealed import RowMarks, WireRefused
from federation.message import Role
from federation.messages.round import TrainingRows
from federation.plan import Plan
from federation.session import Session
from parties.alignment import align
from parties.connectors import read_table
from parties.dataset import DatasetConfig
from parties.keys import KeyReport, align_keys, normalise

Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class OwnTable:
    """The party's table as read, and which of its rows can be aligned."""

    frame: Private[pd.DataFrame]
    ids: Private[tuple[bytes, ...]]
    positions: Private[npt.NDArray[np.int64]]
    report: KeyReport


def read_own(dataset: DatasetConfig) -> OwnTable:
    """Read the file and normalise its key. `UsageError` names party, file, field; never a value."""
    try:
        frame = read_table(dataset.file)
    except IsthmusError as error:
        error.party = error.party or dataset.holder
        raise
    dataset.check_columns(frame.columns)
    keys = align_keys(frame, dataset)
    return OwnTable(Private(frame), keys.ids, keys.positions, keys.report)


def aligned(
    session: Session, table: OwnTable, minimum: int, pool: Pool | None
) -> Private[npt.NDArray[np.int64]]:
    """Row numbers of the common firms in this party's table, in the order that all parties share."""
    found = align(session, table.ids, minimum, pool)
    return Private(table.positions.open_locally()[found.open_locally()])


def split(session: Session, plan: Plan, dataset: DatasetConfig, frame: Private[pd.DataFrame]) -> Marks:
    """Which aligned rows train. The label party draws and tells; the others take what they are told.

    `frame`: the aligned rows. With a group column all rows of one group fall on one side.
    """
    rows = len(frame.open_locally())
    if session.role is not Role.LABEL:
        marks = session.receive(session.seating.playing(Role.LABEL), TrainingRows).marks.marks()
        if len(marks) != rows:
            raise WireRefused("TrainingRows: not one mark for each aligned row")
        return marks
    training = draw(frame, dataset, plan.split.test_share, plan.split.seed)
    session.send_all(session.others(), TrainingRows(RowMarks.of(training)))
    return training


def draw(frame: Private[pd.DataFrame], dataset: DatasetConfig, test_share: float, seed: int) -> Marks:
    """Which aligned rows train: by a hash of the firm's key, or of its group, under the plan's seed.

    The same firms train in every run of a plan, whatever the order of the rows. The label has no part.
    """
    plain = frame.open_locally()
    names = [normalise(str(key)) for key in plain[dataset.key]]
    if dataset.group is not None:
        groups = plain[dataset.group]
        grouped = zip(groups.astype(str), groups.isna(), names, strict=True)
        names = [name if missing else f"group {group}" for group, missing, name in grouped]
    return np.array([_unit(f"{seed}|{name}") >= test_share for name in names], dtype=np.bool_)


def opened_rows(plan: Plan, training: Marks) -> Marks:
    """Which aligned rows' scores the plan opens to the label party."""
    if plan.scores.open == "all":
        return np.ones(len(training), dtype=np.bool_)
    return ~training if plan.scores.open == "test" else np.zeros(len(training), dtype=np.bool_)


def _unit(text: str) -> float:
    """A number in [0, 1) that only the text decides."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64
