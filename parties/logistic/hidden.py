"""Vertical logistic regression in which no per-row value is ever opened: one gradient, three roles.

The label party L and one helper H compute; each has a BFV key pair. Further parties F give each of them
one additive share of their logits. r, s and the shares are fresh and uniform in every iteration.

    0  F -> L, H    shares a, b of z_F, a + b = z_F mod 2^32                          (torus words)
       H -> L       u = z_H + sum b + r mod 2^32
    1  H -> L       Enc_H(sin k r), Enc_H(cos k r), k = 1, 3, .. 2K - 1
    2  L            theta = z_L + sum a + u, so theta - r is the logit
       L -> H       Enc_H(d + s) = sum_k b_k [sin(k theta) Enc_H(cos k r) - cos(k theta) Enc_H(sin k r)]
                                   + 1/2 - y + s                                      (an answer)
       L -> H, F    Enc_L(s)
    3  H            opens v = d + s, uniform modulo t
       H -> L, F    Enc_H(v)
    4  H -> L       Enc_L(X_H' (v - s)) + mask;     L -> H   Enc_H(X_L' (v - s)) + mask
       F -> H       Enc_H(X_F' v) + mask;           F -> L   Enc_L(X_F' s) + mask
    5  the key holder returns the opened, still masked sums; each unmasks its own gradient X' d

Where rows are few, `packing` lays several vectors into one ciphertext: then s and v in steps 2 and 3 are
sums over its pieces, each with a uniform share of its own. Where they are many, steps 1 to 3 go through
65,536 rows at a time, so that nobody holds the sines of all: for a million rows they are 500 MB.

d = sigma(z) - y is the residual; everything after step 2 is exact modulo t. Parties follow the protocol
(semi-honest); answers and their circuit privacy are described in `crypto.bfv`, the series in `series`.

What each role learns:
    every party   its own gradient, each iteration; the rung, one of five, that holds the typical size of
                  the logits; how many columns each other party has (`messages.round.Prepared`)
    label party   also the typical logit size of each other party in half units
    nobody        anything about a single row
    aggregator    sizes and times of sealed envelopes
    aggregator with one party: nothing more than that party
    label party with helper: everything (they hold both shares); the plan names both
A party's gradient is d_h sums over all rows; see `federation.budget` for how many sums are allowed.
"""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from crypto.bfv import Ciphertexts, Columns, KeyPair, PublicKey, Scheme, unmask_sums
from crypto.private import Private
from crypto.sealed import TorusWords, WireRefused, Words32, Words64
from federation.ids import PartyId
from federation.message import Role
from federation.messages.logistic import (
    BfvKey,
    Harmonics,
    Headroom,
    LogitRange,
    LogitShare,
    MaskedLogit,
    Opened,
    Products,
    Residual,
    ResidualShare,
)
from federation.session import Session
from parties.logistic.packing import Packing
from parties.logistic.series import LADDER, FixedPoint, Floats, Rung, coefficients, cosines, sines, to_torus

#: Ciphertexts of a vector that travel in one message: with twelve harmonics 34 MB.
_BLOCKS = 8


