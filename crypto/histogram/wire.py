"""What travels: a key, the encrypted rows, the encrypted histograms. Each has one wire form."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from crypto.histogram.ring import DEGREE, UPLOAD_BYTES
from crypto.seal import whole_object
from crypto.sealed import Sealed, Travels, Wire, WireRefused, wire_bytes

_KEY_ID = 16


@dataclass(frozen=True, slots=True, repr=False)
class HistogramPublicKey(Travels):
    """The label party's key for re-randomising and, in the bytes form, for switching. It opens nothing."""

    zero: bytes  # A symmetric encryption of zero, in the form of an upload.
    switching: bytes  # SEAL's Galois keys; empty in the speed form.

    @property
    def key_id(self) -> bytes:
        """The first 16 bytes of the key's SHA-256: which key a ciphertext is under."""
        return hashlib.sha256(self.zero + self.switching).digest()[:_KEY_ID]

    def __repr__(self) -> str:
        return f"HistogramPublicKey({self.key_id.hex()})"

    def to_wire(self) -> Wire:
        return [self.zero, self.switching]

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        if not (isinstance(wire, list) and len(wire) == 2):
            raise WireRefused("HistogramPublicKey: not an encryption of zero and switching keys")
        zero = wire_bytes(wire[0], of=cls.__name__, exactly=UPLOAD_BYTES)
        return cls(zero, wire[1] if wire[1] == b"" else whole_object(wire[1], cls.__name__))


@dataclass(frozen=True, slots=True, repr=False)
class EncryptedRows(Sealed):
    """One residue a row under the label party's key, `block` rows to a ciphertext, nodes one after another.

    Does not promise: that the residues are what the sender says they are. A corrupt ciphertext is refused
    when it is used, not before.
    """

    key_id: bytes
    node_sizes: tuple[int, ...]
    block: int
    parts: tuple[bytes, ...]

    @property
    def rows(self) -> int:
        return sum(self.node_sizes)

    def __repr__(self) -> str:
        return f"EncryptedRows({self.rows} rows of {len(self.node_sizes)} nodes under {self.key_id.hex()})"

    def to_wire(self) -> Wire:
        return [self.key_id, list(self.node_sizes), self.block, list(self.parts)]

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        if not (isinstance(wire, list) and len(wire) == 4):
            raise WireRefused("EncryptedRows: not a key id, node sizes, a block size and the blocks")
        key_id, sizes, block, parts = wire
        if not (isinstance(sizes, list) and sizes and isinstance(parts, list) and parts):
            raise WireRefused("EncryptedRows: no nodes or no blocks")
        counts = tuple(_whole(size, 0, of=cls.__name__) for size in sizes)
        block = _whole(block, 1, DEGREE, of=cls.__name__)
        if len(parts) != -(-sum(counts) // block):
            raise WireRefused(f"EncryptedRows: {len(parts)} blocks of {block} rows for {sum(counts)} rows")
        return cls(
            wire_bytes(key_id, of=cls.__name__, exactly=_KEY_ID), counts, block, _sized(parts, UPLOAD_BYTES)
        )


@dataclass(frozen=True, slots=True, repr=False)
class EncryptedHistogram(Sealed):
    """For each node a residue for each histogram row, which the label party opens.

    Does not promise: that the sums are over the rows that the sender says they are over.
    """

    key_id: bytes
    nodes: int
    histogram_rows: int
    parts: tuple[bytes, ...]  # Node by node, as many for each.

    def __repr__(self) -> str:
        shape = f"{self.nodes} x {self.histogram_rows}"
        return f"EncryptedHistogram({shape} under {self.key_id.hex()})"

    def to_wire(self) -> Wire:
        return [self.key_id, self.nodes, self.histogram_rows, list(self.parts)]

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        if not (isinstance(wire, list) and len(wire) == 4 and isinstance(wire[3], list)):
            raise WireRefused("EncryptedHistogram: not a key id, two counts and the answers")
        key_id, nodes, histogram_rows, _ = wire
        return cls(
            wire_bytes(key_id, of=cls.__name__, exactly=_KEY_ID),
            _whole(nodes, 1, of=cls.__name__),
            _whole(histogram_rows, 1, of=cls.__name__),
            tuple(wire_bytes(part, of=cls.__name__) for part in wire[3]),
        )


def _whole(wire: Wire, least: int, most: int = 1 << 32, *, of: str) -> int:
    if type(wire) is not int or not least <= wire <= most:
        raise WireRefused(f"{of}: a count that is not between {least} and {most}")
    return wire


def _sized(parts: Sequence[Wire], size: int) -> tuple[bytes, ...]:
    return tuple(wire_bytes(part, of="EncryptedRows", exactly=size) for part in parts)
