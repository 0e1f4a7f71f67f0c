"""A party's aligned rows in a hybrid round: split inside its consortium, encoded as its counterparts' are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.private import Private
from federation.ids import PartyId
from federation.message import Role
from federation.plan import Plan
from federation.secure_sum.interface import Sums
from federation.session import Session
from federation.tables import Column
from parties.dataset import DatasetConfig
from parties.features import Whitening, read_label
from parties.horizontal.columns import Schema
from parties.horizontal.statistics import fit as fit_common
from parties.hybrid.encoding import OwnEncoding
from parties.round.matrix import agree_widths
from parties.round.rows import OwnTable, split

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class HybridRows:
    """This party's n aligned rows, its d features, and the outcomes where it is the label party."""

    frame: Private[pd.DataFrame]
    training: Marks
    encoding: OwnEncoding
    encoded: Private[Floats]  # n x d
    whitening: Whitening  # over the training rows
    widths: Mapping[PartyId, int]
    labels: Private[npt.NDArray[np.int8]] | None
    notes: tuple[str, ...]

    @property
    def training_rows(self) -> int:
        """How many of the aligned rows train."""
        return int(self.training.sum())


def prepare(
    inside: Session,
    sums: Sums,
    plan: Plan,
    dataset: DatasetConfig,
    table: OwnTable,
    rows: Private[npt.NDArray[np.int64]],
    schema: Schema,
    declared: Mapping[str, Column],
) -> HybridRows:
    """Split inside the consortium, encode by the declarations, whiten, and agree on widths.

    `sums` is over the counterparts; nothing is summed here, as every column is declared. Raises as
    `parties.round.matrix.prepare` does, and `PlanRefused` for declarations that cannot be used.
    """
    frame = Private(table.frame.open_locally().iloc[rows.open_locally()].reset_index(drop=True))
    plain = frame.open_locally()
    training = split(inside, plan, dataset, frame)
    labels = Private(read_label(plain, dataset)) if inside.role is Role.LABEL else None
    common = fit_common(
        sums,
        Private(plain[training].reset_index(drop=True)),
        Private(np.zeros(int(training.sum()), dtype=np.int8)),  # Outcomes are not counted here.
        schema,
        dataset,
        declared,
        secret=plan.digest,  # Declared levels are named: nothing is hashed under it.
        unit="party",
    )
    encoding = OwnEncoding.fit(common.encoding, plain, training, dataset.place)
    encoded = encoding.transform(plain, dataset.place)
    whitening = encoding.whitening(encoded[training])
    width = whitening.rank + (inside.role is Role.LABEL)
    widths = agree_widths(inside, plan, width, int(training.sum()))
    notes = (*common.notes, *encoding.notes)
    return HybridRows(frame, training, encoding, Private(encoded), whitening, widths, labels, notes)
