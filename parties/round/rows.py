"""A party's own rows in a round: read, aligned, split. Every one of them stays `Private`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.codes import Code
from crypto.pool import Pool
from crypto.private import Private
from crypto.sealed import RowMarks, WireRefused
from federation.errors import MessageRefused
from federation.ids import AGGREGATOR
from federation.message import Role
from federation.messages.round import TrainingRows
from federation.plan import Plan
from federation.session import Session
from federation.tables import Split
from parties.alignment import align
from parties.connectors import Snapshot
from parties.dataset import DatasetConfig
from parties.governance.canaries import Canaries
from parties.keys import KeyReport, align_keys, normalise
from parties.moments import moments

Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class OwnTable:
    """The party's table as read, and which of its rows can be aligned.

    Behind the table's own rows `frame` may have planted ones (`parties.governance.canaries`), which neither
    `ids`, `positions` nor `report` know of; `planted` are their identifiers. `digest`: that of the snapshot.
    """

    frame: Private[pd.DataFrame]
    ids: Private[tuple[bytes, ...]]
    positions: Private[npt.NDArray[np.int64]]
    report: KeyReport
    planted: Private[tuple[bytes, ...]] = field(default_factory=lambda: Private(()))
    digest: str | None = None


def read_own(dataset: DatasetConfig, canaries: Canaries | None = None) -> OwnTable:
    """Read the table and normalise its key. `UsageError` names party, file, field; never a value.

    `canaries`: planted behind the rows, for a round.
    """
    return own_of(dataset.read(), dataset, canaries)


def own_of(snapshot: Snapshot, dataset: DatasetConfig, canaries: Canaries | None = None) -> OwnTable:
    """`read_own` of a table that was read already."""
    frame = snapshot.frame
    dataset.check_columns(snapshot.present)
    keys = align_keys(frame, dataset)
    if canaries is None:
        return OwnTable(Private(frame), keys.ids, keys.positions, keys.report, digest=snapshot.digest)
    planted = canaries.plant(frame, dataset)
    return OwnTable(
        Private(planted.frame), keys.ids, keys.positions, keys.report, planted.ids, snapshot.digest
    )


def aligned(
    session: Session, table: OwnTable, minimum: int, pool: Pool | None
) -> Private[npt.NDArray[np.int64]]:
    """Row numbers of the common firms in this party's table, in the order that all parties share.

    Planted identifiers go round with the others; `MessageRefused` where one comes back as common.
    """
    own = table.ids.open_locally()
    found = align(session, Private((*own, *table.planted.open_locally())), minimum, pool).open_locally()
    if (found >= len(own)).any():
        raise MessageRefused("a planted identifier came back as a common one", party=AGGREGATOR)
    return Private(table.positions.open_locally()[found])


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
    training = draw(frame, dataset, plan.split)
    session.send_all(session.others(), TrainingRows(RowMarks.of(training)))
    return training


def draw(frame: Private[pd.DataFrame], dataset: DatasetConfig, rule: Split) -> Marks:
    """Which rows of `frame` train, by the plan's rule. The label has no part.

    Random: by a hash of the firm's key, or of its group, under the plan's seed, so that the same firms train
    in every run of a plan, whatever the order of the rows. Raises `UsageError` for an out-of-time split
    without a time column, or with one of which no row is later than another.
    """
    plain = frame.open_locally()
    if rule.method == "out_of_time":
        return _before(plain, dataset, rule.test_share)
    names = [normalise(str(key)) for key in plain[dataset.key]]
    if dataset.group is not None:
        groups = plain[dataset.group]
        grouped = zip(groups.astype(str), groups.isna(), names, strict=True)
        names = [name if missing else f"group {group}" for group, missing, name in grouped]
    return np.array([_unit(f"{rule.seed}|{name}") >= rule.test_share for name in names], dtype=np.bool_)


def _before(frame: pd.DataFrame, dataset: DatasetConfig, test_share: float) -> Marks:
    """All rows but the latest `test_share`, or as near to it as whole days, months or years come.

    A group is as late as its latest row, so that all its rows fall on one side. Rows whose time is missing
    train.
    """
    if dataset.time is None:
        raise dataset.error(
            "the plan splits out of time, and this dataset names no time column",
            advice="Name the column that says when the decision was made: `time` in the configuration.",
            code=Code.TIME_MISSING,
        )
    decided = moments(frame[dataset.time], dataset.place)
    days = np.where(decided.known, decided.days, np.iinfo(np.int64).min)
    if dataset.group is not None:
        groups = frame[dataset.group]
        latest = pd.Series(days).groupby(pd.factorize(groups)[0]).transform("max").to_numpy()
        days = np.where(groups.isna(), days, latest)
    starts, counts = np.unique(days[decided.known], return_counts=True)
    if len(starts) < 2:
        raise dataset.error(
            f"no row is later than another, by the {decided.unit}: the plan's split out of time has no test",
            column=dataset.time,
            advice='Give finer times or more rows, or plan a random split: split.method = "random".',
            code=Code.TIME_MISSING,
        )
    tested = counts[::-1].cumsum()[::-1][1:] / len(
        days
    )  # Where the test begins: at each start but the first.
    begins = starts[1:][np.abs(tested - test_share).argmin()]
    training: Marks = days < begins
    return training


def opened_rows(plan: Plan, training: Marks) -> Marks:
    """Which aligned rows' scores the plan opens to the label party."""
    if plan.scores.open == "all":
        return np.ones(len(training), dtype=np.bool_)
    return ~training if plan.scores.open == "test" else np.zeros(len(training), dtype=np.bool_)


def _unit(text: str) -> float:
    """A number in [0, 1) that only the text decides."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64
