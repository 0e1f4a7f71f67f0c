"""What one member weighs in the mean of the changes, value by value: for strategy = "scaffold".

By all rows, a member with half of them weighs a half. An offset or an embedding of one code is moved by the
rows with that code alone, and its mean is taken over those: a member that has all of them weighs 1, one that
has none 0 (FedSubAvg: Ding et al., "Federated submodel optimization for hot and cold data features", NeurIPS
2022). A member without such a row could say nothing of the code, and the correction that it is told of the
others' gradients would carry the code's offset away.

How many rows have a code, over all members, is known of columns that the statistics count. Where a plan
declares the levels nobody counts them: such codes weigh as all rows do, and are not corrected.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crypto.errors import UsageError
from federation.secure_sum.interface import Floats, Integers
from federation.tables import Model
from parties.features.support import Mask
from parties.horizontal.models import code_parts
from parties.horizontal.vector import Layout


@dataclass(frozen=True, slots=True, repr=False)
class Shares:
    """`rows`: the member's share of all training rows, above 0. `values` (size,): what each value of the
    vector weighs, from 0 to 1. `known` (size,): whether that is its share of the rows that move the value."""

    rows: float
    values: Floats
    known: Mask

    @property
    def density(self) -> Floats:
        """How much more often than elsewhere a value's rows are among this member's rows (size,).

        The penalty on a value is spread over members in proportion: over all it is that of one model.
        """
        return self.values / self.rows


def shares_of(
    layout: Layout,
    model: Model,
    categories: tuple[str, ...],
    codes: Integers,
    statistics: Mapping[str, Any],
    rows: float,
) -> Shares:
    """Of a member whose training rows have `codes` (n, k) in the columns `categories`.

    `statistics`: as `Statistics.to_dict` gives them, without noise. `rows`: its share of all training rows.
    Raises `UsageError` where the statistics are of another encoding.
    """
    known = {column["name"]: column["shares"] for column in statistics["columns"]}
    parts = code_parts(model, len(categories))
    values, certain = [], []
    for name, shape in zip(layout.names, layout.shapes, strict=True):
        size, column = math.prod(shape), parts.get(name)
        if column is None:
            share, sure = np.full(size, rows), True
        else:
            told = known.get(categories[column])
            sure = told is not None
            share = np.full(shape[0], rows)
            if told is not None:
                if len(told) != shape[0]:
                    raise UsageError(
                        "the statistics are not of this encoding",
                        field=categories[column],
                        advice="Launch the round again, so that its statistics are made anew.",
                    )
                share = _of_codes(codes[:, column], np.array(told) * statistics["rows"])
            share = np.repeat(share, size // shape[0])
        values.append(share)
        certain.append(np.full(size, sure))
    return Shares(rows, np.concatenate(values), np.concatenate(certain))


def _of_codes(codes: Integers, all_rows: Floats) -> Floats:
    """This member's share of the rows with each code; of one that joined late, at most 1."""
    own = np.bincount(codes, minlength=len(all_rows))
    # A share of the rows times the rows is a whole number but for rounding.
    return np.minimum(own / np.maximum(np.rint(all_rows), 1), 1.0)