class HiddenGradient(ABC):
    """One party's side of it. `gradient(theta)` runs one iteration together with the other sides.

    `features`: n x d, whitened over the training rows (the label party's first column is all ones).
    They are rounded to the fixed point once, and `rounded` is what the model is trained on.
    `widths`: how many columns each party announced; no more sums than that are opened for it.
    """

    def __init__(
        self, session: Session, features: Private[Floats], scheme: Scheme, widths: Mapping[PartyId, int]
    ) -> None:
        plain = features.open_locally()
        self.session = session
        self.scheme = scheme
        self.rows, self.width = plain.shape
        self.fixed = FixedPoint.for_rows(self.rows, scheme.modulus)
        integers = self.fixed.feature_integers(plain)
        self._rounded = integers.astype(np.float64) / (1 << self.fixed.feature)
        self.packing = Packing.of(self.rows, scheme.slots)
        self._columns = Columns(scheme, Private(self.packing.columns(integers)))
        self._widths = widths
        self.label = session.seating.playing(Role.LABEL)
        self.helper = session.seating.playing(Role.HELPER)

    @property
    def rounded(self) -> Private[Floats]:
        """The features as the fixed point holds them: n x d."""
        return Private(self._rounded)

    @abstractmethod
    def gradient(self, theta: Floats) -> Private[Floats]:
        """This party's block of the mean gradient, (1/n) X' (sigma(z) - y), at its block `theta`."""

    def _stretches(self) -> list[tuple[slice, int]]:
        """The rows in stretches whose ciphertexts travel together; how long the packed vector of each is."""
        if self.packing.pieces > 1:
            return [(slice(0, self.rows), self.packing.length)]
        step = _BLOCKS * self.scheme.slots
        ends = [min(start + step, self.rows) for start in range(0, self.rows, step)]
        return [(slice(start, end), end - start) for start, end in zip([0, *ends], ends, strict=False)]

    # -- the range of the logits -------------------------------------------------------------------

    def _agree_range(self, z: Floats) -> Rung:
        """Tell the label party how far z reaches; take the rung that it fixes."""
        self.session.send(self.label, _headroom(z))
        rung = self.session.receive(self.label, LogitRange).rung
        if not 0 <= rung < len(LADDER):
            raise WireRefused("LogitRange: no such rung", party=self.label)
        return LADDER[rung]

    # -- steps 4 and 5 -----------------------------------------------------------------------------

    def _ask(
        self,
        holder: PartyId,
        key: PublicKey,
        share: Ciphertexts,
        *,
        negate: bool = False,
        plus: Words64 | None = None,
    ) -> Private[list[int]]:
        """Send the masked inner products of my columns with a share to its key holder; keep the masks."""
        repeated = None if plus is None else self.packing.repeated(plus)
        loaded = self.scheme.load(share, key, self.packing.length, negate=negate, plus=repeated)
        answers, masks = self.scheme.inner_products(loaded, self._columns, key, self.packing.pieces)
        self.session.send(holder, Products(answers))
        return Private(masks.open_locally()[: self.width])

    def _answer(self, keys: KeyPair, asker: PartyId) -> None:
        """Open the masked sums that `asker` sent, and give them back to it."""
        answers = self.session.receive(asker, Products).answers
        packing = self.packing
        sums = keys.slot_sums(answers, self._widths[asker], packing.pieces, packing.length)
        self.session.send(asker, Opened(sums))

    def _share(self, keys: KeyPair, share: Words64) -> ResidualShare:
        """A share of the residual under its holder's key, in every piece."""
        return ResidualShare(keys.encrypt(Private(self.packing.repeated(share))))

    def _opened(self, holder: PartyId, masks: Private[list[int]]) -> npt.NDArray[np.object_]:
        sums = self.session.receive(holder, Opened).sums
        return np.array(unmask_sums(sums, masks, self.scheme).open_locally(), dtype=object)

    def _mean(self, sums: npt.NDArray[np.object_]) -> Private[Floats]:
        """Exact sums in fixed point to the mean gradient."""
        centred = [self.scheme.signed(int(value)) for value in sums]
        return Private(np.array(centred, dtype=np.float64) / (self.fixed.gradient_scale * self.rows))


