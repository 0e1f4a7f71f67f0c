"""Outcomes of training rows, from what parties without them see of a scorecard and of boosted trees.

The attacks are those of `benchmarks.leakage`, with default options, which are known to exceed what the
control allows on the generated firms; docs/security.md has the options that lower it, and what they cost.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.attacks.figures import Control, Estimate, Floats, Found, Labels, area, best_area
from benchmarks.attacks.labels import CONTROL, MARGIN, chance
from benchmarks.attacks.setting import Setting
from benchmarks.leakage import attacks
from benchmarks.leakage.measuring import known_of_scorecard, scores_of_scorecard
from benchmarks.leakage.views import OtherView, boosted, scored
from federation.ids import PartyId

_KNOWN = 50
_LOWER = {
    "scorecard": "lower with limits.equations_per_row = 0.0055 and binning.minimum_support = 200",
    "boosting": "closed by boosting.max_depth = 1",
}


def attack(setting: Setting) -> Iterator[Found]:
    """Of every party without outcomes, the best attack on its view; nothing at a size without them."""
    if setting.size.credit:
        yield from _scorecard(setting)
        yield from _boosting(setting)


def _scorecard(setting: Setting) -> Iterator[Found]:
    setting.say("playing a scorecard")
    labels, views = scored(setting.world, setting.world.plan(model={"kind": "scorecard"}))
    plain = _planted_counts(labels)
    for party, view in views.items():
        scores = list(scores_of_scorecard(labels, view).values())
        known = area(labels, known_of_scorecard(labels, view, setting.seed)).value
        yield _found(setting, "scorecard", party, labels, scores, known, plain)


def _boosting(setting: Setting) -> Iterator[Found]:
    setting.say("growing trees")
    views = boosted(setting.world, setting.world.plan(model={"kind": "boosting"}))
    labels = views.labels
    planted = np.repeat(labels.astype(np.int64)[:, None], 3, axis=1)
    plain = best_area(labels, attacks.spectral(planted))
    for party, view in views.others.items():
        known = area(labels, attacks.baseline(view.bins, labels, setting.seed)).value
        scores = [*attacks.spectral(view.cells), _of_few(view, labels, setting.seed)]
        yield _found(setting, "boosting", party, labels, scores, known, plain)


def _of_few(view: OtherView, labels: Labels, seed: int) -> Floats:
    """With a few outcomes known beforehand; of those rows the score says nothing."""
    known = np.random.default_rng(seed).choice(len(labels), _KNOWN, replace=False)
    scores = attacks.known_few(view.bins, view.cells, labels, known)
    scores[known] = np.median(scores)
    return scores


def _planted_counts(labels: Labels) -> Estimate:
    """Counts of bins that are the outcomes themselves."""
    bins = labels.astype(np.int64)[:, None]
    bad = float(labels.sum())
    counts = np.array([[0.0, len(labels) - bad], [bad, 0.0]])
    return area(labels, attacks.naive_bayes(bins, [counts]))


def _found(
    setting: Setting,
    kind: str,
    party: PartyId,
    labels: Labels,
    scores: list[Floats],
    known: float,
    plain: Estimate,
) -> Found:
    other = np.random.default_rng(setting.seed).permutation(labels)
    seen = {"scorecard": "counts, WOE and gradients", "boosting": "which rows share a node"}[kind]
    told = {"scorecard": "counts of bins that are the outcomes", "boosting": "nodes that are the outcomes"}
    return Found(
        "credit",
        kind,
        CONTROL,
        f"{party}: {seen}",
        "auc",
        plain if setting.weakened else best_area(labels, scores),
        known,
        known + MARGIN,
        setting.seed,
        Control(plain.value, plain.value == 1.0, told[kind]),
        chance(best_area(other, scores), "outcomes of other rows"),
        f"the best of {len(scores)} ways; {_LOWER[kind]}",
        setting.weakened,
    )
