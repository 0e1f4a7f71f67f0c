"""Stepwise selection over the columns of all parties: from one full model, at the label party, in one round.

    P -> L   how P's standardised columns follow from its whitened coordinates (four digits), its
    coefficients,
             the sign that each is expected to have
    L        `stepwise` on all coefficients and their covariance; a party that would have no column left keeps
             the one of largest |z|, and the selection is made again around it
    L -> P   which of P's columns stay, their estimates and standard errors in the model that is left, and the
             steps that moved P's columns

What each role learns, beside what `information` and `wald` tell:
    label party   every party's coefficients over its standardised columns, and the correlations of that
    party's
                  own columns to about four digits; places of columns, not their names
    the others    which of their own columns stay, with what error, and what each of their own steps was worth
Whoever selects over all columns has to compare what each is worth; a party that will not tell its
coefficients selects among its own columns by `wald`'s p-values instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from crypto.errors import UsageError
from crypto.sealed import DisclosedNumbers, WireRefused
from federation.ids import PartyId
from federation.message import Role
from federation.messages.selection import KeptColumns, ModelBlock
from federation.session import Session
from parties.selection.information import Information
from parties.selection.stepwise import Action, Rule, Selected, stepwise
from parties.selection.wald import Coefficient, OwnBlock, tested

Floats = npt.NDArray[np.float64]

#: Significant digits of a column's largest weight in what the label party is told.
_DIGITS = 4
#: What a step can be, in the order in which its number travels.
_ACTIONS: tuple[Action, ...] = get_args(Action)
_STEP_NUMBERS = 5


@dataclass(frozen=True, slots=True)
class OwnStep:
    """A step that moved one of a party's own columns: its number among all steps, what was done, the column's
    place, the change of twice the log likelihood, and the p-value of that change."""

    number: int
    action: Action
    place: int
    change: float
    p: float

    def as_dict(self) -> dict[str, float | int | str]:
        """The fields by name, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a party knows at the end: places of its own columns that stay, their tests in the model that is
    left, its own steps, and the place of the one that stays only because there would be none, if any."""

    kept: tuple[int, ...]
    tests: tuple[Coefficient, ...]
    steps: tuple[OwnStep, ...]
    forced: int | None


def choose(
    session: Session,
    found: Information,
    own: OwnBlock,
    turn: Floats,
    rule: Rule,
    expected: Sequence[int],
) -> tuple[Selected, Chosen]:
    """The label party's side: the whole selection, in the order intercept, own columns, the others', and
    what it says of its own columns.

    `turn` (d x r) with the intercept (`wald.with_intercept_turn`), `expected` without it. Raises `UsageError`
    where a party's own columns repeat each other.
    """
    _check(turn, expected=len(expected) + 1)
    turns, estimates = {session.me: _rounded(turn)}, {session.me: turn @ own.theta}
    signs = {session.me: [0, *expected]}
    others = session.others(Role.HELPER, Role.FEATURE)
    for party, told in session.gather(others, ModelBlock).items():
        width = found.widths[party]
        if (len(told.turn.values), len(told.coefficients.values)) != (width * width, width):
            raise WireRefused("ModelBlock: not a square of its coordinates", party=party)
        if len(told.expected.values) != width or not set(told.expected.values) <= {-1.0, 0.0, 1.0}:
            raise WireRefused("ModelBlock: not one sign for each column", party=party)
        turns[party] = np.array(told.turn.values).reshape(width, width)
        estimates[party] = np.array(told.coefficients.values)
        signs[party] = [int(sign) for sign in told.expected.values]
    whole = _diagonal([turns[party] for party in found.widths])
    selected, forced = _selected(
        session.me,
        found,
        np.concatenate([estimates[party] for party in found.widths]),
        whole @ found.covariance() @ whole.T,
        rule,
        [sign for party in found.widths for sign in signs[party]],
    )
    for party in others:
        session.send(party, _message(_chosen(selected, found.block(party), forced.get(party))))
    at = found.block(session.me)
    return selected, _chosen(selected, slice(at.start + 1, at.stop), forced.get(session.me))


def offer(session: Session, own: OwnBlock, turn: Floats, expected: Sequence[int]) -> Chosen:
    """The side of every other party: tells its block; hears what becomes of its columns. `turn` (d x r)."""
    _check(turn, expected=len(expected))
    label = session.seating.playing(Role.LABEL)
    parts = (_rounded(turn).ravel(), turn @ own.theta, np.array(expected, dtype=np.float64))
    session.send(label, ModelBlock(*(DisclosedNumbers.of(part.tolist()) for part in parts)))
    return _heard(session.receive(label, KeptColumns), len(turn), label)


def _selected(
    me: PartyId, found: Information, estimates: Floats, covariance: Floats, rule: Rule, signs: Sequence[int]
) -> tuple[Selected, dict[PartyId, int]]:
    """The selection, and by party the coefficient that stays only because the party would have no column."""
    groups = _groups(me, found)
    forced: dict[PartyId, int] = {}
    z = np.abs(estimates) / np.sqrt(np.diag(covariance))
    while True:
        selected = stepwise(estimates, covariance, rule, rows=found.rows, groups=groups, expected=signs)
        bare = [
            party for party, columns in _columns(me, found).items() if not set(columns) & {*selected.kept}
        ]
        if not bare:
            return selected, forced
        for party in bare:
            forced[party] = max(_columns(me, found)[party], key=lambda place: z[place])
            groups[forced[party]] = -1


def _columns(me: PartyId, found: Information) -> Mapping[PartyId, range]:
    """Party -> the places of its columns; the label party's intercept is none."""
    blocks = {party: found.block(party) for party in found.widths}
    return {party: range(block.start + (party == me), block.stop) for party, block in blocks.items()}


