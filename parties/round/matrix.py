"""A party's aligned rows as numbers: encoded and whitened by its own training rows alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.codes import Code
from crypto.private import Private
from crypto.sealed import WireRefused
from federation.budget import check_equations
from federation.errors import PlanRefused
from federation.ids import PartyId
from federation.message import Role
from federation.messages.round import Prepared
from federation.plan import Plan
from federation.session import Session
from parties.dataset import DatasetConfig
from parties.features import FeatureSpec, Whitening, read_label
from parties.features.whitening import MOST_OF_ONE_ROW
from parties.round.rows import OwnTable, split

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class OwnMatrix:
    """This party's aligned rows, encoded and whitened over the training rows."""

    frame: Private[pd.DataFrame]
    training: Marks
    features: FeatureSpec
    encoded: Private[Floats]  # n x d, standardised over the training rows
    whitening: Whitening
    widths: Mapping[PartyId, int]
    labels: Private[npt.NDArray[np.int8]] | None

    @property
    def training_rows(self) -> int:
        """How many of the aligned rows train."""
        return int(self.training.sum())


def prepare(
    session: Session,
    plan: Plan,
    dataset: DatasetConfig,
    table: OwnTable,
    rows: Private[npt.NDArray[np.int64]],
) -> OwnMatrix:
    """Split, encode by the training rows, whiten, and tell the others how many columns that makes.

    Raises `UsageError` for a table that cannot be encoded, `PlanRefused` when a party has more columns than
    its training rows allow: this one, or another by its own word.
    """
    frame = Private(table.frame.open_locally().iloc[rows.open_locally()].reset_index(drop=True))
    training = split(session, plan, dataset, frame)
    labels = Private(read_label(frame.open_locally(), dataset)) if session.role is Role.LABEL else None
    features = FeatureSpec.fit(frame.open_locally(), training, dataset)
    encoded = features.transform(frame.open_locally())
    whitening = Whitening.fit(encoded[training])
    width = whitening.rank + (session.role is Role.LABEL)
    widths = agree_widths(session, plan, width, int(training.sum()))
    return OwnMatrix(frame, training, features, Private(encoded), whitening, widths, labels)


def agree_widths(session: Session, plan: Plan, width: int, rows: int) -> dict[PartyId, int]:
    """Tell the others how many columns are trained here, over `rows` training rows; how many each one has.

    Raises `PlanRefused` when a party has more than its rows allow: this one, or another by its own word.
    """
    check = partial(_check_width, session, plan, rows)
    check(session.me, width)
    session.send_all(session.others(), Prepared(width))
    told = session.gather(session.others(), Prepared)
    for party, message in told.items():
        check(party, message.columns)
    return {**{party: message.columns for party, message in told.items()}, session.me: width}


def _check_width(session: Session, plan: Plan, rows: int, party: PartyId, columns: int) -> None:
    """Raise unless `party` may be given so many sums over `rows` training rows.

    Every party checks every other: whoever would gain from too many columns is not alone in counting them.
    """
    if columns < 1:
        raise WireRefused("Prepared: not a number of columns", party=party)
    if session.seating.roles[party] is not Role.LABEL:
        check_equations(party, columns, rows, plan.limits.equations_per_row)
    elif columns > MOST_OF_ONE_ROW * rows + 1:
        # With as many sums as rows the label party could solve for each row's residual.
        raise PlanRefused(
            f"{columns} columns over {rows} training rows are more than a quarter",
            party=party,
            advice=f"Leave out columns at {party}, or align more firms.",
            code=Code.TOO_MANY_COLUMNS,
        )
