"""Label inference measured: what each view is worth to an attacker, against the party's own columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.leakage import attacks
from benchmarks.leakage.attacks import Cells, Floats, Labels, auc
from benchmarks.leakage.options import OPTIONS
from benchmarks.leakage.views import LabelView, OtherView, ScorecardView, boosted, scored
from benchmarks.leakage.worlds import World
from benchmarks.progress import Say, silent
from federation.errors import PlanRefused
from federation.plan import Plan

#: Outcomes that an attacker knows beforehand, and how often they are drawn anew.
_KNOWN, _DRAWS = 50, 5
_L2 = 1.0


def measure(
    world: World, options: Sequence[str] = tuple(OPTIONS), *, seed: int = 0, say: Say = silent
) -> dict[str, Any]:
    """Play each option's protocols over the world's rows, and attack the training rows' outcomes.

    Of each party without outcomes: `baseline`, the AUC of the best model of its own columns, each row scored
    by one that was given the outcomes of all other rows; of each attack its AUC; `excess`, the best attack's
    less the baseline. Attacks with outcomes that are known beforehand stand beside what the own columns give
    with the same outcomes. `ceiling`: the baseline with the view beside the columns, so what the view holds
    and no attacker can have. Of trees also `auc_test`, what the model is worth; and of each other party's
    candidates, how often the nearest by the sums that the label party opens is of the same column, beside
    chance. `refused`: why a party refused an option, as where its columns are too many for the rows.
    """
    found: dict[str, Any] = {"rows": len(next(iter(world.frames.values()))), "seed": seed}
    with threadpool_limits(limits=1):
        for option in options:
            say(option)
            plan = world.plan(**OPTIONS[option])
            attacked = _scorecard if plan.model.kind == "scorecard" else _trees
            try:
                found[option] = attacked(world, plan, seed)
            except PlanRefused as refused:
                found[option] = {"refused": str(refused)}
    return found


def _scorecard(world: World, plan: Plan, seed: int) -> dict[str, Any]:
    labels, views = scored(world, plan)
    return {str(party): of_scorecard(labels, view, seed) for party, view in views.items()}


def _trees(world: World, plan: Plan, seed: int) -> dict[str, Any]:
    views = boosted(world, plan)
    return {"auc_test": views.auc_test} | {
        str(party): {**of_trees(views.labels, view, seed), "at_label": of_label(views.opened[party])}
        for party, view in views.others.items()
    }


def of_scorecard(labels: Labels, view: ScorecardView, seed: int) -> dict[str, Any]:
    """The figures of one party's view of a scorecard."""
    found = {name: auc(labels, each) for name, each in scores_of_scorecard(labels, view).items()}
    return _against(known_of_scorecard(labels, view, seed), labels, found)


def known_of_scorecard(labels: Labels, view: ScorecardView, seed: int) -> Floats:
    """Scores by the party's own columns, finely cut or as the plan cuts them, given all other outcomes."""
    return max(
        (attacks.baseline(columns, labels, seed) for columns in (view.own, view.cells)),
        key=lambda each: auc(labels, each),
    )


def scores_of_scorecard(labels: Labels, view: ScorecardView) -> dict[str, Floats]:
    """Each attack's scores from one party's view. Of one that was told rounded WOE, the counts are those
    which the WOE stand for, at an attacker that knows how many rows are bad."""
    scores = attacks.gradient_stack(view.whitened, view.gradients, view.thetas)
    scores["woe"] = -view.woe.sum(axis=1)
    cells, counts = view.cells, view.counts
    if counts is None:
        cells = view.bins
        counts = attacks.counts_from_woe(cells, view.values, float(labels.mean()))
    scores["naive_bayes"] = attacks.naive_bayes(cells, counts)
    bads = np.concatenate([count[:, 0] for count in counts])
    scores["logistic_from_counts"] = attacks.logistic_from_sums(attacks.one_hot(cells), bads, _L2)
    return scores


def of_trees(labels: Labels, view: OtherView, seed: int) -> dict[str, Any]:
    """The figures of one party's view of boosted trees. Without an outcome the attacker is taken to guess
    the right one of three directions, and the right way."""
    found = {"spectral": max((auc(labels, each) for each in attacks.spectral(view.cells)), default=0.5)}
    found["known_50"], own = _known(labels, view, seed)
    ceiling = auc(labels, attacks.ceiling(view.bins, view.cells, labels, seed))
    return {
        **_against(attacks.baseline(view.bins, labels, seed), labels, found),
        "own_columns_known_50": own,
        "ceiling": ceiling,
    }


def _known(labels: Labels, view: OtherView, seed: int) -> tuple[float, float]:
    """Mean AUC on the other rows, with the view and with the own columns alone."""
    generator = np.random.default_rng(seed)
    none: Cells = np.zeros((len(labels), 0), dtype=np.int64)
    aucs: list[tuple[float, float]] = []
    for _ in range(_DRAWS):
        known = generator.choice(len(labels), _KNOWN, replace=False)
        rest = np.ones(len(labels), dtype=np.bool_)
        rest[known] = False
        with_view, alone = (
            auc(labels[rest], attacks.known_few(view.bins, cells, labels, known)[rest])
            for cells in (view.cells, none)
        )
        aucs.append((with_view, alone))
    first, second = np.mean(aucs, axis=0)
    return float(first), float(second)


def _against(baseline: Floats, labels: Labels, found: dict[str, float]) -> dict[str, Any]:
    own = auc(labels, baseline)
    return {"baseline": own, **found, "excess": max(found.values()) - own}


def of_label(views: Sequence[LabelView]) -> dict[str, float]:
    """The mean over the trees that tell of three candidates at least."""
    told = [attacks.linked(view.sums, view.column) for view in views if len(view.column) > 2]
    return {name: float(np.mean([each[name] for each in told])) for name in told[0]} if told else {}
