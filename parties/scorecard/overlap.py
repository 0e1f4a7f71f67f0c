"""Columns of several parties that say the same, found before training from the correlations of their WOE.

    P -> all   how many of its columns it compares, drawn into an order for the purpose
    P -> L     their information values, in thousandths
    P, L       the correlations of all columns to L, in thousandths       (parties.selection.correlation)
    L          of two columns correlated beyond `selection.correlation` the one of lower information value
               goes, then the most inflated until no factor is above `selection.inflation`; of a party that
               would have none left the column of the highest information value stays
    L -> P     what becomes of each of P's columns, and by which rule

What each role learns, beside what `parties.selection.correlation` tells:
    every party   how many columns each other one compares; which of its own columns others repeat, not whose
                  column it is
    label party   the information value of each column; no name, and no place that P uses elsewhere. With
                  `binning.disclose = "woe"` it computed that value itself, and may so find the column's cells
    aggregator    sizes of sealed envelopes
Outcomes have a part only in the information values, so these are no equations about them. Of more than `MOST`
training rows as many are drawn by the plan's seed: every party knows which.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from crypto.private import Private
from crypto.sealed import DisclosedNumbers, WireRefused
from federation.credit import Selection
from federation.ids import PartyId
from federation.message import Role
from federation.messages.selection import Compared, Verdicts, Worth
from federation.plan import Plan
from federation.session import Session
from parties.binning.book import BinningTable
from parties.features.support import MIN_SUPPORT, off_the_mode
from parties.selection.collinearity import without_inflation, without_repetition
from parties.selection.correlation import Correlations, correlations
from parties.selection.filters import LeftOut

Floats = npt.NDArray[np.float64]

#: On so many training rows correlations are taken at most: then one is right to 0.003, one standard error.
MOST = 100_000
#: More columns than any party has.
_MOST_COLUMNS = 1 << 14


class Verdict(IntEnum):
    """What becomes of a column."""

    STAYS = 0
    REPEATED = 1
    INFLATED = 2
    LAST = 3  # It stays because its party would have none.


@dataclass(frozen=True, slots=True)
class Overlap:
    """Which of a party's own columns go, and sentences for its own people on what else was found."""

    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def overlapping(
    session: Session, plan: Plan, tables: Sequence[BinningTable], woe: Private[Floats]
) -> Overlap:
    """This seat's side, for the tables and WOE (n x d) of its columns over the training rows.

    Columns that rest on fewer than `MIN_SUPPORT` of the drawn rows are not compared, and stay. Raises
    `WireRefused` for what does not fit the columns that were announced.
    """
    if not plan.selection.compares:
        return Overlap((), ())
    plain = woe.open_locally()
    sample = plain[drawn(len(plain), plan.split.seed)]
    order = [at for at in range(len(tables)) if off_the_mode(sample[:, at]) >= MIN_SUPPORT]
    secrets.SystemRandom().shuffle(order)
    widths = _announced(session, len(order))
    bare = [party for party, width in widths.items() if width == 0]
    if bare:
        return Overlap((), (f"Columns were not compared: too few rows are behind those of {bare[0]}.",))
    found = correlations(session, Private(sample[:, order]), widths)
    worth = [round(tables[at].iv, 3) for at in order]
    verdicts = _asked(session, worth) if found is None else _told(session, plan.selection, found, worth)
    pairs = sorted(zip(order, verdicts, strict=True))
    reasons = {
        Verdict.REPEATED: "another column, of whatever party, says nearly the same (correlation above "
        f"{plan.selection.correlation:g}) and tells more of the outcome",
        Verdict.INFLATED: "the other columns together say nearly the same (variance inflation above "
        f"{plan.selection.inflation:g})",
    }
    return Overlap(
        tuple(LeftOut(tables[at].column, reasons[each]) for at, each in pairs if each in reasons),
        tuple(
            f"Column {tables[at].column} stays only because {session.me} would have none: others say nearly "
            "the same."
            for at, each in pairs
            if each is Verdict.LAST
        ),
    )


def drawn(rows: int, seed: int) -> npt.NDArray[np.int64]:
    """At most `MOST` of the training rows, ascending: those with the smallest words of a generator whose
    words NumPy promises to keep."""
    if rows <= MOST:
        return np.arange(rows)
    words = np.random.PCG64(seed).random_raw(rows)
    return np.sort(np.argsort(words, kind="stable")[:MOST])


def judged(
    matrix: Floats, worth: Sequence[float], owners: Sequence[PartyId], rule: Selection
) -> tuple[Verdict, ...]:
    """What becomes of each column, by the correlation `matrix` of all (D x D), their worth and owners (D)."""
    verdicts = np.full(len(worth), Verdict.STAYS)
    stay = np.arange(len(worth))
    if rule.correlation:
        stay = np.array(without_repetition(matrix, worth, rule.correlation))
        verdicts[np.setdiff1d(np.arange(len(worth)), stay)] = Verdict.REPEATED
    if rule.inflation:
        kept, _ = without_inflation(
            matrix[np.ix_(stay, stay)], [worth[at] for at in stay.tolist()], rule.inflation
        )
        verdicts[np.delete(stay, kept)] = Verdict.INFLATED
    for party in dict.fromkeys(owners):
        own = [at for at, owner in enumerate(owners) if owner == party]
        if (verdicts[own] != Verdict.STAYS).all():
            verdicts[max(own, key=lambda at: worth[at])] = Verdict.LAST
    return tuple(map(Verdict, verdicts.tolist()))


def _announced(session: Session, own: int) -> dict[PartyId, int]:
    session.send_all(session.others(), Compared(own))
    told = session.gather(session.others(), Compared)
    for party, message in told.items():
        if not 0 <= message.columns <= _MOST_COLUMNS:
            raise WireRefused("Compared: not a number of columns", party=party)
    return {session.me: own, **{party: message.columns for party, message in told.items()}}


def _asked(session: Session, worth: Sequence[float]) -> list[Verdict]:
    label = session.seating.playing(Role.LABEL)
    session.send(label, Worth(DisclosedNumbers.of(worth)))
    told = session.receive(label, Verdicts).verdicts.values
    if len(told) != len(worth) or not set(told) <= set(map(float, Verdict)):
        raise WireRefused("Verdicts: not one for each compared column", party=label)
    return [Verdict(int(each)) for each in told]


def _told(session: Session, rule: Selection, found: Correlations, own: Sequence[float]) -> list[Verdict]:
    worth = {session.me: tuple(own)}
    widths = dict(zip(found.parties, found.widths, strict=True))
    for party, message in session.gather(session.others(Role.HELPER, Role.FEATURE), Worth).items():
        if len(message.iv.values) != widths[party]:
            raise WireRefused("Worth: not one information value for each compared column", party=party)
        worth[party] = message.iv.values
    owners = [party for party in found.parties for _ in worth[party]]
    verdicts = judged(found.matrix, [iv for party in found.parties for iv in worth[party]], owners, rule)
    by_party: dict[PartyId, list[Verdict]] = {
        party: [each for each, owner in zip(verdicts, owners, strict=True) if owner == party]
        for party in found.parties
    }
    for party in session.others(Role.HELPER, Role.FEATURE):
        session.send(party, Verdicts(DisclosedNumbers.of(by_party[party])))
    return by_party[session.me]
