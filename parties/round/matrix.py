"""A party's aligned rows as numbers: encoded and whitened by its own training rows alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.private import Private
from federation.budget import check_equations
from federation.ids import PartyId
from federation.message import Role
from federation.messages.round import Prepared
from federation.plan import Plan
from federation.session import Session
from parties.dataset import DatasetConfig
from parties.features import FeatureSpec, Whitening, read_label
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
        return int(self.training.sum())


def prepare(
    session: Session,
    plan: Plan,
    dataset: DatasetConfig,
    table: OwnTable,
    rows: Private[npt.NDArray[np.int64]],
) -> OwnMatrix:
    """Split, encode by the training rows, whiten, and tell the others how many columns that makes.

    Raises `UsageError` for a table that cannot be encoded, `PlanRefused` when the columns of a party
    without labels exceed the equation budget.
    """
    frame = Private(table.frame.open_locally().iloc[rows.open_locally()].reset_index(drop=True))
    training = split(session, plan, dataset, frame)
    labels = Private(read_label(frame.open_locally(), dataset)) if session.role is Role.LABEL else None
    features = FeatureSpec.fit(frame.open_locally(), training, dataset)
    encoded = features.transform(frame.open_locally())
    whitening = Whitening.fit(encoded[training])
    if session.role is not Role.LABEL:
        check_equations(session.me, whitening.rank, int(training.sum()), plan.limits.equations_per_row)
    width = whitening.rank + (session.role is Role.LABEL)
    session.send_all(session.others(), Prepared(width))
    told = session.gather(session.others(), Prepared)
    widths = {**{party: message.columns for party, message in told.items()}, session.me: width}
    return OwnMatrix(frame, training, features, Private(encoded), whitening, widths, labels)
