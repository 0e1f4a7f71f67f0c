"""A ciphertext, key or sealed vector has one form; whatever else is in the bytes is found."""

from __future__ import annotations

import struct
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tenseal import sealapi

from crypto import canonical, seal
from crypto.bfv import Ciphertexts, Columns, KeyPair, PublicKey, Scheme
from crypto.histogram import EncryptedHistogram, EncryptedRows, HistogramScheme
from crypto.histogram.ring import UPLOAD_BYTES
from crypto.private import Private
from crypto.sealed import WireRefused
from crypto.summation.protection import SealedVector
from crypto.summation.schemes import protection

ROW = b"SME 9144030071526726XX balance=123456.78 "


@cache
def made() -> tuple[Scheme, KeyPair, Ciphertexts, Ciphertexts]:
    """A scheme, a key, fresh ciphertexts and answers under it."""
    scheme = Scheme()
    key = scheme.generate()
    fresh = key.encrypt(Private(scheme.uniform(9000)))
    columns = Columns(scheme, Private(np.arange(18_000).reshape(9000, 2)))
    answers, _ = scheme.inner_products(scheme.load(fresh, key.public, 9000), columns, key.public)
    return scheme, key, fresh, answers


def with_part(sealed: Ciphertexts, part: bytes) -> Ciphertexts:
    return Ciphertexts(sealed.key_id, sealed.rows, (part, *sealed.parts[1:]))


def grown(part: bytes, more: bytes) -> bytes:
    """The object with more bytes at its end, and a header that counts them."""
    return part[:8] + struct.pack("<Q", len(part) + len(more)) + part[16:] + more


def test_what_the_schemes_make_is_in_its_one_form() -> None:
    _, key, fresh, answers = made()
    for value in (fresh, answers, key.public):
        canonical.check(value)


def test_a_row_behind_a_ciphertext_is_found() -> None:
    _, key, fresh, answers = made()
    for sealed in (fresh, answers):
        for part in (sealed.parts[0] + ROW, grown(sealed.parts[0], ROW)):
            with pytest.raises(WireRefused):
                canonical.check(with_part(sealed, part))
    with pytest.raises(WireRefused):
        canonical.check(PublicKey(grown(key.public.data, ROW)))


@settings(max_examples=60, deadline=None)
@given(st.booleans(), st.integers(0, 200), st.integers(1, 255))
def test_no_byte_outside_the_coefficients_can_be_another(fresh: bool, at: int, flip: int) -> None:
    _, _, new, answers = made()
    sealed = new if fresh else answers
    part = bytearray(sealed.parts[0])
    if at >= 122:  # Coefficients from there on: only those bytes may differ.
        at = at - 200
        if at >= -64 and fresh:  # The seed, which is random too.
            return
    if at < -64 and not fresh:
        return
    part[at] ^= flip
    if at >= 0 or fresh:
        with pytest.raises(WireRefused):
            canonical.check(with_part(sealed, bytes(part)))


def test_a_coefficient_beyond_its_modulus_is_found() -> None:
    _, _, fresh, answers = made()
    for sealed in (fresh, answers):
        part = bytearray(sealed.parts[0])
        part[1000:1016] = b"\xff" * 16
        with pytest.raises(WireRefused, match="modulus"):
            canonical.check(with_part(sealed, bytes(part)))


def test_a_transparent_ciphertext_is_found() -> None:
    _, _, _, answers = made()
    part = answers.parts[0]
    inside = seal.raw_content(part)
    assert inside is not None
    half = 8 * 8192
    clear = inside[:-half] + bytes(half)  # What is "encrypted" stands in the first polynomial.
    raw = seal.stored(clear)
    framed = bytearray(part)
    for i in range(half):
        framed[len(part) - 1 - i] = 0
    for forged in (bytes(framed), raw):
        with pytest.raises(WireRefused):
            canonical.check(with_part(answers, forged))


def test_a_secret_key_or_a_context_in_the_place_of_a_key_is_found() -> None:
    scheme, _, fresh, _ = made()
    secret = seal.save(sealapi.KeyGenerator(scheme._context).secret_key())
    for data in (secret, seal.save(scheme._context.first_context_data().parms())):
        with pytest.raises(WireRefused):
            canonical.check(PublicKey(data))
        with pytest.raises(WireRefused):
            canonical.check(with_part(fresh, data))


@pytest.mark.parametrize("form", ["he", "he-seeded", "mask", "ckks"])
def test_a_sealed_vector_is_its_words_and_nothing_else(form: str) -> None:
    scheme = protection("he", seeded=True) if form == "he-seeded" else protection(form)
    words = np.arange(5000, dtype=np.uint64)
    vector = scheme.seal(scheme.generate_key(), "sum", Private(words), pads=True)
    canonical.check(vector)
    for parts in ((*vector.parts, ROW), (vector.parts[0] + ROW, *vector.parts[1:])):
        with pytest.raises(WireRefused):
            canonical.check(SealedVector(vector.form, vector.count, parts))


@pytest.mark.parametrize("prefer", ["speed", "bytes"])
def test_encrypted_rows_and_their_key_are_in_one_form(prefer: str) -> None:
    scheme = HistogramScheme(prefer)
    key = scheme.generate()
    canonical.check(key.public)
    with pytest.raises(WireRefused):
        canonical.check(EncryptedRows(bytes(16), (1,), 1, (b"\xff" * UPLOAD_BYTES,)))
    with pytest.raises(WireRefused, match="transparent"):
        canonical.check(EncryptedHistogram(bytes(16), 1, 1, (bytes(7 * 8193),)))