class LabelGradient(HiddenGradient):
    """L: holds the labels y (n values, 0 or 1)."""

    def __init__(
        self,
        session: Session,
        features: Private[Floats],
        labels: Private[npt.NDArray[np.int8]],
        scheme: Scheme,
        widths: Mapping[PartyId, int],
    ) -> None:
        super().__init__(session, features, scheme, widths)
        plain = labels.open_locally()
        self.positives = float(plain.mean())
        self._constant = np.rint((0.5 - plain) * self.fixed.residual_scale).astype(np.int64)
        self.rung, self.floor = 0, 0  # The rung last used, and the lowest that may be used next.
        self._keys = scheme.generate()
        self._further = session.others(Role.FEATURE)
        session.send_all((self.helper, *self._further), BfvKey(self._keys.public))
        self._helper_key = session.receive(self.helper, BfvKey).key

    def gradient(self, theta: Floats) -> Private[Floats]:
        """L's steps: combine, share, ask, answer."""
        session, scheme = self.session, self.scheme
        z = self._rounded @ theta
        rung = self._fix_range(z)
        # 0: the masked sum of everyone's logits
        words = to_torus(z, rung) + _words(session.receive(self.helper, MaskedLogit).words, self.rows)
        for told in session.gather(self._further, LogitShare).values():
            words = words + _words(told.words, self.rows)
        # 1, 2: the residual plus a uniform share, under the helper's key
        shares = scheme.uniform(self.packing.length)
        constant = self.packing.first(scheme.residues(self._constant))
        plus = (constant + shares) % np.uint64(scheme.modulus)
        for rows, length in self._stretches():
            masked = plus[rows.start : rows.start + length]
            session.send(self.helper, Residual(self._shifted(words[rows], masked, rung)))
        share = self.packing.added(shares, scheme.modulus)
        session.send_all((self.helper, *self._further), self._share(self._keys, share))
        # 4, 5: own gradient from Enc_H(v) - s; the others' masked sums back to them
        opened = session.receive(self.helper, ResidualShare).share
        negative = (np.uint64(scheme.modulus) - share) % np.uint64(scheme.modulus)
        masks = self._ask(self.helper, self._helper_key, opened, plus=negative)
        for asker in (self.helper, *self._further):
            self._answer(self._keys, asker)
        return self._mean(self._opened(self.helper, masks))

    def _shifted(self, words: Words32, plus: Words64, rung: Rung) -> Ciphertexts:
        """The residual plus the shares of one stretch, from the helper's next sines and cosines."""
        harmonics = self.session.receive(self.helper, Harmonics).terms
        if len(harmonics) != self.packing.count(2 * rung.harmonics):
            raise WireRefused("Harmonics: not a sine and a cosine for each harmonic", party=self.helper)
        weights = self.packing.side_by_side(self._weights(words, rung))
        return self.scheme.combine(harmonics, weights, plus, self._helper_key)

    def _weights(self, words: Words32, rung: Rung) -> Iterator[npt.NDArray[np.int64]]:
        """The plaintext factors of Enc_H(sin k r) and Enc_H(cos k r), in the order they are sent."""
        for k, b in enumerate(coefficients(rung), start=1):
            yield self.fixed.weight_integers(-b * cosines(words, k))
            yield self.fixed.weight_integers(b * sines(words, k))

    def _fix_range(self, z: Floats) -> Rung:
        """The smallest rung, from `floor` up, whose limit holds the typical size of the sum of all parts.

        Sizes add up as if the parts were uncorrelated. That is an estimate, since nobody sees the whole
        logit; `optimiser.Optimiser` confirms it by a wider rung before training may end.
        """
        others = (self.helper, *self._further)
        rooms = [*self.session.gather(others, Headroom).values(), _headroom(z)]
        typical = math.hypot(*(room.typical / 2 for room in rooms))
        fitting = next((i for i, rung in enumerate(LADDER) if typical <= rung.limit), len(LADDER) - 1)
        self.rung = min(max(fitting, self.floor), len(LADDER) - 1)
        self.session.send_all(others, LogitRange(self.rung))
        return LADDER[self.rung]


