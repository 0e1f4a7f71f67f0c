"""The parameters, and SEAL's objects as plain residues.

SEAL makes keys, encrypts, switches keys and decrypts. No header of SEAL's travels: an upload's ciphertext
is c0 modulo both primes, 60 bits a coefficient, and the 64-byte seed of c1; an answer's is c1 and the wanted
coefficients of c0 modulo the first prime, rounded to 56 bits. So size, level and representation are not the
sender's to choose, and SEAL parses headers of our own making alone.
"""

from __future__ import annotations

import os
import struct
from functools import cache
from typing import Any

import numpy as np
from tenseal import sealapi

from crypto.histogram.transform import Complexes, Integers, Transform, limbs, times
from crypto.histogram.words import bytes_of_56, bytes_of_60, words_of_56, words_of_60
from crypto.seal import load, save, secure_context, stored
from crypto.sealed import WireRefused, Words64
from crypto.summation.stream import KeyStream

DEGREE = 8192
_BITS = (60, 60, 60)  # The kept prime, the dropped prime, SEAL's special prime.
_HALF_60 = DEGREE * 15 // 2
_HALF_56 = DEGREE * 7
_SEED = 64
_BLAKE2XB = 1  # SEAL's prng_type of a seed.
_HEADER = 16  # SEAL's, whose byte 5 says how what follows is compressed.
_PLAIN = 0
_FOUR_BYTES = 0xA0  # Descriptor of a Zstandard frame: its size in 4 bytes, one segment, no checksum.
#: Bytes of an encrypted block.
UPLOAD_BYTES = 2 * _HALF_60 + _SEED
#: Bits by which an answer's coefficients are shortened: 60 to 56.
_ROUNDED = 4


def answer_bytes(wanted: int) -> int:
    """Bytes of an answer with `wanted` coefficients of c0."""
    return _HALF_56 + 7 * wanted


