"""A party's aligned rows as bins and WOE: what a scorecard is trained on.

    split -> bin, count the outcomes in the bins -> leave out what tells too little or is mostly missing
          -> leave out what columns of any party say already (`overlap`) -> whiten

What each role learns is told by `counting` and `overlap`; that of a column's going by its party's own filters
reaches nobody but as the number of columns that are left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.codes import Code
from crypto.private import Private
from federation.errors import PlanRefused
from federation.ids import PartyId
from federation.message import Role
from federation.plan import Plan
from federation.session import Session
from parties.binning.book import BinningBook, BinningTable, counted
from parties.binning.fine import FineColumn, equations, fine_columns, within_budget
from parties.binning.leverage import together
from parties.dataset import DatasetConfig
from parties.features import Whitening, read_label
from parties.round.matrix import agree_widths
from parties.round.rows import OwnTable, split
from parties.scorecard.counting import Cells, count_own, give_counts
from parties.scorecard.overlap import Overlap, overlapping
from parties.selection.filters import LeftOut, filtered

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ScorecardRows:
    """This party's aligned rows in the bins of its book: `codes`, n x d, a byte each."""

    frame: Private[pd.DataFrame]
    training: Marks
    book: BinningBook
    codes: Private[Cells]
    labels: Private[npt.NDArray[np.int8]] | None

    @property
    def encoded(self) -> Private[Floats]:
        """The WOE of every row (n x d), made when asked for: it takes eight times the memory of the bins."""
        return Private(self.book.woe(self.codes.open_locally()))

    def only(self, places: Sequence[int]) -> ScorecardRows:
        """The same rows with the columns at `places` alone."""
        book = BinningBook(tuple(self.book.tables[at] for at in places))
        return replace(self, book=book, codes=Private(self.codes.open_locally()[:, list(places)]))


@dataclass(frozen=True, slots=True)
class Design:
    """What training needs of a party: its rows, its WOE over the training rows, whitened by themselves.

    `offered`: the rows with every column that the party's own filters let pass, what it could do alone.
    `left_out`: tables of the columns that do not train, and `why`. `equations`: how many counts of outcomes
    this party was told that do not follow from each other.
    """

    rows: ScorecardRows
    offered: ScorecardRows
    left_out: BinningBook
    why: tuple[LeftOut, ...]
    woe: Private[Floats]  # of the training rows
    whitening: Whitening
    widths: Mapping[PartyId, int]
    equations: int
    notes: tuple[str, ...]

    def only(self, session: Session, plan: Plan, places: Sequence[int], why: Sequence[LeftOut]) -> Design:
        """With the own columns at `places` alone; the others go for the reasons `why`. Every party calls it,
        each with places of its own, and is told how many columns the others have left."""
        rows, gone = self.rows.only(places), set(range(len(self.rows.book.tables))) - set(places)
        woe = self.woe.open_locally()[:, list(places)]
        whitening = Whitening.fit(woe)
        width = whitening.rank + (session.role is Role.LABEL)
        return replace(
            self,
            rows=rows,
            left_out=BinningBook(
                (*self.left_out.tables, *(self.rows.book.tables[at] for at in sorted(gone)))
            ),
            why=(*self.why, *why),
            woe=Private(woe),
            whitening=whitening,
            widths=agree_widths(session, plan, width, len(woe)),
            notes=(*self.notes, *map(_sentence, why)),
        )

    def noting(self, sentence: str) -> Design:
        """With one more sentence for the party's own people."""
        return replace(self, notes=(*self.notes, sentence))


def prepare(
    session: Session,
    plan: Plan,
    dataset: DatasetConfig,
    table: OwnTable,
    rows: Private[npt.NDArray[np.int64]],
) -> Design:
    """Split, bin, count the outcomes in the bins together with the other parties, choose, whiten the WOE.

    WOE columns are not scaled, so that the plan's penalty is scikit-learn's on them. Raises `UsageError` for
    a table that cannot be binned, `PlanRefused` where a party wants more counts or columns than its training
    rows allow, and where no column passes the plan's filters.
    """
    frame = Private(table.frame.open_locally().iloc[rows.open_locally()].reset_index(drop=True))
    training = split(session, plan, dataset, frame)
    at_label = session.role is Role.LABEL
    labels = Private(read_label(frame.open_locally(), dataset)) if at_label else None
    notes: list[str] = []
    whole, told = _tables(session, plan, dataset, frame.open_locally(), training, labels, notes)
    stay, by_own = _filtered(whole, frame.open_locally()[training], dataset, plan)
    codes = Private(stay.codes(frame.open_locally(), dataset.place))
    offered = ScorecardRows(frame, training, stay, codes, labels)
    found = overlapping(session, plan, stay.tables, Private(stay.woe(codes.open_locally()[training])))
    own = offered.only(_remaining(stay, found))
    why = (*by_own, *found.left_out)
    notes += [*map(_sentence, why), *found.notes, *_against_trend(whole, dataset)]
    woe = own.book.woe(own.codes.open_locally()[training])
    whitening = Whitening.fit(woe)
    if plan.selection.eliminates and whitening.rank < woe.shape[1]:
        raise dataset.error(
            "columns repeat each other, so that none can be judged by itself",
            advice="Plan selection.correlation and selection.inflation, or exclude what is repeated.",
        )
    widths = agree_widths(session, plan, whitening.rank + at_label, int(training.sum()))
    left_out = _left_out(whole, own.book)
    return Design(own, offered, left_out, why, Private(woe), whitening, widths, told, tuple(notes))


