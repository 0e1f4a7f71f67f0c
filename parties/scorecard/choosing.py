"""The fit of a scorecard, and what the plan's [selection] asks for after it: tests, elimination, another fit.

    fit -> information, standard errors (`parties.selection.information`, `.wald`)
        -> backward or forward selection and signs over all parties' columns (`parties.selection.joint`)
        -> fit again, where a column of any party went

A column is a WOE: its coefficient, in the log odds of bad, ought to be below 0, and with `selection.signs`
one that is not goes. After a selection standard errors and p-values are those of the columns that are left,
by the quadratic approximation at the fit with all of them.

What each role learns, beside what a fit tells: see those modules, and how many columns each party has left.
In `joint` columns are WOE and not standardised, so that the label party is told how they spread, too.

Equations: the second fit is over some of the columns of the first. A party that takes part in a selection has
as many whitened directions as columns, so the new directions are combinations of the old ones, and X'y of
them is a combination of what `federation.budget` counted already: the second fit is no further equation.
"""

from __future__ import annotations

from dataclasses import dataclass

from federation.credit import Selection
from federation.message import Role
from federation.messages.round import Step
from parties.logistic.training import Trained
from parties.round.vertical import fit, fit_with_side, training_labels
from parties.round.work import Work
from parties.scorecard.matrix import Design
from parties.scorecard.model import ColumnStep
from parties.selection import joint, wald
from parties.selection.filters import LeftOut
from parties.selection.information import information
from parties.selection.stepwise import Rule
from parties.selection.wald import Coefficient


@dataclass(frozen=True, slots=True)
class Fitted:
    """The columns that are left with their fit; tests of their coefficients and own steps, where planned."""

    design: Design
    trained: Trained
    tests: tuple[Coefficient, ...] = ()
    steps: tuple[ColumnStep, ...] = ()


def fit_and_choose(work: Work, design: Design) -> Fitted:
    """This seat's side of all of it, by the plan."""
    rule, labels = work.plan.selection, training_labels(design.rows)
    side, trained = fit_with_side(work, design.woe, design.whitening, labels, design.widths)
    if not rule.tests:
        return Fitted(design, trained)
    found = information(
        side,
        trained.theta,
        design.widths,
        lambda gradient: work.at(Step.TRAIN, trained.iterations + gradient),
    )
    turn = design.whitening.w
    if found is None:
        block = wald.hear_block(work.session, trained.theta)
    else:
        turn = wald.with_intercept_turn(turn)
        block = wald.tell_blocks(work.session, found, trained.theta)
    if not rule.eliminates:
        return Fitted(design, trained, wald.coefficients(block, turn)[work.session.role is Role.LABEL :])
    expected = [-1 if rule.signs else 0] * len(design.rows.book.tables)
    if found is None:
        chosen = joint.offer(work.session, block, turn, expected)
    else:
        _, chosen = joint.choose(work.session, found, block, turn, _rule(rule), expected)
    return _again(work, design, trained, chosen)


def _rule(plan: Selection) -> Rule:
    if plan.stepwise == "off":
        return Rule("none")
    return Rule(plan.criterion, plan.p, plan.stepwise)


def _again(work: Work, design: Design, trained: Trained, chosen: joint.Chosen) -> Fitted:
    """The fit over the columns that are left; the first one where every party kept all of its own."""
    columns = [table.column for table in design.rows.book.tables]
    steps = tuple(
        ColumnStep(step.number, columns[step.place], step.action, step.change, step.p)
        for step in chosen.steps
    )
    gone = [column for at, column in enumerate(columns) if at not in chosen.kept]
    why = [LeftOut(column, _reason(work.plan.selection, column, steps)) for column in gone]
    session = work.session.among(work.session.seating.parties, "the fit after selection")
    left = design.only(session, work.plan, chosen.kept, why)
    if chosen.forced is not None:
        left = left.noting(
            f"Column {columns[chosen.forced]} stays only because {work.me} would have none: selection found "
            "none of its columns worth a place."
        )
    if left.widths == design.widths:
        return Fitted(left, trained, chosen.tests, steps)
    again = fit(work, left.woe, left.whitening, training_labels(left.rows), left.widths, session)
    return Fitted(left, again, chosen.tests, steps)


def _reason(plan: Selection, column: str, steps: tuple[ColumnStep, ...]) -> str:
    for step in steps:
        if step.column == column and step.action == "wrong sign":
            return "beside the other columns its coefficient has the wrong sign"
        if step.column == column and step.action == "out":
            return f"stepwise selection by {plan.criterion} found it not worth a place (p {step.p:.2g})"
    return f"stepwise selection by {plan.criterion} did not take it in"
