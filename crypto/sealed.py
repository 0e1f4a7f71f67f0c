"""What may leave: values that say nothing to whoever lacks the key, and values disclosed on purpose.

    Sealed      ciphertexts, masked words, blinded points: opened by a key or a mask only
    Disclosed   plain values that a protocol reveals by design; its docstring lists each one
    Entrusted   secrets that the data parties of one run share; no message takes one to the aggregator

All three travel; `Private` does not. A subclass says in its docstring what it does not promise.
"""

from __future__ import annotations

import math
import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from crypto.codes import Code
from crypto.errors import Refusal

#: What a wire form is made of.
Wire: TypeAlias = "bytes | int | list[Wire]"

Words32: TypeAlias = npt.NDArray[np.uint32]
Words64: TypeAlias = npt.NDArray[np.uint64]


class WireRefused(Refusal):
    """Bytes from outside are not the sealed value they are said to be. Nothing of them was used."""

    code = Code.CIPHERTEXT
    advice = "Check that every role runs the same version of Isthmus."


class Travels(ABC):
    """Anything a message field may hold besides public integers, names and enumerations."""

    __slots__ = ()

    @abstractmethod
    def to_wire(self) -> Wire:
        """The one wire form of this value."""

    @classmethod
    @abstractmethod
    def from_wire(cls, wire: Wire) -> Self:
        """Parse the wire form; raise `WireRefused` on anything else."""


class Sealed(Travels):
    """Says nothing about the plaintext to anyone without the key or the mask."""

    __slots__ = ()


class Disclosed(Travels):
    """A plain value that a protocol reveals by design. Its docstring says to whom, and what it tells."""

    __slots__ = ()


class Entrusted(Travels):
    """A secret that the data parties of one run share, and the aggregator never.

    It travels inside an envelope from party to party; `federation.message` refuses a message that would
    take one to the aggregator. Its `repr` shows nothing of it.
    """

    __slots__ = ()


def wire_bytes(wire: Wire, *, of: str, multiple: int = 1, exactly: int | None = None) -> bytes:
    """`wire` as bytes whose length is a multiple of `multiple` (or `exactly` given); else `WireRefused`."""
    if not isinstance(wire, bytes):
        raise WireRefused(f"{of}: the wire form is not bytes")
    if exactly is not None and len(wire) != exactly:
        raise WireRefused(f"{of}: {len(wire)} bytes instead of {exactly}")
    if len(wire) % multiple:
        raise WireRefused(f"{of}: {len(wire)} bytes is not a multiple of {multiple}")
    return wire


@dataclass(frozen=True, slots=True, repr=False)
class TorusWords(Sealed):
    """n words of Z/2^32, each masked by a uniformly random word that the recipient does not hold.

    Does not promise: anything once the mask is known, or if one mask is used for two values.
    """

    data: bytes  # 4 n bytes, little-endian

    @staticmethod
    def of(words: Words32) -> TorusWords:
        return TorusWords(words.astype("<u4", copy=False).tobytes())

    def words(self) -> Words32:
        """The n masked words, read-only."""
        return np.frombuffer(self.data, dtype="<u4")

    def __len__(self) -> int:
        return len(self.data) // 4

    def __repr__(self) -> str:
        return f"TorusWords({len(self)} words)"

    def to_wire(self) -> Wire:
        return self.data

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        return cls(wire_bytes(wire, of=cls.__name__, multiple=4))


@dataclass(frozen=True, slots=True, repr=False)
class MaskedWords(Sealed):
    """n words of Z/2^64 (or residues below 2^64), each hidden by a uniformly random mask.

    Does not promise: anything about the sum of several parties' words where masks cancel; opening that
    sum is what the protocol is for.
    """

    data: bytes  # 8 n bytes, little-endian

    @staticmethod
    def of(words: Words64) -> MaskedWords:
        return MaskedWords(words.astype("<u8", copy=False).tobytes())

    def words(self) -> Words64:
        """The n masked words, read-only."""
        return np.frombuffer(self.data, dtype="<u8")

    def __len__(self) -> int:
        return len(self.data) // 8

    def __repr__(self) -> str:
        return f"MaskedWords({len(self)} words)"

    def to_wire(self) -> Wire:
        return self.data

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        return cls(wire_bytes(wire, of=cls.__name__, multiple=8))


