"""What leaves in a ciphertext, a key or a sealed vector is that and nothing else: checked at the exit.

`check` raises `WireRefused` unless a value has its one form: it parses, it would be written again as the
same bytes, it has the agreed parameters, size and level, and something is encrypted in it. SEAL and protobuf
ignore what they do not know in a message, which would travel; and a secret key has the header of any SEAL
object.

A fresh seeded ciphertext and most answers are stored by SEAL without compression, so their form is compared
byte by byte around the coefficients, which costs a hundredth of making them. The others are loaded and saved.
Switching keys, which SEAL writes with seeds that it does not write again, are loaded only: what a sender
hides in the compression of one such key a run, under 16 MB, is not found.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Any

import numpy as np
from tenseal import sealapi

from crypto import bfv
from crypto.histogram import EncryptedHistogram, EncryptedRows, HistogramPublicKey, HistogramScheme
from crypto.histogram import ring as histogram
from crypto.seal import load, raw_content, save, stored
from crypto.sealed import Travels, WireRefused
from crypto.summation.protection import SealedVector
from crypto.summation.schemes import protection

_SEED = 64
_DEGREE = bfv.STANDARD.degree


def check(value: Travels) -> None:
    """Raise `WireRefused` unless `value` has its one form, with nothing besides; see the module."""
    if isinstance(value, bfv.Ciphertexts):
        for part in value.parts:
            _check_ciphertext(part)
        if len(value.parts) * _DEGREE < value.rows:
            raise WireRefused("Ciphertexts: fewer than its values need")
    elif isinstance(value, bfv.PublicKey):
        _same_again(value.data, sealapi.PublicKey(), _scheme()._context, "PublicKey")
    elif isinstance(value, SealedVector):
        _adding(value.form).check(value, value.count)
    elif isinstance(value, EncryptedRows):
        for part in value.parts:
            histogram.check_upload(part)
    elif isinstance(value, EncryptedHistogram):
        for part in value.parts:
            histogram.check_answer(part)
    elif isinstance(value, HistogramPublicKey):
        histogram.check_upload(value.zero)
        if value.switching:
            load(sealapi.GaloisKeys(), _switching_context(), value.switching)


@cache
def _scheme() -> bfv.Scheme:
    return bfv.Scheme()


@cache
def _adding(form: str) -> Any:
    if form == "he-seeded":
        return protection("he", seeded=True)
    return protection(form)


@cache
def _switching_context() -> Any:
    return HistogramScheme("bytes").ring.context


def _check_ciphertext(part: bytes) -> None:
    inside = raw_content(part)
    if inside is None:  # SEAL compressed it: an answer, since fresh ones are made until they are not.
        handle = sealapi.Ciphertext()
        _same_again(part, handle, _scheme()._context, "Ciphertexts")
        if handle.size() != 2 or handle.is_ntt_form() or handle.is_transparent():
            raise WireRefused("Ciphertexts: not of the agreed size, or nothing is encrypted in it")
        if handle.parms_id() not in (_scheme()._first, _scheme()._last):
            raise WireRefused("Ciphertexts: not of the agreed level")
        return
    for layout in _layouts():
        if len(inside) == layout.size and inside.startswith(layout.head):
            layout.check(inside)
            return
    raise WireRefused("Ciphertexts: not of the agreed parameters, size and level")


class _Layout:
    """The content of a ciphertext as SEAL writes it (ciphertext.cpp of SEAL 4), with `halves` polynomials."""

    __slots__ = ("_halves", "_primes", "head", "size")

    def __init__(self, level: list[int], primes: list[int], halves: int) -> None:
        count = halves * len(primes) * _DEGREE
        fields = struct.pack("<BQQQdQ", 0, 2, _DEGREE, len(primes), 1.0, 1)
        nested = stored(struct.pack("<Q", count) + bytes(8 * count))[: -8 * count]
        self.head = struct.pack("<4Q", *level) + fields + nested
        self.size = len(self.head) + 8 * count + (len(_seed_head()) + _SEED if halves == 1 else 0)
        self._primes = np.array(primes, dtype=np.uint64)[:, None]
        self._halves = halves

    def check(self, inside: bytes) -> None:
        """Every coefficient below its prime; the second polynomial is a seed, or not zero."""
        count = self._halves * len(self._primes) * _DEGREE
        words = np.frombuffer(inside, dtype="<u8", count=count, offset=len(self.head))
        words = words.reshape(self._halves, len(self._primes), _DEGREE)
        if (words >= self._primes).any():
            raise WireRefused("Ciphertexts: a coefficient is not below its modulus")
        if self._halves == 1 and inside[-len(_seed_head()) - _SEED : -_SEED] != _seed_head():
            raise WireRefused("Ciphertexts: no seed where one is due")
        if self._halves == 2 and not words[1].any():
            raise WireRefused("Ciphertexts: transparent, so nothing is encrypted in it")


@cache
def _seed_head() -> bytes:
    """What stands before a seed: the header of a nested object, and the kind of generator (1: BLAKE2Xb)."""
    return stored(bytes([1]) + bytes(_SEED))[:-_SEED]


@cache
def _layouts() -> tuple[_Layout, ...]:
    scheme = _scheme()
    primes = scheme.primes
    return (_Layout(scheme._first, primes, 1), _Layout(scheme._last, primes[:1], 2))


def _same_again(data: bytes, made: Any, context: Any, of: str) -> None:
    load(made, context, data)
    if save(made) != data:
        raise WireRefused(f"{of}: not as SEAL writes it; something besides is in it")
