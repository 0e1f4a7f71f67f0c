"""Which rows trained the released model, by who holds it, the rows and their outcomes.

The loss alone (Yeom et al., CSF 2018), and the likelihood ratio of each row's logit under models that were
trained with and without it (LiRA: Carlini et al., IEEE S&P 2022), judged where it matters: at one false alarm
in a hundred. The attacker is given all columns of all parties, which in a vertical run nobody has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from benchmarks.attacks.figures import Control, Estimate, Floats, Found, Labels, area, at_chance, rate
from benchmarks.attacks.setting import Setting
from benchmarks.attacks.vertical import VerticalRun

CONTROL = "T-LEAK-MIA"
MOST_AREA, MOST_TPR, FALSE_ALARMS = 0.55, 0.02, 0.01
_OVERFIT_AREA = 0.9
#: Rows and columns of the control that learns its rows by heart, without a penalty.
_ROWS, _COLUMNS = 200, 1000
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, repr=False)
class Released:
    """A model as it was released, and the rows that may have trained it. `members` is what is guessed.

    rows (n x d), labels (n,); logits (n,): the released model's; inverse_penalty: how it was trained.
    """

    rows: Floats
    labels: Labels
    logits: Floats
    members: Marks
    inverse_penalty: float


def attack(setting: Setting) -> Iterator[Found]:
    """By the loss and by the likelihood ratio, as AUC and as the rate at one false alarm in a hundred."""
    overfit, product = _overfit(setting.seed), _of_run(setting.vertical)
    fresh = _fresh(product, setting.seed)
    ways: dict[str, Callable[[Released], Floats]] = {
        "loss": margin,
        f"likelihood ratio, {setting.size.shadows} shadow models": lambda released: likelihood_ratio(
            released, setting.size.shadows, setting.seed
        ),
    }
    for name, way in ways.items():
        setting.say(f"guessing members by {name}")
        scores = {id(each): way(each) for each in (overfit, product, fresh)}
        yield from _of_way(setting, name, overfit, product, fresh, scores)


def _of_way(
    setting: Setting,
    name: str,
    overfit: Released,
    product: Released,
    fresh: Released,
    scores: dict[int, Floats],
) -> Iterator[Found]:
    areas, rates = (
        {id(each): measure(each.members, scores[id(each)]) for each in (overfit, product, fresh)}
        for measure in (_area, true_positives)
    )
    attacked = overfit if setting.weakened else product
    found = areas[id(overfit)].value
    positive = Control(found, found > _OVERFIT_AREA, f"{_COLUMNS} columns over {_ROWS // 2} rows, no penalty")
    nothing = areas[id(fresh)]
    negative = Control(nothing.value, at_chance(nothing), "rows of which none trained")
    for unit, figures, baseline, bound in (
        ("auc", areas, 0.5, MOST_AREA),
        ("tpr", rates, FALSE_ALARMS, MOST_TPR),
    ):
        yield Found(
            "membership",
            f"{name}, {unit}",
            CONTROL,
            "whoever has the model, all columns and the outcomes",
            "auc" if unit == "auc" else "tpr",
            figures[id(attacked)],
            baseline,
            bound,
            setting.seed,
            positive,
            negative,
            "training rows told from others" + ("" if unit == "auc" else " at 1 % false alarms"),
            setting.weakened,
            by_upper=unit == "tpr",
        )


def margin(released: Released) -> Floats:
    """The logit of each row's own outcome (n,): the lower the loss, the more of a member."""
    return np.where(released.labels == 1, released.logits, -released.logits)


