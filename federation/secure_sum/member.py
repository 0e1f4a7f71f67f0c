"""A member's side of a protected sum (pairwise masks: Bonawitz et al., CCS 2017; sealed under a group key).

Once a session, the first member makes the group key and sends it to the others, past the aggregator.
Each sum, by its label:
    1. Every member quantises its values, packs them, adds pairwise masks that cancel over the members and
       a fresh mask of its own, seals the words and uploads them.
    2. The aggregator adds what it cannot open, and tells every member the sum and the digests of the
       vectors in it (`federation.secure_sum.adder`).
    3. Every member finds its own vector among them and tells the others what it was told. Only when all
       were told the same does it give the others the seed of its own mask. From just before that moment
       (`before_release`) others may know the sum, even if this member never gets to open it.
    4. Every member opens the sum, takes the own masks away and has the exact integers.

Who the members are is fixed before: every greeting of the session is signed over all of them. A member that
leaves ends the session, and another attempt has fresh keys; what was uploaded in the dead one stays closed,
since nobody got the own masks. So a vector that was "lost" cannot be subtracted from a later sum.

What each role learns, if all follow the protocol:
    aggregator                 how long the vectors are; nothing about a value or a sum
    member                     the sum over all members
    aggregator with members    the sum over the other members, and of two others no single one
    members that are all but one   that one's values: inherent in a sum
In a sum with noise (`noisy_total`) each member's noise is in its integers before they are masked, so:
    aggregator                 nothing about a value or a sum, as above
    member                     the sum of all members' noisy vectors; of two members, the other's noisy vector
    members that are all but one, with the aggregator or not
                               that one's noisy vector, which has that one's whole noise: what is promised of
                               it (`federation.secure_sum.draws`) hangs on nobody else's
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

import msgpack
import numpy as np

from crypto.codes import Code
from crypto.errors import Refusal
from crypto.private import Private
from crypto.sealed import MaskSeed, Words64
from crypto.summation import ring
from crypto.summation.grid import Grid
from crypto.summation.protection import GroupKey, Protection, SealedVector
from crypto.summation.stream import KeyStream
from federation.errors import MessageRefused, PlanRefused
from federation.ids import AGGREGATOR, PartyId
from federation.message import Digest
from federation.messages.sum import Confirmed, OwnMask, SumKey, Total, Upload, vector_digest
from federation.secure_sum.draws import Draws, NoisyGrid, lanes_of, noisy_grid, within_norm
from federation.secure_sum.interface import Floats, Integers
from federation.session import Session


class SumRefused(Refusal):
    """The sum is not over what the members uploaded; no own mask was released, so it stays closed."""

    code = Code.SUM_WRONG
    advice = "Launch the round again; if it happens again, the aggregator or one of the members misbehaves."


class SecureSum:
    """One member's seat at the sums over `members` of an open session: a `Sums`.

    Raises `PlanRefused` for a sum of two, which tells each the other's part, unless `noisy` says that noise
    hides it. Not for two threads.

    `seed`: 32 bytes, this member's secret for this run. A sum that is repeated in another session, after a
    crash, is then the same integers where label and values are the same, and draws anew where they are not.
    Without one everything is fresh. The masks are fresh in every session.

    `before_release` is called with a sum's label just before others may learn that sum: write it down there.
    When it raises, this member's mask stays here and the sum stays closed.

    `pause_asked`: with a sum over all parties of the session the aggregator asked all of them to stop where
    the step ends.
    """

    def __init__(
        self,
        session: Session,
        members: tuple[PartyId, ...],
        scheme: Protection,
        *,
        noisy: bool = False,
        seed: bytes | None = None,
        before_release: Callable[[str], None] = lambda label: None,
    ) -> None:
        if session.me not in members or not set(members) <= set(session.seating.parties):
            raise ValueError("the members of a sum are parties of the session, this one among them")
        if len(members) < (2 if noisy else 3):
            raise PlanRefused(
                f"a sum over {len(members)} parties tells each of them what the others put in",
                advice="Plan three parties or more, or turn noise on.",
                code=Code.TOO_FEW_PARTIES,
            )
        self._session = session
        self._members = members
        self._scheme = scheme
        self._lanes = lanes_of(scheme, len(members))
        self._draws = Draws(seed)
        self._before_release = before_release
        self.pause_asked = False
        self._key = self._agree_key()

    @property
    def me(self) -> PartyId:
        """The member that sits here."""
        return self._session.me

    @property
    def members(self) -> tuple[PartyId, ...]:
        """All members, in the order that all of them share."""
        return self._members

    def total(self, label: str, values: Private[Floats], clip: float) -> Floats:
        """See `Sums.total`."""
        grid = Grid(clip, self._lanes.levels)
        return grid.dequantise(self._sum(label, grid.quantise(values, self._draws.rounding(label, values))))

    def noisy_total(self, label: str, values: Private[Floats], clip: float, multiplier: float) -> Floats:
        """See `Sums.noisy_total`. What it costs follows from `noise_grid(multiplier)`."""
        noisy = self.noise_grid(multiplier)
        grid = Grid(clip, noisy.levels)
        held = within_norm(values, clip)
        whole = grid.quantise(held, self._draws.rounding(label, held))
        return grid.dequantise(
            self._sum(label, noisy.add_noise(whole, self._draws.noise(label, noisy, whole)))
        )

    def noise_grid(self, multiplier: float) -> NoisyGrid:
        """The grid of a `noisy_total` of these members: what the accounting needs to know of it."""
        return noisy_grid(self._scheme, len(self._members), multiplier)

    def counts(self, label: str, values: Private[Integers], bound: int) -> Integers:
        """See `Sums.counts`. Counts beyond what a lane holds travel as two digits."""
        whole = Grid.exact(bound).quantise(values, self._draws.rounding(label, values))
        base = self._lanes.levels
        if bound <= base:
            return self._sum(label, whole)
        high, low = np.divmod(whole.open_locally(), base)
        digits = self._sum(label, Private(np.concatenate([high, low])))
        return digits[: len(high)] * base + digits[len(high) :]

    def mean(
        self,
        label: str,
        values: Private[Floats],
        clip: float,
        weight: float,
        shares: Private[Floats] | None = None,
    ) -> Floats:
        """See `Sums.mean`. `weight`: above 0, at most 1, such as this member's share of all rows."""
        if not 0 < weight <= 1:
            raise ValueError("a weight is above 0 and at most 1")
        weights = np.float64(weight) if shares is None else shares.open_locally()
        if not np.all((weights >= 0) & (weights <= 1)):
            raise ValueError("a share is from 0 to 1")
        plain = np.clip(values.open_locally(), -clip, clip)
        weighed = np.append(plain * weights, clip * weight)
        sums = self.total(label, Private(weighed), clip)
        if sums[-1] <= 0:
            raise SumRefused("the weights of the members add up to nothing")
        mean: Floats = sums[:-1] / (sums[-1] / clip)
        return mean

    # -- the protocol ------------------------------------------------------------------------------

    def _sum(self, label: str, integers: Private[Integers]) -> Integers:
        length = len(integers.open_locally())
        tag, name = _tag(self._members, label), f"sum|{self._members}|{label}"
        seed = MaskSeed(secrets.token_bytes(32))
        vector = self._sealed(name, integers, seed)
        self._session.send(AGGREGATOR, Upload(tag, self._members, vector))
        total = self._session.receive(AGGREGATOR, Total)
        self._confirm(tag, total, vector)
        self.pause_asked = self.pause_asked or total.pause
        self._before_release(label)
        seeds = self._exchange_masks(tag, seed)
        opened = self._opened(name, total.vector, vector.count, seeds)
        return self._lanes.unpack(opened, length)

    def _sealed(self, name: str, integers: Private[Integers], seed: MaskSeed) -> SealedVector:
        """Packed, masked and sealed: nobody without every mask and the key reads a word of it."""
        modulus = self._scheme.modulus
        packed = self._lanes.pack(integers.open_locally())
        packed = ring.masked(packed, modulus, plus=[_own_mask(seed, name)])
        others = frozenset(self._others())
        masked = self._session.masks.added_to(packed, name, others, modulus)
        return self._scheme.seal(self._key, name, Private(masked), pads=self.me == self._members[0])

    def _confirm(self, tag: Digest, total: Total, vector: SealedVector) -> None:
        """Raise unless this member's vector is in the total, and all members were told the same."""
        place = self._members.index(self.me)
        if total.label != tag or len(total.uploads) != len(self._members):
            raise SumRefused("the aggregator told a sum over other members, or of another step")
        if total.uploads[place] != vector_digest(vector):
            raise SumRefused("this member's vector is not in the sum that the aggregator told", party=self.me)
        packed = msgpack.packb([tag, list(total.uploads), vector_digest(total.vector), total.pause])
        seen = Digest(hashlib.sha256(packed).digest())
        self._session.send_all(self._others(), Confirmed(tag, seen))
        for member, told in self._session.gather(self._others(), Confirmed).items():
            if told != Confirmed(tag, seen):
                raise SumRefused("the aggregator told this member another sum", party=member)

    def _exchange_masks(self, tag: Digest, seed: MaskSeed) -> list[MaskSeed]:
        """Release the own mask to the members, never to the aggregator; everybody's, this one's too."""
        self._session.send_all(self._others(), OwnMask(tag, seed))
        told = self._session.gather(self._others(), OwnMask)
        for member, message in told.items():
            if message.label != tag:
                raise MessageRefused("OwnMask: of another sum", party=member)
        return [seed, *(message.seed for message in told.values())]

    def _opened(self, name: str, total: SealedVector, count: int, seeds: list[MaskSeed]) -> Words64:
        words = self._scheme.open(self._key, name, total, count).open_locally()
        own = [_own_mask(seed, name) for seed in seeds]
        return ring.masked(words, self._scheme.modulus, minus=own)

    def _agree_key(self) -> GroupKey:
        first = self._members[0]
        if self.me != first:
            return self._session.receive(first, SumKey).key
        key = self._scheme.generate_key()
        self._session.send_all(self._others(), SumKey(key))
        return key

    def _others(self) -> tuple[PartyId, ...]:
        return tuple(member for member in self._members if member != self.me)


def _own_mask(seed: MaskSeed, name: str) -> KeyStream:
    return KeyStream(seed.data, f"own mask|{name}")


def _tag(members: tuple[PartyId, ...], label: str) -> Digest:
    packed: bytes = msgpack.packb([list(members), label])
    return Digest(hashlib.sha256(packed).digest())