@dataclass(frozen=True, slots=True, repr=False)
class Secret32(Entrusted):
    """32 bytes of a secret; a subclass says whose it is and what follows from it."""

    data: bytes

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def to_wire(self) -> Wire:
        return self.data

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        return cls(wire_bytes(wire, of=cls.__name__, exactly=32))


class MaskSeed(Secret32):
    """32 bytes from which one party's own mask of one sum follows: released when the sum may be opened."""

    __slots__ = ()


class SharedSecret(Secret32):
    """32 bytes that the parties of a run have in common and the aggregator does not: a key for hashing names.

    Does not promise anything against a party: each of them has it.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True, repr=False)
class SharedKnowledge(Entrusted):
    """What every party of a run was told already, in one piece, for one that was not there: up to 256 MB.

    The sender promises that nothing in it is of one party alone: it is what was opened from sums over all of
    them, and what follows from that. Nobody but the parties may have it.
    """

    data: bytes

    def __repr__(self) -> str:
        return f"SharedKnowledge({len(self.data)} bytes)"

    def __len__(self) -> int:
        return len(self.data)

    def to_wire(self) -> Wire:
        return self.data

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        data = wire_bytes(wire, of=cls.__name__)
        if not 1 <= len(data) <= 256 << 20:
            raise WireRefused("SharedKnowledge: nothing, or more than 256 MB")
        return cls(data)


@dataclass(frozen=True, slots=True)
class DisclosedNumbers(Disclosed):
    """A few finite real numbers revealed by design, such as L-BFGS inner products summed over parties."""

    values: tuple[float, ...]

    @staticmethod
    def of(values: Sequence[float]) -> DisclosedNumbers:
        return DisclosedNumbers(tuple(float(v) for v in values))

    def to_wire(self) -> Wire:
        return struct.pack(f"<{len(self.values)}d", *self.values)

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        data = wire_bytes(wire, of=cls.__name__, multiple=8)
        values = struct.unpack(f"<{len(data) // 8}d", data)
        if not all(math.isfinite(v) for v in values):
            raise WireRefused("DisclosedNumbers: a value is not finite")
        return cls(values)


@dataclass(frozen=True, slots=True, repr=False)
class RowMarks(Disclosed):
    """One bit for each aligned row, such as "this row trains". The bits must not depend on the label."""

    rows: int
    data: bytes

    @classmethod
    def of(cls, marks: npt.NDArray[np.bool_]) -> Self:
        return cls(len(marks), np.packbits(marks).tobytes())

    def marks(self) -> npt.NDArray[np.bool_]:
        return np.unpackbits(np.frombuffer(self.data, dtype=np.uint8), count=self.rows).astype(np.bool_)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.rows} marks)"

    def to_wire(self) -> Wire:
        return [self.rows, self.data]

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        if not (isinstance(wire, list) and len(wire) == 2 and type(wire[0]) is int and wire[0] >= 0):
            raise WireRefused(f"{cls.__name__}: not a count and its bits")
        rows = wire[0]
        data = wire_bytes(wire[1], of=cls.__name__, exactly=(rows + 7) // 8)
        if rows % 8 and data[-1] & ((1 << (8 - rows % 8)) - 1):
            raise WireRefused(f"{cls.__name__}: bits are set beyond the last one")
        return cls(rows, data)


@dataclass(frozen=True, slots=True, repr=False)
class RowPositions(Disclosed):
    """Row numbers of the recipient's own table, in the order that all parties then share.

    Tells the recipient which of its rows the others have too. Tells nobody else anything.
    """

    data: bytes  # 4 n bytes, little-endian

    @staticmethod
    def of(positions: npt.NDArray[np.int64]) -> RowPositions:
        return RowPositions(positions.astype("<u4").tobytes())

    def positions(self, rows: int) -> npt.NDArray[np.int64]:
        """The n positions; `WireRefused` unless they are distinct and below `rows`."""
        found = np.frombuffer(self.data, dtype="<u4").astype(np.int64)
        if (found >= rows).any() or len(np.unique(found)) != len(found):
            raise WireRefused("RowPositions: not distinct rows of this table")
        return found

    def __len__(self) -> int:
        return len(self.data) // 4

    def __repr__(self) -> str:
        return f"RowPositions({len(self)} rows)"

    def to_wire(self) -> Wire:
        return self.data

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        return cls(wire_bytes(wire, of=cls.__name__, multiple=4))
