"""A score at one party, the outcomes at another: how many defaults are in each bin of the score, and no row.

S holds the scores, L the outcomes; both have the rows in the same order. `opens` is the one of them that the
run lets know the counts.

    0  L -> S   Enc_L(y), the outcomes row by row
    1  S        cuts the scores into bins of `MIN_SUPPORT` rows or more
       S -> L   for each bin: Enc_L(sum of y over the bin + mask), every slot masked
    2  L        opens the masked sums
       L -> S   the masked sums                                    when S opens
       S -> L   the masks; rows, lowest score, mean prediction     when L opens
    3           the one who opens takes the masks off

Sums are exact: the counts are those of the pooled rows. Circuit privacy of step 1 is that of `crypto.bfv`.

What each role learns:
    S, when it opens     the defaults in each of its bins; a bin without any, or of defaults alone, tells the
                         outcome of all its rows. It learns nothing when L opens
    L, when it opens     rows, defaults, lowest score and mean prediction of each bin; not which rows
    L, when S opens      the number of bins
    aggregator           sizes and times of sealed envelopes
S follows the protocol: L sees how many bins there are and refuses more than one for `MIN_SUPPORT` rows, but
not which rows are in them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crypto.bfv import Columns, Scheme, unmask_sums
from crypto.errors import UsageError
from crypto.private import Private
from crypto.sealed import DisclosedNumbers, MaskedWords, WireRefused
from federation.ids import PartyId
from federation.message import Role
from federation.messages.apart import BinSums, OpenedSums, SealedOutcomes, TheBins
from federation.session import Session
from parties.binning.cuts import quantile_edges
from parties.evaluation.counts import BinCounts
from parties.features.support import MIN_SUPPORT
from parties.logistic.packing import Packing

Floats = NDArray[np.float64]


def count_for_scores(
    session: Session,
    scores: Private[Floats],
    opens: PartyId,
    *,
    predictions: Private[Floats] | None = None,
    bins: int = 20,
) -> BinCounts | None:
    """S's side: `scores` (n,), higher is worse. The counts, or None when the label party opens them.

    `predictions` (n,) are probabilities of default where the scores are none; without them the scores count
    as predictions. At most `bins` bins, as even as ties and `MIN_SUPPORT` allow. Raises `UsageError` for
    scores that are not finite.
    """
    score = scores.open_locally()
    predicted = score if predictions is None else predictions.open_locally()
    _check(score, predicted)
    scheme, label = Scheme(), session.seating.playing(Role.LABEL)
    told = session.receive(label, SealedOutcomes)
    place = np.searchsorted(np.array(quantile_edges(score, bins, MIN_SUPPORT)), score, side="right")
    width = int(place.max()) + 1
    packing = Packing.of(len(score), scheme.slots)
    inside = packing.columns((place[:, None] == np.arange(width)).astype(np.int64))
    outcomes = scheme.load(told.outcomes, told.key, packing.length)
    answers, all_masks = scheme.inner_products(
        outcomes, Columns(scheme, Private(inside)), told.key, packing.pieces
    )
    session.send(label, BinSums(width, answers))
    masks = all_masks.open_locally()[:width]
    rows = np.bincount(place)
    floors = np.array([score[place == each].min() for each in range(width)])
    means = np.array([predicted[place == each].mean() for each in range(width)])
    if opens == session.me:
        sums = session.receive(label, OpenedSums).sums
        bad = unmask_sums(sums, Private(masks), scheme).open_locally()
        return _counts(floors, rows, bad, means, party=label)
    hidden = MaskedWords.of(np.array(masks, dtype=np.uint64))
    session.send(
        label, TheBins(hidden, *(DisclosedNumbers.of(part.tolist()) for part in (rows, floors, means)))
    )
    return None


def count_for_outcomes(
    session: Session, scorer: PartyId, outcomes: Private[NDArray[np.int8]], opens: PartyId
) -> BinCounts | None:
    """L's side: `outcomes` (n,) of 0 and 1. The counts, or None when the holder of the scores opens them."""
    label = outcomes.open_locally()
    scheme = Scheme()
    packing, keys = Packing.of(len(label), scheme.slots), scheme.generate()
    sealed = keys.encrypt(Private(packing.repeated(scheme.residues(label.astype(np.int64)))))
    session.send(scorer, SealedOutcomes(keys.public, sealed))
    found = session.receive(scorer, BinSums)
    most = max(1, len(label) // MIN_SUPPORT)
    if not 1 <= found.bins <= most:
        raise WireRefused(f"BinSums: {found.bins} bins of {len(label)} rows, not 1 to {most}", party=scorer)
    sums = keys.slot_sums(found.answers, found.bins, packing.pieces, packing.length)
    if opens != session.me:
        session.send(scorer, OpenedSums(sums))
        return None
    bins = session.receive(scorer, TheBins)
    bad = unmask_sums(sums, Private(bins.masks.words().tolist()), scheme).open_locally()
    rows, floors, means = (np.array(part.values) for part in (bins.rows, bins.floors, bins.predicted))
    if rows.sum() != len(label) or (rows < min(MIN_SUPPORT, len(label))).any():
        raise WireRefused("TheBins: not all rows, or too few in a bin", party=scorer)
    return _counts(floors, rows.astype(np.int64), bad, means, party=scorer)


def _check(score: Floats, predicted: Floats) -> None:
    if not (np.isfinite(score).all() and np.isfinite(predicted).all() and score.shape == predicted.shape):
        raise UsageError(
            "a score or a prediction is not a finite number",
            field="score",
            advice="Score every row before evaluating; leaving rows out would flatter the model.",
        )


def _counts(
    floors: Floats, rows: NDArray[np.int64], bad: list[int], means: Floats, *, party: PartyId
) -> BinCounts:
    try:
        return BinCounts(floors, rows, np.array(bad, dtype=np.int64), means)
    except UsageError:
        raise WireRefused("the opened sums are no counts of the bins", party=party) from None
