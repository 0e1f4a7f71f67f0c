"""Correlations between columns of different parties, told to the label party alone and in thousandths.

Every party standardises its columns over the rows in common. For each pair (P, Q), P before Q in the plan:

    1  P -> Q   Enc_P(z) for each of its columns z
    2  Q -> P   Enc_P(<z, w> + R) for each of its own columns w, every slot masked, R uniform modulo t
    3  P -> L   floor(((<z, w> + R) mod t) / u)           u: a thousandth of a correlation
       Q -> L   floor(R / u)                              L's own shares stay with it
    4  L        the difference of the two

Rounding both shares rounds the correlation up or down at random, so that it is right in the mean and within
one thousandth. A share alone is uniform. That the modulus cuts in between shows in the difference and is put
right; it happens with probability under 2^-19 and tells no more than the rounded value.

What each role learns:
    label party   the correlation matrix of all parties' columns in thousandths, by their place and not their
                  name; how many columns there are
    the others    nothing
    aggregator    sizes and times of sealed envelopes
Behind each column are `MIN_SUPPORT` rows or more that differ from its most frequent value: the correlation
with a column of one row would be a value of that row. The label party holds itself to that too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crypto.bfv import Ciphertexts, Columns, KeyPair, Scheme
from crypto.errors import UsageError
from crypto.private import Private
from crypto.sealed import DisclosedNumbers, MaskedWords, WireRefused, Words64
from federation.ids import PartyId
from federation.message import Role
from federation.messages.selection import CrossProducts, CrossShares, OwnCorrelations, SealedColumns
from federation.session import Session
from parties.features.support import MIN_SUPPORT, off_the_mode
from parties.logistic.packing import Packing

Floats = npt.NDArray[np.float64]

#: A correlation is told in steps of this size.
STEP = 1e-3
#: An inner product of standardised columns stays below 2^30, a millionth of the modulus of 2^50.
_BITS = 30


@dataclass(frozen=True, slots=True)
class Correlations:
    """`matrix` (D x D) over the columns of `parties` in that order, `widths` of each."""

    parties: tuple[PartyId, ...]
    widths: tuple[int, ...]
    matrix: Floats

    def owner(self, place: int) -> tuple[PartyId, int]:
        """Whose column stands at `place`, and which of that party's columns it is."""
        for party, width in zip(self.parties, self.widths, strict=True):
            if place < width:
                return party, place
            place -= width
        raise IndexError("beyond the last column")


def correlations(
    session: Session, columns: Private[Floats], widths: Mapping[PartyId, int]
) -> Correlations | None:
    """This seat's side: its own `columns` (n x d) over the rows in common. The matrix at the label party.

    `widths`: how many columns each party announced. Raises `UsageError` for a column that is not finite or
    has too few rows behind it; leave such columns out.
    """
    side = _Side(session, columns.open_locally(), widths)
    side.send_columns()
    shares = side.answer() | side.opened()
    label = session.seating.playing(Role.LABEL)
    if session.me == label:
        return side.combine(shares)
    upper = side.own[np.triu_indices(side.width, 1)]
    session.send(label, OwnCorrelations(DisclosedNumbers.of(upper.tolist())))
    for partner, share in shares.items():
        session.send(label, CrossShares(partner, MaskedWords.of(share.ravel())))
    return None


