"""What a protected sum is: seal at each member, add where there is no key, open at the members.

Words are residues modulo `Protection.modulus`, and already masked when they come here: by pairwise masks
that cancel over the members (Bonawitz et al., CCS 2017) and by a mask of each member's own, which it
releases only when every member's vector is known to be in the sum. On top of those masks:

    he     BFV under a key of the members: the aggregator sees ciphertexts (`crypto.summation.he`)
    mask   a pad under a key of the members: the aggregator sees uniform words (`crypto.summation.pad`)
    ckks   CKKS under a key of the members: the aggregator also weighs (`crypto.summation.ckks`)

Who learns what, with members that follow the protocol and an aggregator that does not meddle:
    the aggregator         nothing about any vector or any sum, only how long they are and who sent one
    the members            the sum over all members
    aggregator + members   the sum over the other members, together and no single one (they hold the group
                           key, so only the pairwise masks of the others with each other hide)
Two members cannot hide from each other: each subtracts its own vector. A member that lies about its
vector is not found here. Integrity of what travels is the envelope's work.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from crypto.private import Private
from crypto.sealed import Sealed, Secret32, Wire, WireRefused, Words64, wire_bytes
from crypto.summation.lanes import Lanes

#: The most vectors that one sum may have.
MOST_MEMBERS = 16
#: The most words that one vector may have.
MOST_WORDS = 1 << 28

#: The forms of a sealed vector. "he-seeded" is how a member may send what becomes "he" when it is added.
FORMS = ("he", "he-seeded", "mask", "ckks")


class GroupKey(Secret32):
    """32 bytes that the data parties of one run share; each scheme derives its own key from them.

    Whoever holds it opens what is sealed, down to the masks inside. It never goes to the aggregator.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True, repr=False)
class SealedVector(Sealed):
    """`count` words modulo a scheme's modulus, one member's or the sum of several, in one of `FORMS`.

    Does not promise: anything against a holder of the group key but what the masks in the words hide; that
    the words are within bounds; that the vector is of the step it came in. `Protection.check` says whether
    it is well formed.
    """

    form: str
    count: int
    parts: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"SealedVector({self.form}, {self.count} words)"

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def to_wire(self) -> Wire:
        return [FORMS.index(self.form), self.count, list(self.parts)]

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        if not (isinstance(wire, list) and len(wire) == 3):
            raise WireRefused("SealedVector: not a form, a count of words and the parts")
        form, count, parts = wire
        if not (type(form) is int and 0 <= form < len(FORMS)):
            raise WireRefused("SealedVector: of no known form")
        if not (type(count) is int and 1 <= count <= MOST_WORDS and isinstance(parts, list)):
            raise WireRefused("SealedVector: not a form, a count of words and the parts")
        return cls(FORMS[form], count, tuple(wire_bytes(part, of=cls.__name__) for part in parts))


class Protection(ABC):
    """A way to seal, add and open vectors of words. Holds no key: each call that needs one is given it."""

    name: ClassVar[str]
    #: Words are residues modulo this; masks must cancel modulo it.
    modulus: int
    #: How a word is divided, at the most (`packing`).
    lanes: int
    lane_bits: int
    #: Whether `add` multiplies by public integer weights.
    weighs: ClassVar[bool] = False

    def packing(self, parties: int, weight_total: int | None = None) -> Lanes:
        """The lanes for a sum over `parties` members; raises ValueError when no sum of so many fits."""
        if not 1 <= parties <= MOST_MEMBERS:
            raise ValueError(f"a sum is over 1 to {MOST_MEMBERS} members")
        lanes = Lanes(self.lanes, self.lane_bits, parties, weight_total)
        if lanes.largest >= self.modulus:
            raise ValueError("the lanes do not fit the ring")
        return lanes

    def generate_key(self) -> GroupKey:
        """A fresh group key from the operating system's randomness."""
        return GroupKey(secrets.token_bytes(32))

    def factor(self, weight: int) -> int:
        """What a member of this public weight multiplies its masks by, so that they cancel after weighing."""
        if weight != 1:
            raise ValueError(f"{self.name} adds without weights")
        return 1

    @abstractmethod
    def seal(self, key: GroupKey, label: str, words: Private[Words64], *, pads: bool) -> SealedVector:
        """Seal one member's masked words. `pads` is true at exactly one member of each sum.

        `label` names the sum, once in the life of `key`; all members give the same one. ValueError when
        there is no word or one is not below the modulus.
        """

    @abstractmethod
    def add(self, vectors: Sequence[SealedVector], weights: Sequence[int] | None = None) -> SealedVector:
        """The sum of the members' vectors, without any key. Each vector is checked first.

        Raises `WireRefused` when one is malformed, and ValueError when there is none, when there are more
        than `MOST_MEMBERS`, or when there are weights and the scheme does not weigh.
        """

    @abstractmethod
    def open(self, key: GroupKey, label: str, total: SealedVector, count: int) -> Private[Words64]:
        """The `count` words of a total that `add` made, still masked by the members' own masks.

        The total of other vectors, of another label or under another key opens to words that are uniform
        to whoever lacks the masks in it. Raises `WireRefused` when it is malformed.
        """

    @abstractmethod
    def check(self, vector: SealedVector, count: int) -> None:
        """Raise `WireRefused` unless `vector` is one whole well-formed vector or total of `count` words.

        Each has one form only: what passes holds no byte that is not part of the words it carries.
        """

    def _check_words(self, words: Words64) -> None:
        if not 1 <= len(words) <= MOST_WORDS or words.max() >= self.modulus:
            raise ValueError("no words, too many, or one that is not below the modulus")

    def _check_sum(self, vectors: Sequence[SealedVector], weights: Sequence[int] | None) -> None:
        if not 1 <= len(vectors) <= MOST_MEMBERS:
            raise ValueError(f"a sum is over 1 to {MOST_MEMBERS} vectors, not {len(vectors)}")
        if weights is not None and not self.weighs:
            raise ValueError(f"{self.name} adds without weights")