class HelperGradient(HiddenGradient):
    """H: the first party without the label, in the plan's order."""

    def __init__(
        self, session: Session, features: Private[Floats], scheme: Scheme, widths: Mapping[PartyId, int]
    ) -> None:
        super().__init__(session, features, scheme, widths)
        self._keys = scheme.generate()
        self._further = session.others(Role.FEATURE)
        session.send_all((self.label, *self._further), BfvKey(self._keys.public))
        self._label_key = session.receive(self.label, BfvKey).key

    def gradient(self, theta: Floats) -> Private[Floats]:
        """H's steps: mask, open, share, ask, answer."""
        session = self.session
        z = self._rounded @ theta
        rung = self._agree_range(z)
        # 0: my logits and the shares I was given, under a fresh mask
        mask = _uniform_words(self.rows)
        words = to_torus(z, rung) + mask
        for told in session.gather(self._further, LogitShare).values():
            words = words + _words(told.words, self.rows)
        session.send(self.label, MaskedLogit(TorusWords.of(words)))
        # 1: sines and cosines of the mask, under my key; 3: open the shifted residual (uniform)
        opened, due = [], 0
        for rows, length in self._stretches():
            session.send(self.label, Harmonics(tuple(self._harmonics(mask[rows], rung))))
            if due:  # One stretch ahead of the label party, so that both work.
                opened.append(self._residual(due))
            due = length
        opened.append(self._residual(due))
        # 3: share it under my key
        label_share = session.receive(self.label, ResidualShare).share
        value = self.packing.added(np.concatenate(opened), self.scheme.modulus)
        session.send_all((self.label, *self._further), self._share(self._keys, value))
        # 4, 5: own gradient from v - Enc_L(s); the others' masked sums back to them
        masks = self._ask(self.label, self._label_key, label_share, negate=True, plus=value)
        for asker in (self.label, *self._further):
            self._answer(self._keys, asker)
        return self._mean(self._opened(self.label, masks))

    def _residual(self, length: int) -> Words64:
        """The residual plus the label party's shares of the next stretch, packed."""
        shifted = self.session.receive(self.label, Residual).shifted
        return self._keys.decrypt_answer(shifted, length).open_locally()

    def _harmonics(self, mask: Words32, rung: Rung) -> Iterator[Ciphertexts]:
        waves = (wave(mask, k) for k in range(1, rung.harmonics + 1) for wave in (sines, cosines))
        for packed in self.packing.side_by_side(map(self.fixed.wave_integers, waves)):
            yield self._keys.encrypt(Private(self.scheme.residues(packed)))


class FeatureGradient(HiddenGradient):
    """F: any further party."""

    def __init__(
        self, session: Session, features: Private[Floats], scheme: Scheme, widths: Mapping[PartyId, int]
    ) -> None:
        super().__init__(session, features, scheme, widths)
        self._label_key = session.receive(self.label, BfvKey).key
        self._helper_key = session.receive(self.helper, BfvKey).key

    def gradient(self, theta: Floats) -> Private[Floats]:
        """F's steps: share its logits, ask both key holders."""
        session = self.session
        z = self._rounded @ theta
        rung = self._agree_range(z)
        # 1: two shares of my logits, each uniform alone
        share = _uniform_words(self.rows)
        session.send(self.helper, LogitShare(TorusWords.of(share)))
        session.send(self.label, LogitShare(TorusWords.of(to_torus(z, rung) - share)))
        # 4, 5: X' v from the helper, X' s from the label party; their difference is X' d
        label_share = session.receive(self.label, ResidualShare).share
        helper_share = session.receive(self.helper, ResidualShare).share
        helper_masks = self._ask(self.helper, self._helper_key, helper_share)
        label_masks = self._ask(self.label, self._label_key, label_share)
        opened = self._opened(self.helper, helper_masks) - self._opened(self.label, label_masks)
        return self._mean(opened)


def _headroom(z: Floats) -> Headroom:
    return Headroom(math.ceil(2 * float(np.quantile(np.abs(z), 0.999))))


def _uniform_words(count: int) -> Words32:
    return np.frombuffer(os.urandom(4 * count), dtype=np.uint32)


def _words(sealed: TorusWords, rows: int) -> Words32:
    if len(sealed) != rows:
        raise WireRefused(f"TorusWords: {len(sealed)} words instead of {rows}")
    return sealed.words()
