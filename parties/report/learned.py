"""What each role of a vertical round learned, by the kind of model: the protocols' docstrings, in sentences.

`parties.alignment`, `parties.logistic.hidden`, `parties.scorecard`, `parties.selection`,
`parties.boosting.label` and docs/security.md argue for what is said here.
"""

from __future__ import annotations

from federation.budget import CLOSED_EQUATIONS
from federation.ids import AGGREGATOR
from federation.message import Role
from federation.plan import Plan
from parties.report.data import Learned

ALIGNMENT = (
    "which of its own firms all parties know, and which of these train",
    "the size of each set of blinded identifiers that passed through its hands",
)
#: What the hidden fit tells every party that takes part in it.
FIT = (
    "its own gradient in each iteration: sums over all firms that train",
    "how many columns each other party has, the range of the scores, the optimiser's coefficients",
)
_NOTHING = "any row, any identifier or any column's value of another party"


def learned(plan: Plan) -> tuple[Learned, ...]:
    """A row for each role: label party, each other party, aggregator."""
    roles = {seat: role for seat, role in plan.roles().items() if seat != AGGREGATOR}
    others = [seat for seat, role in roles.items() if role is not Role.LABEL]
    whose = "the other party's" if len(others) == 1 else "summed over the other parties"
    label, other = {"scorecard": _scorecard, "boosting": _boosting}.get(plan.model.kind, _logistic)(
        plan, whose
    )
    found = [
        Learned(f"{seat} (label party)", (*ALIGNMENT, *label), (_NOTHING,))
        if role is Role.LABEL
        else Learned(seat, (*ALIGNMENT, *other), (_NOTHING, "a label, a residual or a score"))
        for seat, role in roles.items()
    ]
    aggregator = Learned(
        AGGREGATOR,
        (
            "how many firms each party has, and how many any of them have in common",
            "sizes and times of messages, and each party's progress and receipt (counts)",
        ),
        ("an identifier, a value, a gradient, a weight or a score: it holds no key",),
    )
    return (*found, aggregator)


def _fit(whose: str) -> tuple[str, ...]:
    return (*FIT, f"the typical size of each other party's part of the scores, and inner products, {whose}")


def _logistic(plan: Plan, whose: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    opened = "the whole score of the firms that the plan opens, and so the rest of it beside its own part"
    return (*_fit(whose), opened), FIT


def _scorecard(plan: Plan, whose: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    counts = plan.binning.disclose == "counts"
    label = (
        "how many bins and columns each other party has"
        if counts
        else "firms and defaults in each fine bin of the other parties' columns, in an order without names",
        *_fit(whose),
        "the whole score of the firms that the plan opens, and so the rest of it beside its own part",
        "of each declined firm, which columns by number cost it most, and how many points",
        "bins and points of the columns of a party that agrees to share them, and of no other",
        *_selected(plan, at_label=True),
    )
    decimals = plan.binning.woe_decimals
    other = (
        "firms and defaults in each of its own fine bins, and so the share of defaults among all"
        if counts
        else f"which of its own fine bins are alike, and WOE and IV of its bins to {decimals} decimals, from "
        "which defaults in a bin follow nearly",
        _by_bins(plan),
        *FIT,
        "which of the opened test firms the label party declines: a bit of their scores, no outcome",
        *_selected(plan, at_label=False),
    )
    return label, other


def _by_bins(plan: Plan) -> str:
    """What that is worth to a party without the label (`federation.budget` has the measurement)."""
    if plan.limits.equations_per_row <= CLOSED_EQUATIONS and plan.binning.minimum_support >= 200:
        return (
            "that orders firms hardly better than its own model could: AUC by 0.02 at most where one firm in "
            "15 defaults, in four samples of 6,000 firms; more where defaults are rarer"
        )
    most = "0.06" if plan.binning.disclose == "counts" else "0.05"
    return (
        f"where defaults are rare that orders firms better than its own model could: AUC by up to {most} "
        "where one firm in 15 defaults, measured on 6,000 firms; limits.equations_per_row = "
        f"{CLOSED_EQUATIONS:g} with binning.minimum_support = 200 lowers it, to 0.02 in four samples"
    )


def _selected(plan: Plan, *, at_label: bool) -> tuple[str, ...]:
    """What the choice of columns over all parties tells, where the plan asks for it."""
    rule, found = plan.selection, []
    if rule.compares:
        found.append(
            "information values and correlations of all columns in thousandths, by place and not by name"
            if at_label
            else "how many columns each other party compares, and which of its own say what others' say"
        )
    if rule.tests:
        found.append(
            "how the hidden fit curves over all columns: sums over all firms that train"
            if at_label
            else "standard errors and p-values of its own coefficients, and how the fit curves along them"
        )
    if rule.eliminates:
        found.append(
            "coefficients and correlations of each party's columns, by place and not by name"
            if at_label
            else "which of its own columns are kept, and what each of their own steps was worth"
        )
    return tuple(found)


def _boosting(plan: Plan, whose: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    label = (
        "how many splits each other party can offer, without names, in an order drawn for each tree",
        "in each node the sums of gradients over what each offered split sends left, so about how many firms",
        "of each split that is used, which training firms go left; of each opened firm, its side of each",
        "the whole score of the firms that the plan opens",
    )
    least = plan.boosting.minimum_support
    shared = (
        f"which firms share a node of a tree while it has {least} on both sides: those have similar "
        "outcomes. That may order firms better than its own model could (AUC by up to 0.09, measured; "
        "boosting.max_depth = 1 closes it)"
    )
    own = "of each tree which firms grow it, and no node but those of its own splits"
    other = (
        own if plan.boosting.max_depth == 1 else shared,
        "which of its own splits were the best of all",
    )
    return label, other
