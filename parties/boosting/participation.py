"""A vertical round of boosted trees at a party.

charge -> open the session -> align -> split -> bin own columns -> grow trees -> open planned scores
       -> evaluate against trees of own columns alone (label party) -> keep own part -> receipt
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.histogram import HistogramScheme
from crypto.pool import Pool
from crypto.private import Private
from federation.message import Role
from federation.messages.round import Step
from parties.binning.cuts import Codes
from parties.boosting.bins import Bins
from parties.boosting.candidates import Candidates
from parties.boosting.feature import FeatureSide
from parties.boosting.growing import Marks
from parties.boosting.label import RemoteColumns
from parties.boosting.model import BoostingPart, OwnSplit
from parties.boosting.objective import Floats
from parties.boosting.scoring import receive_sides, send_sides
from parties.boosting.training import Trained, train
from parties.boosting.trees import total
from parties.features import read_label
from parties.leakage import before_training
from parties.round.evaluation import judge, keep_scores
from parties.round.model import save_rows
from parties.round.rows import aligned, opened_rows, read_own, split
from parties.round.vertical import charge_without_noise
from parties.round.work import Work

#: Encrypted sums are shared out over two processes from this many training rows times own candidates on: a
#: pass over them takes half a second, of which a tenth more is spent when it is shared out.
_WORTH_TWO_PROCESSES = 20_000_000


@dataclass(frozen=True, slots=True)
class OwnBinned:
    """This party's aligned rows in bins."""

    frame: Private[pd.DataFrame]
    training: Marks
    bins: Bins
    codes: Private[list[Codes]]
    labels: Private[npt.NDArray[np.int8]] | None

    def codes_of(self, rows: Marks) -> list[Codes]:
        """The bins of the marked rows."""
        return [codes[rows] for codes in self.codes.open_locally()]

    def offered(self) -> Candidates:
        """The splits that the own columns can offer."""
        return self.bins.candidates(self.codes.open_locally(), self.training)


def run(work: Work) -> None:
    """This party's whole side of the round."""
    dataset = work.accepted.dataset
    table = read_own(dataset, work.canaries)
    charge_without_noise(work, table)
    session = work.open()
    with work.workers() as pool:
        with work.doing(Step.ALIGN):
            rows = aligned(session, table, work.plan.alignment.minimum_intersection, pool)
        with work.doing(Step.PREPARE):
            frame = Private(table.frame.open_locally().iloc[rows.open_locally()].reset_index(drop=True))
            own = prepare(work, frame)
            leaks = before_training(work.folder, session.role, dataset, frame, own.training)
        with work.doing(Step.TRAIN):
            part, trees, remote = _train(work, own, pool)
    with work.doing(Step.SCORE):
        scores = _open_scores(work, own, part, remote)
    part.save(work.folder)
    save_rows(work.folder / "rows.npz", rows, own.training)
    with work.doing(Step.EVALUATE):
        if scores is not None:
            fused = keep_scores(work.plan, work.folder, rows, own.training, scores)
            judge(dataset, work.plan, work.folder, own, alone(work, own), fused)
    work.finish(
        table_sha256=table.digest,
        table_rows=table.report.rows,
        rows=len(own.training),
        training_rows=int(own.training.sum()),
        columns=len(own.bins.cuts),
        iterations=trees,
        splits=len(part.splits),
        notes=[*own.bins.notes, *leaks],
    )


def prepare(work: Work, frame: Private[pd.DataFrame]) -> OwnBinned:
    """Split the aligned rows, and bin the own columns by the training rows."""
    session, dataset, settings = work.session, work.accepted.dataset, work.plan.boosting
    training = split(session, work.plan, dataset, frame)
    plain = frame.open_locally()
    at_label = session.role is Role.LABEL
    labels = Private(read_label(plain, dataset)) if at_label else None
    support = 0 if at_label else settings.minimum_support
    bins = Bins.fit(plain, training, dataset, settings.max_bin, support)
    return OwnBinned(frame, training, bins, Private(bins.codes(plain, dataset.place)), labels)


def _train(work: Work, own: OwnBinned, pool: Pool) -> tuple[BoostingPart, int, RemoteColumns | None]:
    """The own part, the number of trees, and at the label party the others' columns."""
    settings, seed, session = work.plan.boosting, work.plan.split.seed, work.session
    scheme, offered = HistogramScheme(settings.prefer), own.offered()
    codes, rows = own.codes_of(own.training), int(own.training.sum())
    if own.labels is None:
        side = FeatureSide(
            session,
            scheme,
            offered,
            codes,
            rows,
            minimum_support=settings.minimum_support,
            max_depth=settings.max_depth,
            column_share=settings.column_share,
            pool=pool if _two_processes(rows * len(offered)) else None,
        )
        trees = side.train(lambda tree: work.at(Step.TRAIN, tree))
        return _part(work, own, BoostingPart.own_splits(side.splits)), trees, None
    labels = own.labels.open_locally()[own.training]
    remote = RemoteColumns(session, scheme, settings.minimum_support)
    trained = train(
        work.me,
        offered,
        codes,
        labels,
        settings,
        seed,
        remote,
        scheme.modulus,
        lambda tree: work.at(Step.TRAIN, tree),
    )
    part = _part(work, own, BoostingPart.own_splits(trained.splits), trained)
    return part, len(trained.trees), remote


def _two_processes(work: int) -> bool:
    return work >= _WORTH_TWO_PROCESSES and (os.cpu_count() or 1) > 1


def _part(
    work: Work, own: OwnBinned, splits: tuple[OwnSplit, ...], trained: Trained | None = None
) -> BoostingPart:
    run, digest = work.accepted.order.run, work.plan.digest.hex()
    part = BoostingPart(run, work.me, digest, own.bins, splits)
    if trained is None:
        return part
    return replace(part, base=trained.base, trees=trained.trees, losses=trained.losses)


def _open_scores(
    work: Work, own: OwnBinned, part: BoostingPart, remote: RemoteColumns | None
) -> Private[Floats] | None:
    """At the label party the logit of each opened row; None elsewhere, and when no row is opened."""
    opened = opened_rows(work.plan, own.training)
    rows = int(opened.sum())
    if not rows:
        return None
    sides = part.sides(own.codes_of(opened), rows)
    if remote is None or part.base is None:
        send_sides(work.session, sides)
        return None
    others = receive_sides(work.session, rows, remote.splits)
    return Private(total(part.base, part.trees, rows, {**others, work.me: sides}))


def alone(work: Work, own: OwnBinned) -> Private[Floats]:
    """At the label party: the logits of the test rows by trees of its own columns alone, grown alike."""
    if own.labels is None:
        raise RuntimeError("only the label party has outcomes")
    labels = own.labels.open_locally()[own.training]
    offered, codes = own.offered(), own.codes_of(own.training)
    trained = train(work.me, offered, codes, labels, work.plan.boosting, work.plan.split.seed)
    part = _part(work, own, BoostingPart.own_splits(trained.splits), trained)
    test = ~own.training
    sides = {work.me: part.sides(own.codes_of(test), int(test.sum()))}
    return Private(total(trained.base, trained.trees, int(test.sum()), sides))