class Ring:
    """SEAL's context for a plain modulus t, and the transform. Holds no key."""

    def __init__(self, modulus: int) -> None:
        seal = sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.BFV)
        seal.set_poly_modulus_degree(DEGREE)
        seal.set_coeff_modulus(sealapi.CoeffModulus.Create(DEGREE, list(_BITS)))
        seal.set_plain_modulus(sealapi.Modulus(modulus))
        self.context = secure_context(seal)
        self.modulus = modulus
        self.kept, self.dropped = (int(prime.value()) for prime in seal.coeff_modulus()[:2])
        self.transform = Transform(DEGREE)
        self._inverse = pow(self.dropped, -1, self.kept)
        self._first = struct.pack("<4Q", *self.context.first_parms_id())
        self._last = struct.pack("<4Q", *self.context.last_parms_id())

    # -- uploads -----------------------------------------------------------------------------------

    def plaintext(self, coefficients: Words64) -> Any:
        """N residues modulo t as SEAL's polynomial."""
        handle = sealapi.Plaintext()
        inside = struct.pack("<Q", DEGREE) + coefficients.astype("<u8", copy=False).tobytes()
        load(handle, self.context, stored(struct.pack("<4QQd", 0, 0, 0, 0, DEGREE, 1.0) + stored(inside)))
        return handle

    def upload(self, encryptor: Any, coefficients: Words64) -> bytes:
        """A fresh symmetric encryption of N residues modulo t, in our own form."""
        plaintext = self.plaintext(coefficients)
        while (inside := _content(save(encryptor.encrypt_symmetric(plaintext)))) is None:
            pass  # SEAL compressed it, which is rare: another one is as good.
        start = len(_head(self._first, 2, 1))
        words = np.frombuffer(inside, dtype="<u8", count=2 * DEGREE, offset=start).reshape(2, DEGREE)
        moved = self.unbiased(coefficients, KeyStream(os.urandom(32), "histogram rounding"))
        halves = [
            bytes_of_60(((c0.astype(np.int64) + moved) % prime).astype(np.uint64))
            for c0, prime in zip(words, self.primes, strict=True)
        ]
        return b"".join(halves) + inside[-_SEED:]

    def unbiased(self, coefficients: Words64, stream: KeyStream) -> Integers:
        """What to add to SEAL's round(q m / t), -1, 0 or 1, so that it is rounded up with the probability of
        its fraction: an error of mean zero, fresh for each coefficient.

        SEAL rounds to the nearest, so rows with one number would have one error, which adds up over a bin.
        """
        t = self.modulus
        rest = times(coefficients.view(np.int64), self.kept * self.dropped % t, t)  # t times the fraction
        up = stream.residues(len(coefficients), t) < rest
        # SEAL adds (t + 1) / 2 before it divides by t.
        moved: Integers = up.astype(np.int64) - (rest >= (t - 1) // 2)
        return moved

    def frequencies(self, upload: bytes) -> Complexes:
        """The transform of an upload's 8 limbs, (8, M): component, prime, limb (high first).

        `WireRefused` when a coefficient is not below its prime.
        """
        if len(upload) != UPLOAD_BYTES:
            raise WireRefused(f"EncryptedRows: a block of {len(upload)} bytes")
        halves = [words_of_60(upload[at : at + _HALF_60]) for at in (0, _HALF_60)]
        inside = _head(self._first, 2, 1) + b"".join(half.tobytes() for half in halves)
        handle = sealapi.Ciphertext()
        load(handle, self.context, stored(inside + stored(bytes([_BLAKE2XB]) + upload[-_SEED:])))
        words = _coefficients(handle, 4).reshape(2, 2, DEGREE)
        cut = [[limbs(words[c, p], prime) for p, prime in enumerate(self.primes)] for c in range(2)]
        return self.transform.forward(self.transform.fold(np.array(cut).reshape(8, DEGREE)))

    @property
    def primes(self) -> tuple[int, int]:
        """The prime that an answer keeps and the one that it is divided by."""
        return self.kept, self.dropped

    # -- answers -----------------------------------------------------------------------------------

    def switched(self, kept: Integers, dropped: Integers) -> Words64:
        """round(x / dropped prime) modulo the kept one, of x by its centred residues modulo both."""
        return times(kept - dropped, self._inverse, self.kept)

    def encoded(self, residues: Words64) -> Words64:
        """round(x p / t) for residues x modulo t and the kept prime p."""
        t = self.modulus
        return np.array([(2 * self.kept * x + t) // (2 * t) for x in residues.tolist()], dtype=np.uint64)

    def answer(self, c1: Words64, wanted: Words64) -> bytes:
        """Both, rounded to 56 bits."""
        return bytes_of_56(_rounded(np.concatenate([c1, wanted])))

    def answer_handle(self, answer: bytes, positions: Integers) -> Any:
        """The answer as a ciphertext of SEAL whose c0 is zero at other places than `positions`."""
        words = (words_of_56(answer) << np.uint64(_ROUNDED)) % np.uint64(self.kept)
        c0 = np.zeros(DEGREE, dtype=np.uint64)
        c0[positions] = words[DEGREE:]
        if not words[:DEGREE].any():
            raise WireRefused("EncryptedHistogram: transparent, so nothing is encrypted in it")
        return self.handle(c0, words[:DEGREE])

    def handle(self, c0: Words64, c1: Words64) -> Any:
        """Two polynomials as a ciphertext of SEAL: (N,) modulo the kept prime, (2, N) modulo both."""
        primes = c0.size // DEGREE
        handle = sealapi.Ciphertext()
        inside = _head(self._last if primes == 1 else self._first, primes, 2) + c0.tobytes() + c1.tobytes()
        load(handle, self.context, stored(inside))
        return handle

    def polynomials(self, handle: Any) -> tuple[Words64, Words64]:
        """The two polynomials of a ciphertext modulo the kept prime."""
        words = _coefficients(handle, 2)
        return words[:DEGREE], words[DEGREE:]


def check_upload(upload: bytes) -> None:
    """Raise `WireRefused` unless it is one encrypted block of our form, every coefficient below its prime."""
    if len(upload) != UPLOAD_BYTES:
        raise WireRefused(f"EncryptedRows: a block of {len(upload)} bytes")
    for at, prime in zip((0, _HALF_60), _kept_and_dropped(), strict=True):
        if words_of_60(upload[at : at + _HALF_60]).max() >= prime:
            raise WireRefused("EncryptedRows: a coefficient is not below its modulus")


def check_answer(answer: bytes) -> None:
    """Raise `WireRefused` unless it is c1 and some coefficients of c0, rounded, and not transparent."""
    if not _HALF_56 < len(answer) <= 2 * _HALF_56 or len(answer) % 7:
        raise WireRefused(f"EncryptedHistogram: an answer of {len(answer)} bytes")
    if not any(answer[:_HALF_56]):
        raise WireRefused("EncryptedHistogram: transparent, so nothing is encrypted in it")


@cache
def _kept_and_dropped() -> tuple[int, int]:
    kept, dropped, _ = (int(p.value()) for p in sealapi.CoeffModulus.Create(DEGREE, list(_BITS)))
    return kept, dropped


def _rounded(residues: Words64) -> Words64:
    return (residues + np.uint64(1 << (_ROUNDED - 1))) >> np.uint64(_ROUNDED)


def _head(level: bytes, primes: int, halves: int) -> bytes:
    """What SEAL writes before the coefficients (ciphertext.cpp and dynarray.h of SEAL 4).

    Level, not in NTT form, two polynomials, degree, primes, scale, correction factor; then a nested object:
    its header and how many coefficients follow.
    """
    count = halves * primes * DEGREE
    fields = struct.pack("<BQQQdQ", 0, 2, DEGREE, primes, 1.0, 1)
    nested = stored(struct.pack("<Q", count) + bytes(8 * count))
    return level + fields + nested[: -8 * count]


def _coefficients(handle: Any, polynomials: int) -> Words64:
    """The handle's `polynomials` times N coefficients."""
    inside = _content(save(handle))
    if inside is not None:
        return np.frombuffer(inside[-8 * polynomials * DEGREE :], dtype="<u8")
    array = handle.dyn_array()
    return np.array([array.at(i) for i in range(polynomials * DEGREE)], dtype=np.uint64)


def _content(saved: bytes) -> bytes | None:
    """The content of an object of our own; None in the rare case that it was compressed.

    As `crypto.seal.content`, for objects of more than one Zstandard block (RFC 8878, 3.1.1.2: 128 kB).
    """
    if saved[5] == _PLAIN:
        return saved[_HEADER:]
    if saved[_HEADER + 4] != _FOUR_BYTES:
        return None
    at, pieces, last = _HEADER + 4 + 1 + 4, [], False
    while not last:
        header = int.from_bytes(saved[at : at + 3], "little")
        last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        if kind != 0:
            return None
        pieces.append(saved[at + 3 : at + 3 + size])
        at += 3 + size
    return b"".join(pieces)
