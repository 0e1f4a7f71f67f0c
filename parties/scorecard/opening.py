"""Scores for the label party, and the reasons for those that it declines.

    1  F -> L    points of each row that the plan opens, in whole units, under masks that cancel in the sum
    2  L -> F    which of the opened test rows it declines: scores below the plan's cut-off
    3  F -> L    for each of these its columns that lose most points against their best bins, at most
                 `scorecard.reasons`: a number for the column, and the points

What each role learns:
    L    the total of each opened row, not its parts; with one other party that is this party's points. Of a
         declined row, which columns cost it most and how much; see `messages.scorecard.PointsLost`
    F    which of the opened test rows L declines, which is a bit of their scores and no outcome
    aggregator    sizes of sealed envelopes
"""

from __future__ import annotations

import numpy as np

from crypto.private import Private
from crypto.sealed import MaskedWords, RowMarks, WireRefused
from federation.message import Role
from federation.messages.scorecard import Explain, PointsLost, PointWords, Reasons
from federation.plan import Plan
from federation.session import Session
from parties.scorecard.counting import Cells
from parties.scorecard.matrix import Marks
from parties.scorecard.points import Scale, Units, lost, total
from parties.scorecard.reasons import Explained, declined

#: Units of a score are below this in size.
_LARGEST = 1 << 52

Points = tuple[tuple[int, ...], ...]


def send_points(session: Session, codes: Private[Cells], points: Points, test: Marks, plan: Plan) -> None:
    """F's whole side. `codes`: the opened rows' bins; `test`: which of those rows did not train."""
    label, plain = session.seating.playing(Role.LABEL), codes.open_locally()
    partners = frozenset(map(str, session.others(Role.HELPER, Role.FEATURE)))
    masks = session.masks.words("points", partners, len(plain))
    session.send(label, PointWords(MaskedWords.of(total(plain, points).astype(np.uint64) + masks)))
    asked = session.receive(label, Explain).marks.marks()
    if len(asked) != len(plain) or (asked & ~test).any():
        raise WireRefused("Explain: not marks of test rows that were opened", party=label)
    session.send(label, Reasons(PointsLost.of(*lost(plain[asked], points, plan.scorecard.reasons))))


def receive_points(
    session: Session, codes: Private[Cells], points: Points, base: int, test: Marks, plan: Plan
) -> tuple[Private[Units], Marks, Private[Explained]]:
    """L's whole side: the total of each opened row in units, which of them are declined, and why."""
    plain, others = codes.open_locally(), session.others(Role.HELPER, Role.FEATURE)
    words = total(plain, points).astype(np.uint64)
    for party, told in session.gather(others, PointWords).items():
        if len(told.words) != len(plain):
            raise WireRefused("PointWords: not one word for each opened row", party=party)
        words = words + told.words.words()
    units = words.astype(np.int64) + base
    if np.abs(units).max(initial=0) >= _LARGEST:
        raise WireRefused("PointWords: they do not add up to a score")
    scale, cutoff = Scale.of(plan.scorecard), plan.scorecard.cutoff
    asked = declined(units, test, None if cutoff is None else cutoff * 10**scale.decimals)
    session.send_all(others, Explain(RowMarks.of(asked)))
    found = {session.me: lost(plain[asked], points, plan.scorecard.reasons)}
    for party, reasons in session.gather(others, Reasons).items():
        columns, losses = reasons.lost.entries()
        if columns.shape != (int(asked.sum()), plan.scorecard.reasons) or (losses < 0).any():
            raise WireRefused("Reasons: not losses of the rows that were asked about", party=party)
        found[party] = columns, losses
    return Private(units), asked, Private(Explained.merged(found, plan.scorecard.reasons))
