"""The two forms of the scheme, block sizes, and the label party's key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt
from tenseal import sealapi

from crypto.errors import UsageError
from crypto.histogram.layout import Layout
from crypto.histogram.ring import DEGREE, UPLOAD_BYTES, Ring, answer_bytes
from crypto.histogram.transform import Integers, times
from crypto.histogram.wire import EncryptedHistogram, EncryptedRows, HistogramPublicKey
from crypto.private import Private
from crypto.seal import save
from crypto.sealed import WireRefused, Words64

Prefer = Literal["speed", "bytes"]

#: The largest primes below 2^46 and 2^41.
_MODULI = {"speed": (1 << 46) - 21, "bytes": (1 << 41) - 21}


class HistogramScheme:
    """The parameters at work, without any key: what everyone, key holder or not, can compute."""

    def __init__(self, prefer: Prefer = "speed") -> None:
        self.prefer: Prefer = prefer
        self.modulus = _MODULI[prefer]
        self.ring = _ring(self.modulus)

    def __repr__(self) -> str:
        return f"HistogramScheme({self.prefer})"

    def generate(self) -> HistogramKey:
        """A fresh key of one run, from the operating system's randomness."""
        return HistogramKey(self)

    def layout(self, block: int, histogram_rows: int) -> Layout:
        """Where the histogram rows of a node stand in its answers."""
        return Layout(block, histogram_rows, merges=self.prefer == "bytes")

    def block_rows(self, rows: int, histogram_rows: int, nodes: int) -> int:
        """Rows a block, for `rows` rows in `nodes` nodes: the fewest bytes in both directions together.

        Counts only, so that each side can compute it. The bytes form has one block size, for which its
        switching keys are made.
        """
        if self.prefer == "bytes":
            return Layout.MERGED_BLOCK
        blocks = (DEGREE // each for each in range(1, min(histogram_rows, DEGREE // Layout.LEAST_BLOCK) + 1))
        return min(blocks, key=lambda block: self.exchanged_bytes(rows, histogram_rows, nodes, block))

    def exchanged_bytes(self, rows: int, histogram_rows: int, nodes: int, block: int) -> int:
        """Bytes of the encrypted rows and of one host's encrypted histograms."""
        up = -(-rows // block) * UPLOAD_BYTES
        down = sum(answer_bytes(len(part)) for part in self.layout(block, histogram_rows).parts())
        return up + nodes * down

    def residues(self, values: Integers) -> Words64:
        """Signed integers as residues modulo t. Exact for |value| < t / 2."""
        return np.where(values < 0, values + self.modulus, values).astype(np.uint64)

    def signed(self, words: Words64) -> Integers:
        """The representatives of residues in (-t/2, t/2]."""
        values = words.astype(np.int64)
        return np.where(values > self.modulus // 2, values - self.modulus, values)


class HistogramKey:
    """The label party's key for one run. The secret key is never written or sent."""

    __slots__ = ("_decryptor", "_encryptor", "_scheme", "public")

    def __init__(self, scheme: HistogramScheme) -> None:
        ring = scheme.ring
        generator = sealapi.KeyGenerator(ring.context)
        secret = generator.secret_key()
        self._scheme = scheme
        self._encryptor = sealapi.Encryptor(ring.context, secret)
        self._decryptor = sealapi.Decryptor(ring.context, secret)
        zero = ring.upload(self._encryptor, np.zeros(DEGREE, dtype=np.uint64))
        switching = b""
        if scheme.prefer == "bytes":
            switching = save(generator.create_galois_keys(Layout.galois_elements()))
        self.public = HistogramPublicKey(zero, switching)

    def __repr__(self) -> str:
        return f"HistogramKey({self.public.key_id.hex()})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a histogram key is never serialised")

    def encrypt(self, words: Private[Words64], node_sizes: Sequence[int], block: int) -> EncryptedRows:
        """Encrypt n residues modulo t, rows grouped by node: symmetric, with a seeded second component.

        Only this key opens them. Tells the host: how many rows each node has, and which (their order).
        """
        plain = words.open_locally()
        if not len(plain) or sum(node_sizes) != len(plain) or min(node_sizes) < 0:
            raise UsageError(
                f"nodes of {sum(node_sizes)} rows together for {len(plain)} rows",
                advice="Give each node's number of rows, in the order of the rows.",
            )
        if plain.max() >= self._scheme.modulus:
            raise UsageError("a word is no residue modulo t", advice="Use Packing.pack or residues().")
        self._scheme.layout(block, 1)
        parts = tuple(self._encrypted(plain[at : at + block]) for at in range(0, len(plain), block))
        return EncryptedRows(self.public.key_id, tuple(int(size) for size in node_sizes), block, parts)

    def _encrypted(self, rows: Words64) -> bytes:
        scheme = self._scheme
        if scheme.prefer == "bytes":  # Merging multiplies by 64.
            rows = times(rows.view(np.int64), pow(Layout.MERGED, -1, scheme.modulus), scheme.modulus)
        coefficients = np.zeros(DEGREE, dtype=np.uint64)
        coefficients[: len(rows)] = rows
        return scheme.ring.upload(self._encryptor, coefficients)

    def open(
        self, reply: EncryptedHistogram, *, nodes: int, histogram_rows: int, block: int
    ) -> Private[npt.NDArray[np.uint64]]:
        """The sums modulo t, (nodes, histogram_rows). The counts and the block are those agreed on."""
        sums = np.empty((nodes, histogram_rows), dtype=np.uint64)
        for node, first, handle, positions in self._answers(reply, nodes, histogram_rows, block):
            plain = sealapi.Plaintext()
            self._decryptor.decrypt(handle, plain)
            length = plain.coeff_count()
            found = [plain.data(at) if at < length else 0 for at in positions.tolist()]
            sums[node, first : first + len(positions)] = found
        return Private(sums)

    def _answers(
        self, reply: EncryptedHistogram, nodes: int, histogram_rows: int, block: int
    ) -> Iterator[tuple[int, int, Any, Integers]]:
        """Node, first histogram row, ciphertext and positions of each answer."""
        parts = self._scheme.layout(block, histogram_rows).parts()
        if reply.key_id != self.public.key_id:
            raise WireRefused("EncryptedHistogram: under another key than this one")
        if (reply.nodes, reply.histogram_rows, len(reply.parts)) != (
            nodes,
            histogram_rows,
            nodes * len(parts),
        ):
            raise WireRefused(f"EncryptedHistogram: not {nodes} x {histogram_rows} sums")
        for node in range(nodes):
            first = 0
            for positions, data in zip(parts, reply.parts[node * len(parts) :], strict=False):
                if len(data) != answer_bytes(len(positions)):
                    raise WireRefused(f"EncryptedHistogram: an answer of {len(data)} bytes")
                yield node, first, self._scheme.ring.answer_handle(data, positions), positions
                first += len(positions)


@cache
def _ring(modulus: int) -> Ring:
    """Contexts take a tenth of a second; none holds a key."""
    return Ring(modulus)
