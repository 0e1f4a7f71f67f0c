"""The model of all columns in one place, that only a sandbox may compute: what the fused one should equal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from federation.ids import RunId
from parties.boosting.bins import Bins
from parties.boosting.model import BoostingPart
from parties.boosting.training import train
from parties.boosting.trees import total
from parties.evaluation.discrimination import Evaluation, evaluate
from parties.home import PartyHome
from parties.round.evaluation import Floats, fit_alone
from parties.round.results import Reviewed, aligned_rows, own_matrix
from parties.sandbox.founding import Sandbox
from parties.scorecard.results import own_rows

Marks = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int8]


def pooled(sandbox: Sandbox, run: RunId, reviewed: Reviewed) -> Evaluation:
    """The same rows, parameters and penalty; the plain arithmetic of scikit-learn, or of the trees' core."""
    rows, homes = reviewed.rows, list(sandbox.parties.values())
    if rows.labels is None:
        raise RuntimeError("only the label party's rows have outcomes")
    labels, training = rows.labels.open_locally(), rows.training
    by_kind = {"logistic": _encoded, "scorecard": _woe}
    if sandbox.plan.model.kind == "boosting":
        score = _trees(sandbox, homes, run, labels, training)
    else:
        columns = np.hstack(by_kind[sandbox.plan.model.kind](homes, run))
        model = fit_alone(columns[training], labels[training], sandbox.plan.model.l2)
        score = np.asarray(model.decision_function(columns[~training]))
    return evaluate(labels[~training], score, np.random.default_rng(sandbox.plan.split.seed))


def _encoded(homes: Sequence[PartyHome], run: RunId) -> list[Floats]:
    return [own_matrix(home, run).matrix.encoded.open_locally() for home in homes]


def _woe(homes: Sequence[PartyHome], run: RunId) -> list[Floats]:
    return [own_rows(home, run).rows.encoded.open_locally() for home in homes]


def _trees(
    sandbox: Sandbox, homes: Sequence[PartyHome], run: RunId, labels: Labels, training: Marks
) -> Floats:
    """Logits of the test rows by trees over all columns in the parties' own bins; no split is withheld."""
    parts = [BoostingPart.load(home.round_folder(run)) for home in homes]
    codes = []
    for home, part in zip(homes, parts, strict=True):
        own = aligned_rows(home, run)
        codes += part.bins.codes(own.frame.open_locally(), own.dataset.place)
    bins = Bins(
        tuple(cuts for part in parts for cuts in part.bins.cuts),
        tuple(trend for part in parts for trend in part.bins.trends),
        (),
    )
    settings, seed, owner = sandbox.plan.boosting, sandbox.plan.split.seed, sandbox.label
    learn, test = ([each[rows] for each in codes] for rows in (training, ~training))
    trained = train(owner, bins.candidates(codes, training), learn, labels[training], settings, seed)
    grown = BoostingPart(
        run, owner, "", bins, BoostingPart.own_splits(trained.splits), trained.base, trained.trees
    )
    rows = int((~training).sum())
    return total(trained.base, trained.trees, rows, {owner: grown.sides(test, rows)})