class _Side:
    """One party's columns as integers, and the pairs that it is in."""

    def __init__(self, session: Session, columns: Floats, widths: Mapping[PartyId, int]) -> None:
        self.session, self.widths = session, widths
        standard = standardised(columns)
        rows, self.width = standard.shape
        self.own = np.rint(standard.T @ standard / rows / STEP) * STEP
        fraction = (_BITS - math.ceil(math.log2(rows))) // 2
        if fraction < 2:
            raise UsageError(f"{rows} rows are too many", advice="Draw a million rows for the correlations.")
        self.integers = np.rint(standard * (1 << fraction)).astype(np.int64)
        self.unit = round(rows * 4**fraction * STEP)
        self.scheme = Scheme()
        self.packing = Packing.of(rows, self.scheme.slots)
        parties = session.seating.parties
        place = parties.index(session.me)
        self.before, self.after = parties[:place], parties[place + 1 :]
        self.keys: KeyPair | None = self.scheme.generate() if self.after else None

    def send_columns(self) -> None:
        """Step 1, to every later party."""
        if self.keys is None:
            return
        residues = map(self.scheme.residues, self.integers.T)
        sealed = tuple(self.keys.encrypt(Private(self.packing.repeated(column))) for column in residues)
        self.session.send_all(self.after, SealedColumns(self.keys.public, sealed))

    def answer(self) -> dict[PartyId, Words64]:
        """Step 2, to every earlier party; my shares, a row for each of its columns."""
        shares = {}
        own = Columns(self.scheme, Private(self.packing.columns(self.integers))) if self.before else None
        for holder in self.before:
            told = self.session.receive(holder, SealedColumns)
            if own is None or len(told.columns) != self.widths[holder]:
                raise WireRefused("SealedColumns: not the columns that were announced", party=holder)
            answers, masks = [], []
            for column in told.columns:
                loaded = self.scheme.load(column, told.key, self.packing.length)
                products, mask = self.scheme.inner_products(loaded, own, told.key, self.packing.pieces)
                answers.append(products)
                masks.append(mask.open_locally()[: self.width])
            self.session.send(holder, CrossProducts(tuple(answers)))
            residues = np.array(masks, dtype=object) % self.scheme.modulus
            shares[holder] = residues.astype(np.uint64) // np.uint64(self.unit)
        return shares

    def opened(self) -> dict[PartyId, Words64]:
        """Step 3, from every later party; my shares, a row for each of my columns."""
        shares = {}
        for partner in self.after:
            answers = self.session.receive(partner, CrossProducts).answers
            if len(answers) != self.width:
                raise WireRefused("CrossProducts: not one for each column", party=partner)
            sums = np.array([self._sums(each, partner) for each in answers])
            shares[partner] = sums // np.uint64(self.unit)
        return shares

    def _sums(self, answers: Ciphertexts, partner: PartyId) -> Words64:
        if self.keys is None:
            raise ValueError("a party without later ones has no key")
        sums = self.keys.slot_sums(answers, self.widths[partner], self.packing.pieces, self.packing.length)
        return sums.words()

    # -- at the label party ------------------------------------------------------------------------

    def combine(self, own: dict[PartyId, Words64]) -> Correlations:
        """Step 4: the matrix, from own shares and those of the others."""
        session = self.session
        parties = session.seating.parties
        blocks = {(session.me, session.me): self.own}
        shares = {(session.me, partner): words for partner, words in own.items()}
        for party in session.others():
            blocks[party, party] = self._told(party)
            for _ in session.others():
                told = session.receive(party, CrossShares)
                shares[party, told.partner] = told.shares.words()
        for at, p in enumerate(parties):
            for q in parties[at + 1 :]:
                blocks[p, q] = self._block(p, q, shares)
                blocks[q, p] = blocks[p, q].T
        matrix = np.block([[blocks[p, q] for q in parties] for p in parties])
        return Correlations(parties, tuple(self.widths[party] for party in parties), matrix)

    def _told(self, party: PartyId) -> Floats:
        width = self.widths[party]
        upper = self.session.receive(party, OwnCorrelations).upper.values
        if len(upper) != width * (width - 1) // 2:
            raise WireRefused("OwnCorrelations: not one for each pair of columns", party=party)
        block = np.zeros((width, width))
        block[np.triu_indices(width, 1)] = np.clip(upper, -1, 1)
        return block + block.T + np.eye(width)

    def _block(self, p: PartyId, q: PartyId, shares: Mapping[tuple[PartyId, PartyId], Words64]) -> Floats:
        """d_p x d_q correlations from the shares of P, which opened, and of Q, which masked."""
        shape = (self.widths[p], self.widths[q])
        for pair in ((p, q), (q, p)):
            if pair not in shares or shares[pair].size != shape[0] * shape[1]:
                raise WireRefused("CrossShares: not one for each pair of columns", party=pair[0])
        opened, mask = (shares[pair].astype(np.int64).reshape(shape) for pair in ((p, q), (q, p)))
        difference = opened - mask
        period = self.scheme.modulus / self.unit
        cut = difference - np.rint(difference / period) * period
        return np.asarray(np.clip(np.rint(cut) * STEP, -1, 1))


def standardised(columns: Floats) -> Floats:
    """Columns of mean 0 and mean square 1. Raises `UsageError` as `correlations` does."""
    if columns.ndim != 2 or 0 in columns.shape or not np.isfinite(columns).all():
        raise UsageError(
            "the columns are not a matrix of finite numbers", advice="Bin or fill the missing values first."
        )
    thin = [place for place, column in enumerate(columns.T) if off_the_mode(column) < MIN_SUPPORT]
    if thin:
        raise UsageError(
            f"column {thin[0] + 1} of {columns.shape[1]} has fewer than {MIN_SUPPORT} rows behind it",
            advice="Leave it out before correlations are taken.",
        )
    # A column of large numbers loses nothing: centred twice, the mean is exact to the last digit.
    centred = columns - columns.mean(axis=0)
    centred = centred - centred.mean(axis=0)
    return np.asarray(centred / np.sqrt(np.square(centred).mean(axis=0)))
