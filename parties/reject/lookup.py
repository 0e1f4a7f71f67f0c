"""How many of a bank's rejected firms turned bad at another lender: counts of score bands, never one firm.

    1  both            common: the bank's applicants among the lender's firms, by ring PSI
    2  lender -> bank  y of the common firms under the lender's key                      n values of 0 or 1
    3  bank -> lender  <1_b, y> + R_b for each band b of rejected firms, under that key  one ciphertext a band
    4  lender -> bank  <1_b, y> + R_b + noise                                            uniform words
    5  bank            subtracts R_b: the noisy count of bad firms in each band

The bank aligns all its applicants, so that the lender does not see which of its firms were turned down: those
accepted are in no band, and which firms a band holds never leaves the bank.

What each role learns:
    bank        which of its applicants are the lender's customers; for each band of at least `FEWEST` of its
                rejected ones how many turned bad there, give or take the noise; no outcome of a firm
    lender      which of its firms applied at the bank; how many bands were asked for; neither scores nor
                bands, nor who was rejected
    aggregator  the sizes of both sets and of their overlap; no identifier (`parties.alignment`)

The noise is discrete Gaussian of `deviation` firms on each count. A firm is in one band, so one outcome
changes one count by one: rho = 1 / (2 deviation^2) of zero-concentrated privacy for all bands together (two
firms of noise: rho = 1/8, counted as epsilon 2.9 at delta 1e-5), and again for each lookup. Without noise
(0) a band of which no firm, or every one, turned bad would tell all outcomes in it. On 50 firms, two of
noise are four points of the bad rate.

Not promised: anything against a bank that computes other sums than it should. The lender counts the bands
(one for `FEWEST` common firms at most) and cannot see what is in them; a bank that weighs firms by powers of
two would read outcomes past the noise. It is for lenders that hold each other to a contract. And what other
lenders saw is chosen too: where they took the best of the rejected, their rate is below that of all rejected.

Circuit privacy of step 3: `crypto.bfv`, 2^-42 an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from crypto.bfv import Columns, Scheme, unmask_sums
from crypto.codes import Code
from crypto.noise import SystemWords, discrete_gaussian
from crypto.pool import Pool
from crypto.private import Private
from crypto.sealed import MaskedWords
from federation.errors import MessageRefused, PlanRefused
from federation.messages.reject import BandQuestions, BandSums, LenderOutcomes
from federation.session import Session
from parties.alignment import align
from parties.reject.bands import FEWEST, ObservedBands, fit_bands

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]
Outcomes = npt.NDArray[np.int8]

#: Firms of noise on each count, unless the lender says otherwise.
DEVIATION = 2.0


def ask(
    session: Session,
    ids: Private[Sequence[bytes]],
    scores: Private[Floats],
    rejected: Private[Marks],
    *,
    minimum: int,
    most: int = 10,
    fewest: int = FEWEST,
    scheme: Scheme | None = None,
    pool: Pool | None = None,
) -> ObservedBands:
    """The bank's side, of a session with one lender. ids, scores, rejected: of all its applicants, (n,) each.

    Bands are cut by the scores of the rejected firms that are common: at most `most`, of `fewest` or more.
    Raises `PlanRefused` where there are fewer (without their number, which the lender is not to know), and
    as `align` does.
    """
    (lender,) = session.others()
    scheme = scheme or Scheme()
    common = align(session, ids, minimum, pool).open_locally()
    score, turned_down = scores.open_locally()[common], rejected.open_locally()[common]
    told = session.receive(lender, LenderOutcomes)
    if np.count_nonzero(turned_down) < fewest:
        raise PlanRefused(
            f"fewer than {fewest} of the common firms were rejected: no band can be asked for",
            party=session.me,
            advice="Ask a lender that knows more of the rejected firms, or assume a multiplier.",
            code=Code.TOO_FEW_FIRMS,
        )
    bands = fit_bands(score[turned_down], most, fewest)
    which = np.where(turned_down, bands.of(score), -1)
    indicators = np.stack([which == band for band in range(bands.count)], axis=1).astype(np.int64)
    outcomes = scheme.load(told.outcomes, told.key, len(common))
    answers, masks = scheme.inner_products(outcomes, Columns(scheme, Private(indicators)), told.key)
    session.send(lender, BandQuestions(bands.count, answers))
    sums = session.receive(lender, BandSums).sums
    counts = unmask_sums(sums, masks, scheme).open_locally()
    return ObservedBands(bands, tuple(map(int, indicators.sum(axis=0))), tuple(map(float, counts)))


def tell(
    session: Session,
    ids: Private[Sequence[bytes]],
    outcomes: Private[Outcomes],
    *,
    minimum: int,
    deviation: float = DEVIATION,
    fewest: int = FEWEST,
    before_answering: Callable[[], None] | None = None,
    scheme: Scheme | None = None,
    pool: Pool | None = None,
) -> int:
    """The lender's side: how many counts it told. ids, outcomes (1 is bad): of its own firms, (n,) each.

    `before_answering` is called when all is well and nothing was told yet. Raises `MessageRefused` where the
    bank asks for more bands than one for `fewest` common firms.
    """
    (bank,) = session.others()
    scheme = scheme or Scheme()
    common = align(session, ids, minimum, pool).open_locally()
    bad = outcomes.open_locally()[common].astype(np.int64)
    keys = scheme.generate()
    session.send(bank, LenderOutcomes(keys.public, keys.encrypt(Private(scheme.residues(bad)))))
    asked = session.receive(bank, BandQuestions)
    if not 1 <= asked.bands <= len(common) // fewest:
        raise MessageRefused(
            f"{asked.bands} bands over {len(common)} common firms: fewer than {fewest} firms a band",
            party=bank,
        )
    sums = keys.slot_sums(asked.answers, asked.bands)
    if before_answering is not None:
        before_answering()
    session.send(bank, BandSums(_noisy(sums, deviation, scheme)))
    return asked.bands


def _noisy(sums: MaskedWords, deviation: float, scheme: Scheme) -> MaskedWords:
    """The masked sums with noise added to what is under the masks: sums modulo t let it through."""
    if deviation == 0:
        return sums
    noise = discrete_gaussian(Fraction(deviation) ** 2, len(sums), SystemWords())
    modulus = np.uint64(scheme.modulus)
    return MaskedWords.of((sums.words() + scheme.residues(noise)) % modulus)
