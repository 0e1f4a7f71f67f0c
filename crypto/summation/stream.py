"""Pseudo-random words that two holders of one secret draw alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.sealed import Words32, Words64

#: Words drawn at a time: 256 KiB stay in the processor's cache.
BLOCK = 1 << 15

_LARGEST_MODULUS = 1 << 63
_ZEROS = bytes(8 * BLOCK)


class KeyStream:
    """AES-256 in counter mode (NIST SP 800-38A) under HKDF-SHA256 (RFC 5869) of a secret and a label.

    Each call continues where the last one ended, so two ends that ask for the same things in the same
    order get the same words. Whoever lacks the secret cannot tell them from uniform ones. A stream that
    hides something serves once: never make two with one (secret, label) for two values.
    """

    __slots__ = ("_cipher",)

    def __init__(self, secret: bytes, label: str) -> None:
        derive = HKDF(
            algorithm=hashes.SHA256(), length=32, salt=None, info=b"isthmus stream|" + label.encode()
        )
        self._cipher = Cipher(algorithms.AES(derive.derive(secret)), modes.CTR(bytes(16))).encryptor()

    def __repr__(self) -> str:
        return "KeyStream(...)"

    def words32(self, count: int) -> Words32:
        """The next `count` uniform words below 2^32: 4 bytes of the stream each, little-endian."""
        return np.frombuffer(self._bytes(4 * count), dtype="<u4")

    def words64(self, count: int) -> Words64:
        """The next `count` uniform words below 2^64: 8 bytes of the stream each, little-endian."""
        return np.frombuffer(self._bytes(8 * count), dtype="<u8")

    def residues(self, count: int, modulus: int) -> Words64:
        """The next `count` integers, uniform below `modulus` (2 to 2^63).

        Words (of 32 bits where they are enough, else of 64) are cut to the bits of `modulus` - 1; those
        that are not below it are drawn again, in order, until none is left. That is done block by block:
        one call gives what one call for each `BLOCK` of integers would.
        """
        if not 2 <= modulus <= _LARGEST_MODULUS:
            raise ValueError("residues are drawn modulo a number from 2 to 2^63")
        bits = (modulus - 1).bit_length()
        if count <= BLOCK:
            return self._below(count, bits, modulus)
        drawn = np.empty(count, dtype=np.uint64)
        for start in range(0, count, BLOCK):
            held = drawn[start : start + BLOCK]
            held[:] = self._below(len(held), bits, modulus)
        return drawn

    def units(self, count: int) -> npt.NDArray[np.float64]:
        """The next `count` multiples of 2^-53, uniform in [0, 1)."""
        drawn = np.empty(count)
        np.multiply(self.words64(count) >> np.uint64(11), 2.0**-53, out=drawn)
        return drawn

    def _bytes(self, count: int) -> bytes:
        return self._cipher.update(_ZEROS[:count] if count < len(_ZEROS) else bytes(count))

    def _below(self, count: int, bits: int, modulus: int) -> Words64:
        drawn = self._cut(count, bits)
        if modulus != 1 << bits:
            while len(bad := np.flatnonzero(drawn >= modulus)):
                drawn[bad] = self._cut(len(bad), bits)
        return drawn

    def _cut(self, count: int, bits: int) -> Words64:
        if bits <= 32:
            words = self.words32(count).astype(np.uint64)
            return words if bits == 32 else words & np.uint64((1 << bits) - 1)
        return self.words64(count) & np.uint64((1 << bits) - 1)
