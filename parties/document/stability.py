"""Whether the training rows and the test rows look alike: the score, and each of the party's own columns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.errors import UsageError
from parties.dataset import DatasetConfig
from parties.document.material import Material
from parties.evaluation.stability import Stability, level_stability, number_stability, stability
from parties.features.columns import is_empty, is_numeric, levels, numbers
from parties.features.spec import holds_numbers
from parties.round.model import ModelPart
from parties.round.results import AlignedRows
from parties.scorecard.model import ScorecardPart
from parties.scorecard.points import total

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


def own_score(material: Material) -> Floats | None:
    """This party's part of the score of every aligned row: points, or a part of the logit. None of trees,
    whose leaves belong to no party, and where the rows cannot be read again."""
    rows, part = material.rows, material.part
    if rows is None:
        return None
    frame = rows.frame.open_locally()
    if isinstance(part, ScorecardPart):
        codes = part.book.codes(frame, rows.dataset.place)
        return total(codes, part.points).astype(np.float64)
    if isinstance(part, ModelPart):
        return np.asarray(part.features.transform(frame) @ np.array(part.weights))
    return None


def of_score(values: Floats, training: Marks) -> Stability:
    """The index from the training to the test rows, in deciles of the training rows."""
    return number_stability(values[training], values[~training])


def of_columns(material: Material) -> dict[str, Stability]:
    """The index of each of the party's own columns; of a scorecard's in their bins."""
    rows, part = material.rows, material.part
    if rows is None:
        return {}
    if isinstance(part, ScorecardPart):
        return _of_bins(part, rows)
    frame, found = rows.frame.open_locally(), {}
    for column in rows.dataset.feature_columns(frame.columns):
        if (one := _of_column(frame[column], rows.training, rows.dataset)) is not None:
            found[column] = one
    return found


def _of_bins(part: ScorecardPart, rows: AlignedRows) -> dict[str, Stability]:
    codes = part.book.codes(rows.frame.open_locally(), rows.dataset.place)
    found = {}
    for at, table in enumerate(part.book.tables):
        width, sides = len(table.rows), (rows.training, ~rows.training)
        then, now = (np.bincount(codes[side, at], minlength=width) for side in sides)
        found[table.column] = stability(then, now, table.names())
    return found


def _of_column(series: pd.Series, training: Marks, dataset: DatasetConfig) -> Stability | None:
    """None for a column that is neither of numbers nor of levels, and for one without a cell."""
    if is_empty(series[training]):
        return None
    try:
        declared = str(series.name) in dataset.categorical
        if not declared and (is_numeric(series) or holds_numbers(series, dataset.place, [])):
            values = numbers(series, dataset.place)
            return number_stability(values[training], values[~training])
        read = levels(series, dataset.place)
        texts = np.array([*read.texts, None], dtype=object)[read.codes]
        return level_stability(texts[training].tolist(), texts[~training].tolist())
    except UsageError:
        return None