def _chosen(selected: Selected, block: slice, forced: int | None) -> Chosen:
    """What the selection says of the columns in `block`."""
    stay = [at for at, place in enumerate(selected.kept) if block.start <= place < block.stop]
    steps = [
        OwnStep(number, step.action, step.group - block.start, step.change, step.p)
        for number, step in enumerate(selected.steps, 1)
        if block.start <= step.group < block.stop
    ]
    return Chosen(
        tuple(selected.kept[at] - block.start for at in stay),
        tuple(tested(selected.estimates[at], selected.errors[at]) for at in stay),
        tuple(steps),
        None if forced is None else forced - block.start,
    )


def _message(chosen: Chosen) -> KeptColumns:
    steps = [
        (step.number, _ACTIONS.index(step.action), step.place, step.change, step.p) for step in chosen.steps
    ]
    return KeptColumns(
        DisclosedNumbers.of(chosen.kept),
        DisclosedNumbers.of([test.estimate for test in chosen.tests]),
        DisclosedNumbers.of([test.standard_error or 0.0 for test in chosen.tests]),
        DisclosedNumbers.of([number for step in steps for number in step]),
        chosen.forced,
    )


def _heard(told: KeptColumns, width: int, label: PartyId) -> Chosen:
    places = [int(place) for place in told.places.values]
    if not places or places != sorted(set(places)) or not all(0 <= place < width for place in places):
        raise WireRefused("KeptColumns: not places of my columns", party=label)
    if not len(places) == len(told.estimates.values) == len(told.errors.values):
        raise WireRefused("KeptColumns: not an estimate and an error for each column", party=label)
    if told.forced is not None and told.forced not in places:
        raise WireRefused("KeptColumns: a column that stays and does not", party=label)
    if len(told.steps.values) % _STEP_NUMBERS:
        raise WireRefused("KeptColumns: not five numbers for each step", party=label)
    tests = map(tested, told.estimates.values, told.errors.values)
    steps = [
        _step(told.steps.values[at : at + _STEP_NUMBERS], width, label)
        for at in range(0, len(told.steps.values), _STEP_NUMBERS)
    ]
    return Chosen(tuple(places), tuple(tests), tuple(steps), told.forced)


def _step(numbers: Sequence[float], width: int, label: PartyId) -> OwnStep:
    number, action, place, change, p = numbers
    if action not in range(len(_ACTIONS)) or place not in range(width):
        raise WireRefused("KeptColumns: a step that moves none of my columns", party=label)
    return OwnStep(int(number), _ACTIONS[int(action)], int(place), change, p)


def _check(turn: Floats, *, expected: int) -> None:
    if turn.shape[0] != turn.shape[1] or np.linalg.matrix_rank(turn) < len(turn):
        raise UsageError(
            "this party's columns repeat each other, so that none can be judged by itself",
            advice="Leave out one of each repeated set; of the levels of a column, leave out one.",
        )
    if expected != len(turn):
        raise UsageError("there is not one expected sign for each column", advice="Give 0 for either sign.")


def _rounded(turn: Floats) -> Floats:
    unit = 10.0 ** (np.floor(np.log10(np.abs(turn).max(axis=1, keepdims=True))) + 1 - _DIGITS)
    return np.asarray(np.rint(turn / unit) * unit)


def _diagonal(blocks: Sequence[Floats]) -> Floats:
    whole = np.zeros((sum(len(block) for block in blocks), sum(block.shape[1] for block in blocks)))
    row = column = 0
    for block in blocks:
        whole[row : row + len(block), column : column + block.shape[1]] = block
        row, column = row + len(block), column + block.shape[1]
    return whole


def _groups(me: PartyId, found: Information) -> list[int]:
    """Each column is a group of its own; the intercept, the first of the label party's, always stays."""
    size = len(found.gradient)
    groups = list(range(size))
    groups[found.block(me).start] = -1
    return groups
