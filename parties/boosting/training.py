"""All trees at the label party: draw, derive, grow, add; until the last tree or until it no longer helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from federation.credit import Boosting
from federation.ids import PartyId
from parties.binning.cuts import Codes
from parties.boosting.candidates import Candidates
from parties.boosting.drawing import drawn_candidates, drawn_rows, rounding, seeded_order, validation_rows
from parties.boosting.growing import Derivatives, Grown, Marks, OwnColumns, Source, grow
from parties.boosting.label import RemoteColumns
from parties.boosting.objective import Floats, Rules, base_logit, gradients, log_loss
from parties.boosting.quantise import quantised
from parties.boosting.trees import Tree

Labels = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, repr=False)
class Trained:
    """What the label party keeps: the base, the trees that count, and (column, bins that go left) of its own
    splits. `losses`: the mean log loss after each tree, on the validation rows where there are any, else on
    the training rows."""

    base: float
    trees: tuple[Tree, ...]
    splits: tuple[tuple[int, Marks], ...]
    losses: tuple[float, ...]


def train(
    owner: PartyId,
    own: Candidates,
    codes: Sequence[Codes],
    labels: Labels,
    settings: Boosting,
    seed: int,
    remote: RemoteColumns | None = None,
    modulus: int = 0,
    listener: Callable[[int], None] = lambda tree: None,
) -> Trained:
    """Boost over the n training rows. Without `remote` on the label party's own columns alone, and exactly;
    with it, gradients are rounded so that sums are exact modulo `modulus`."""
    rules = Rules(settings.l2, settings.gamma, settings.min_child_weight)
    columns = OwnColumns(owner, own, codes)
    stopping = _Stopping(settings.patience)
    validation = np.zeros(len(labels), dtype=np.bool_)
    if settings.patience:
        validation = validation_rows(len(labels), settings.validation_share, seed)
    fitted = ~validation
    watched = validation if settings.patience else fitted
    base = base_logit(labels[fitted])
    logits, trees = np.full(len(labels), base), []
    for number in range(settings.trees):
        listener(number + 1)
        order = partial(seeded_order, seed=seed, tree=number)
        columns.draw(drawn_candidates(own, settings.column_share, order))
        drawn = drawn_rows(fitted, settings.row_share, seed, number)
        g, h = gradients(logits, labels)
        shared = remote if number >= settings.own_trees else None
        derivatives, sources = _sources(columns, shared, number, g, h, drawn, modulus, seed)
        grown: Grown = grow(
            sources, drawn, derivatives, (g, h), rules, settings.max_depth, settings.learning_rate
        )
        trees.append(grown.tree)
        logits = logits + grown.weights
        if stopping.after(log_loss(logits[watched], labels[watched])):
            break
    if remote is not None:
        remote.finish(stopping.best + 1)
    return Trained(base, tuple(trees[: stopping.best + 1]), tuple(columns.splits), tuple(stopping.losses))


def _sources(
    columns: OwnColumns,
    remote: RemoteColumns | None,
    number: int,
    g: Floats,
    h: Floats,
    drawn: Marks,
    modulus: int,
    seed: int,
) -> tuple[Derivatives, list[Source]]:
    if remote is None:
        return Derivatives(g, h), [columns]
    derivatives, packing = quantised(g, h, drawn, modulus, rounding(seed, number))
    remote.announce(number + 1, packing)
    return derivatives, [columns, remote]


class _Stopping:
    """Follows the loss; remembers the best tree. Without patience it never stops and the last one is best."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self.losses: list[float] = []
        self.best = -1

    def after(self, loss: float) -> bool:
        """Take the loss after one more tree; whether training is to stop."""
        if not self._patience or not self.losses or loss < self.losses[self.best]:
            self.best = len(self.losses)
        self.losses.append(loss)
        return bool(self._patience and len(self.losses) - 1 - self.best >= self._patience)