def likelihood_ratio(released: Released, shadows: int, seed: int) -> Floats:
    """Log likelihood ratio (n,) of each row's margin, with it against without it among the training rows.

    Each shadow model trains on half of the rows. Normal densities; the variances are those of all rows
    together, which with so few models is what Carlini et al. advise.
    """
    generator = np.random.default_rng(seed)
    count = len(released.rows)
    sums, squares, times = (np.zeros((2, count)) for _ in range(3))
    halves = [generator.permutation(count) < count // 2 for _ in range(shadows // 2)]
    for chosen in [part for half in halves for part in (half, ~half)]:  # Each row is in half of all models.
        logits = _fitted(released, chosen)
        margins = np.where(released.labels == 1, logits, -logits)
        side = chosen.astype(np.int64)
        everyone = np.arange(count)
        sums[side, everyone] += margins
        squares[side, everyone] += margins**2
        times[side, everyone] += 1
    means = sums / times
    spread = np.sqrt(np.maximum((squares / times - means**2).mean(axis=1), 1e-12))
    seen = margin(released)
    return np.asarray(norm.logpdf(seen, means[1], spread[1]) - norm.logpdf(seen, means[0], spread[0]))


def _fitted(released: Released, chosen: Marks) -> Floats:
    """The logits (n,) of all rows by a model of the chosen ones."""
    count, width = released.rows.shape
    # The same optimum; which of the two finds it sooner depends on the shape.
    solver = "newton-cholesky" if count > 10 * width else "lbfgs"
    model = LogisticRegression(C=released.inverse_penalty, max_iter=500, solver=solver)
    model.fit(released.rows[chosen], released.labels[chosen])
    return np.asarray(model.decision_function(released.rows))


def true_positives(members: Marks, scores: Floats) -> Estimate:
    """The share of members above the score that one non-member in a hundred exceeds.

    The interval has the chance of both in it: binomial for the members, and for the threshold the same of its
    1 %, times the slope (a rate near chance rises by one with it).
    """
    others = np.sort(scores[~members])[::-1]
    allowed = int(FALSE_ALARMS * len(others))
    if not allowed:
        return Estimate(0.0, 0.0, 1.0, int(members.sum()))
    hits = int((scores[members] > others[allowed]).sum())
    found, alarms = rate(hits, int(members.sum())), rate(allowed, len(others))
    slope = max(1.0, found.value / FALSE_ALARMS)
    low, high = (
        np.hypot(found.value - found.lower, slope * (alarms.value - alarms.lower)),
        np.hypot(found.upper - found.value, slope * (alarms.upper - alarms.value)),
    )
    lower, upper = max(0.0, found.value - float(low)), min(1.0, found.value + float(high))
    return Estimate(found.value, lower, upper, found.n)


def _area(members: Marks, scores: Floats) -> Estimate:
    return area(members.astype(np.int8), scores)


# -- what is attacked ------------------------------------------------------------------------------------


def _of_run(run: VerticalRun) -> Released:
    """The model of the product's run; half of the aligned rows trained it."""
    rows = np.hstack([run.encoded[party] for party in run.encoded])
    logits = sum((run.encoded[p] @ run.weights[p] for p in run.encoded), np.full(len(rows), run.intercept))
    return Released(rows, run.labels, logits, run.training, 1.0)


def _fresh(product: Released, seed: int) -> Released:
    """Rows that the released model never saw, half of them called members."""
    unseen = ~product.members
    called = np.zeros(int(unseen.sum()), dtype=np.bool_)
    called[np.random.default_rng(seed).permutation(len(called))[: len(called) // 2]] = True
    return Released(
        product.rows[unseen],
        product.labels[unseen],
        product.logits[unseen],
        called,
        product.inverse_penalty,
    )


def _overfit(seed: int) -> Released:
    """A model with more columns than rows and hardly a penalty: it knows its rows by heart."""
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(_ROWS, _COLUMNS))
    labels = (generator.random(_ROWS) < 0.4).astype(np.int8)
    members = generator.permutation(_ROWS) < _ROWS // 2
    released = Released(rows, labels, np.zeros(_ROWS), members, 1e4)
    return Released(rows, labels, _fitted(released, members), members, 1e4)
