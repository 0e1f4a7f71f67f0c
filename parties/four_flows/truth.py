"""What no party knows: the answers against which a model, a check or a payment is held."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from parties.four_flows.settings import PARTIES, Party
from parties.four_flows.streams import Floats
from parties.four_flows.tables import KEY, LABEL

if TYPE_CHECKING:
    import pandas as pd

Coalition = tuple[Party, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """`firms` has a row for every firm, borrower or stranger:

    uscc; in_bank, in_platform, in_public; true_pd (probability of default), default_12m (the outcome,
    also where the bank's label is blank or turned over), bankrupt, fake_trade; the factors trade,
    capital, operations, conduct, distress, shock; core, tier, supplies (the supply chain); flags for
    each kind of dirt that is switched on.

    `value` holds, for each coalition of parties ("bank+platform"), the AUC that the best linear reader
    of its clean columns is expected to reach on the firms known to all three; `marginal_value` splits
    the gain over a coin's 0.5 between the parties (Shapley, 1953). `ceiling` is the AUC of the true
    probabilities themselves: chance caps every model there.
    """

    firms: pd.DataFrame = field(repr=False)
    value: Mapping[str, float]
    marginal_value: Mapping[Party, float]
    ceiling: float


def expected_auc(score: Floats, probability: Floats) -> float:
    """The AUC of `score` if each firm defaults with its `probability`; both of shape (firms,).

    The mean over the pairs (defaulter, other), each weighted by the chance that it is one; free of the
    noise of one draw of outcomes. Ties count one half.
    """
    _, group = np.unique(score, return_inverse=True)
    bad = np.bincount(group, weights=probability)
    good = np.bincount(group, weights=1.0 - probability)
    below = np.cumsum(good) - good
    return float((bad * (below + good / 2)).sum() / (bad.sum() * good.sum()))


def coalition_values(tables: Mapping[Party, pd.DataFrame], probability: Floats) -> dict[str, float]:
    """The expected AUC of every coalition; the tables hold the same firms in the same order."""
    target = np.log(probability) - np.log1p(-probability)
    parts = {party: _design(table) for party, table in tables.items()}
    design = np.hstack([parts[party] for party in PARTIES])
    owner = np.repeat(np.arange(len(PARTIES)), [parts[party].shape[1] for party in PARTIES])
    centred = target - target.mean()
    gram, moments = design.T @ design, design.T @ centred
    values = {}
    for coalition in _coalitions():
        mine = np.flatnonzero(np.isin(owner, [PARTIES.index(party) for party in coalition]))
        # Ridge of one firm's weight: dummies of one text column add up to a constant.
        square = gram[np.ix_(mine, mine)] + np.eye(len(mine))
        score = design[:, mine] @ np.linalg.solve(square, moments[mine])
        values["+".join(coalition)] = expected_auc(score, probability)
    return values


def shapley(values: Mapping[str, float]) -> dict[Party, float]:
    """Each party's marginal value, averaged over all orders of joining; they add up to AUC - 0.5."""
    count = len(PARTIES)
    shares: dict[Party, float] = {}
    for party in PARTIES:
        others = [other for other in PARTIES if other != party]
        share = 0.0
        for size in range(count):
            weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
            for before in itertools.combinations(others, size):
                after = "+".join(name for name in PARTIES if name in (*before, party))
                share += weight * (values[after] - values.get("+".join(before), 0.5))
        shares[party] = share
    return shares


def _coalitions() -> list[Coalition]:
    return [group for size in (1, 2, 3) for group in itertools.combinations(PARTIES, size)]


def _design(table: pd.DataFrame) -> Floats:
    """Standardised columns without key and label: amounts as logs, text as dummies."""
    columns = []
    for name in table.columns:
        if name in (KEY, LABEL):
            continue
        if table[name].dtype.kind in "fi":
            values = table[name].to_numpy(dtype=np.float64)
            # Amounts and counts are skewed; shares and trends, which stay small, are not.
            columns.append(np.log1p(values) if values.min() >= 0 and values.max() > 5 else values)
        else:
            cells = table[name].to_numpy(dtype=object)
            columns.extend((cells == one).astype(np.float64) for one in sorted(set(cells))[1:])
    design = np.column_stack(columns)
    spread = design.std(axis=0)
    standard: Floats = (design - design.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return standard
