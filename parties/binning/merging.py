"""Merging fine bins to few: which neighbours become one, from the counts of goods and bads alone.

Every function takes the counts of m ordered cells and returns their groups: m numbers, 0 for the first
group, that never fall and rise by one at most.

    chimerge   the two neighbours that differ least are merged (Kerber, AAAI 1992)
    tree       the leaves of a decision tree on the cells' order (scikit-learn)
    monotone   of all groupings with a monotone bad rate the one with the largest IV, by dynamic programming

Cells without order, the levels of a category, are ordered by their bad rate first. For a sum over groups
that is no loss: with two outcomes the best grouping is contiguous in that order (Chou, IEEE PAMI 13, 1991).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.tree import DecisionTreeClassifier

from parties.binning.woe import ADJUSTMENT, Counts, Floats, contributions
from parties.dataset import Trend

Groups: TypeAlias = npt.NDArray[np.int64]
Method = Literal["chimerge", "tree", "monotone"]

#: Neighbours that differ by less than this are merged: 95 % of the chi-squared distribution, one degree.
SAME = 3.841


def merge(method: Method, good: Counts, bad: Counts, most: int, trend: Trend = "none") -> Groups:
    """At most `most` groups of ordered cells, whose bad rate has the `trend` that was asked for.

    "auto" asks `monotone` for either direction and the other methods for none. Where a declared direction is
    not what another method finds, its groups are merged further as `monotone` does.
    """
    if method == "monotone":
        return monotone(good, bad, most, trend)
    groups = chimerge(good, bad, most) if method == "chimerge" else tree(good, bad, most)
    if trend in ("auto", "none"):
        return groups
    return monotone(*_summed(good, bad, groups), most, trend)[groups]


def merge_unordered(method: Method, good: Counts, bad: Counts, most: int) -> Groups:
    """At most `most` groups of cells without order, numbered by rising bad rate; they may rise and fall."""
    order = np.argsort(bad / np.maximum(good + bad, 1), kind="stable")
    groups = np.empty(len(order), dtype=np.int64)
    groups[order] = merge(method, good[order], bad[order], most)
    return groups


def chimerge(good: Counts, bad: Counts, most: int) -> Groups:
    """Merge until at most `most` groups are left and all neighbours differ; two groups are always left."""
    starts = list(range(len(good)))
    goods, bads = good.astype(np.float64), bad.astype(np.float64)
    while len(starts) > 2:
        differ = _chi_squared(goods, bads)
        least = int(differ.argmin())
        if len(starts) <= most and differ[least] >= SAME:
            break
        del starts[least + 1]
        for counts in (goods, bads):
            counts[least] += counts[least + 1]
        goods, bads = np.delete(goods, least + 1), np.delete(bads, least + 1)
    return _groups(starts, len(good))


def tree(good: Counts, bad: Counts, most: int) -> Groups:
    """The leaves of a tree that lowers the entropy most, leaf by leaf."""
    cells = np.arange(len(good))
    fitted = DecisionTreeClassifier(criterion="entropy", max_leaf_nodes=most, random_state=0).fit(
        np.tile(cells, 2)[:, None],
        np.repeat([0, 1], len(good)),
        sample_weight=np.concatenate([good, bad]).astype(np.float64),
    )
    leaves = fitted.apply(cells[:, None])
    return np.concatenate([[0], np.cumsum(leaves[1:] != leaves[:-1])]).astype(np.int64)


def monotone(good: Counts, bad: Counts, most: int, trend: Trend) -> Groups:
    """The grouping with the largest IV whose bad rate rises ("ascending"), falls, does either of the two
    ("auto"), or what it likes ("none"); of equally good ones the one with the fewest groups."""
    if trend == "auto":
        found = [monotone(good, bad, most, "ascending"), monotone(good, bad, most, "descending")]
        return max(found, key=lambda groups: _value(good, bad, groups))
    gains, rates = _segments(good, bad)
    order = {"ascending": rates, "descending": -rates, "none": np.zeros_like(rates)}[trend]
    return _best_path(gains, order, min(most, len(good)), strict=trend != "none")


def _value(good: Counts, bad: Counts, groups: Groups) -> float:
    return float(contributions(*_summed(good, bad, groups)).sum())


def _summed(good: Counts, bad: Counts, groups: Groups) -> tuple[Counts, Counts]:
    goods, bads = (np.bincount(groups, weights=counts).astype(np.int64) for counts in (good, bad))
    return goods, bads


def _segments(good: Counts, bad: Counts) -> tuple[Floats, Floats]:
    """What cells i .. j - 1 as one group add to the IV, and their bad rate: two (m + 1) x (m + 1) matrices.

    Entries with i >= j mean nothing.
    """
    below = [np.concatenate([[0], np.cumsum(counts)]) for counts in (good, bad)]
    spans = [np.maximum(counts[None, :] - counts[:, None], 0) for counts in below]
    shares = [span / max(int(counts[-1]), 1) for span, counts in zip(spans, below, strict=True)]
    shift = np.where((spans[0] == 0) | (spans[1] == 0), ADJUSTMENT, 0.0)
    adjusted = [(span + shift) / max(int(counts[-1]), 1) for span, counts in zip(spans, below, strict=True)]
    with np.errstate(divide="ignore", invalid="ignore"):
        gains = np.nan_to_num((shares[0] - shares[1]) * np.log(adjusted[0] / adjusted[1]))
    return gains, spans[1] / np.maximum(spans[0] + spans[1], 1)


def _best_path(gains: Floats, order: Floats, most: int, *, strict: bool) -> Groups:
    """The grouping with the largest sum of gains, in which `order` rises from group to group.

    value[i, j]: the best for the first j cells whose last group starts at cell i. For each i the groups that
    may come before are sorted by `order`, so that the best of those below a bound is a running maximum.
    """
    m = len(gains) - 1
    value = np.full((m + 1, m + 1), -np.inf)
    value[0, 1:] = gains[0, 1:]
    before: list[npt.NDArray[np.int64]] = []
    finals = [value[:, m].copy()]
    for _ in range(1, most):
        following = np.full_like(value, -np.inf)
        came = np.zeros(value.shape, dtype=np.int64)
        for i in range(1, m):
            sort = np.argsort(order[:i, i], kind="stable")
            best, which = _running_maximum(value[sort, i])
            last = np.searchsorted(order[sort, i], order[i, i + 1 :], side="left" if strict else "right") - 1
            allowed = last >= 0
            following[i, i + 1 :][allowed] = gains[i, i + 1 :][allowed] + best[last[allowed]]
            came[i, i + 1 :][allowed] = sort[which[last[allowed]]]
        before.append(came)
        finals.append(following[:, m].copy())
        value = following
    totals = np.array([final.max() for final in finals])
    groups = int(np.flatnonzero(totals >= totals.max() - 1e-12)[0])
    starts, end = [int(finals[groups].argmax())], m
    for came in reversed(before[:groups]):
        start = starts[0]
        starts.insert(0, int(came[start, end]))
        end = start
    return _groups(starts, m)


def _running_maximum(values: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The largest of the first values, and where it stands."""
    best = np.maximum.accumulate(values)
    new = np.concatenate([[True], values[1:] > best[:-1]])
    return best, np.maximum.accumulate(np.where(new, np.arange(len(values)), 0))


def _chi_squared(good: Floats, bad: Floats) -> Floats:
    """Pearson's statistic of each pair of neighbours (m - 1,); 0 where a pair has one outcome only."""
    a, b, c, d = good[:-1], bad[:-1], good[1:], bad[1:]
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    product = np.square(a * d - b * c) * (a + b + c + d)
    return np.divide(product, margins, out=np.zeros_like(product), where=margins > 0)


def _groups(starts: list[int], cells: int) -> Groups:
    marks = np.zeros(cells, dtype=np.int64)
    marks[starts[1:]] = 1
    return np.cumsum(marks)