def _filtered(
    whole: BinningBook, rows: pd.DataFrame, dataset: DatasetConfig, plan: Plan
) -> tuple[BinningBook, tuple[LeftOut, ...]]:
    """What passes the party's own filters, by its training `rows`, and what does not."""
    missing = {table.column: float(rows[table.column].isna().mean()) for table in whole.tables}
    stay, why = filtered(
        {table.column: table.iv for table in whole.tables},
        missing,
        minimum_iv=plan.binning.minimum_iv,
        most_missing=plan.selection.most_missing,
    )
    if not stay:
        least = plan.binning.minimum_iv
        raise PlanRefused(
            f"no column has an information value of {least:g} and values enough",
            party=dataset.holder,
            field="binning.minimum_iv",
            advice="Plan a lower binning.minimum_iv, or give columns that tell more of the outcome.",
            code=Code.NO_FEATURE,
        )
    return BinningBook(tuple(table for table in whole.tables if table.column in stay)), why


def _remaining(book: BinningBook, found: Overlap) -> list[int]:
    gone = {each.column for each in found.left_out}
    return [at for at, table in enumerate(book.tables) if table.column not in gone]


def _left_out(whole: BinningBook, kept: BinningBook) -> BinningBook:
    names = {table.column for table in kept.tables}
    return BinningBook(tuple(table for table in whole.tables if table.column not in names))


def _tables(
    session: Session,
    plan: Plan,
    dataset: DatasetConfig,
    frame: pd.DataFrame,
    training: Marks,
    labels: Private[npt.NDArray[np.int8]] | None,
    notes: list[str],
) -> tuple[BinningBook, int]:
    """Every column's table: by own outcomes, or by what the label party tells in so many equations."""
    columns = fine_columns(frame, training, dataset, plan.binning, notes)
    if labels is None:
        limit = plan.limits.equations_per_row
        columns = within_budget(columns, frame, training, dataset, plan.binning, limit, notes)
        cells = _cells(columns, frame[training], dataset)
        kept = together(cells, [column.cells for column in columns])
        notes += [
            f"Column {column.cuts.column} is left out: it is so like those before it that a combination of "
            "their counts would stand on few training rows."
            for at, column in enumerate(columns)
            if at not in kept
        ]
        columns = tuple(columns[at] for at in kept)
        book = BinningBook(count_own(session, plan, columns, Private(cells[:, kept])))
        return book, equations(columns)
    outcomes = labels.open_locally()[training]
    tables = _own_tables(columns, _cells(columns, frame[training], dataset), outcomes == 1, plan)
    give_counts(session, plan, Private(outcomes))
    return BinningBook(tables), 0


def _own_tables(
    columns: tuple[FineColumn, ...], cells: Cells, bad: Marks, plan: Plan
) -> tuple[BinningTable, ...]:
    return tuple(
        counted(
            column,
            np.bincount(cells[bad, at], minlength=column.cells),
            plan.binning.method,
            plan.binning.bins,
        )
        for at, column in enumerate(columns)
    )


def _cells(columns: tuple[FineColumn, ...], frame: pd.DataFrame, dataset: DatasetConfig) -> Cells:
    """The cells of the rows of `frame`, n x F, in Fortran order."""
    out = np.empty((len(frame), len(columns)), dtype=np.uint8, order="F")
    for at, column in enumerate(columns):
        out[:, at] = column.codes(frame[column.cuts.column], dataset.place)
    return out


def _sentence(left_out: LeftOut) -> str:
    return f"Column {left_out.column} is left out: {left_out.reason}."


def _against_trend(whole: BinningBook, dataset: DatasetConfig) -> list[str]:
    return [
        f"Column {table.column} was to have a bad rate that is {asked}; its bins have none."
        for table in whole.tables
        if (asked := dataset.rules(table.column).trend) in ("ascending", "descending")
        and table.trend != asked
    ]
