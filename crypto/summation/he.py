"""Protection "he": the masked words inside BFV (Brakerski, CRYPTO 2012; Fan and Vercauteren, 2012).

Who learns what stands in `crypto.summation.protection`; the flow is that of "masks inside BFV": the
aggregator adds ciphertexts of words that are masked anyway, so it needs to break RLWE and learn the masks
before it reads a vector, and a member that gives it the group key gives it masked words.

Parameters: N = 4096, coefficient moduli of 60 + 49 bits, 109 in all: the bound for 128-bit security in the
tables of the Homomorphic Encryption Standard (2018). Ciphertexts live modulo the 60-bit prime q; the other
is SEAL's special modulus, which nothing here uses, and no public, evaluation or Galois key exists. t is the
largest 50-bit prime that is 1 modulo 2 N. A word is two lanes of 25 bits, a ciphertext 4096 words.

Margin: a fresh symmetric ciphertext's error is a centred binomial of parameter 21 in each coefficient, so
at most 21, and encoding by rounding q m / t adds at most 1/2. The sum of k is at most 21.5 k plus 1; it
opens correctly while that is below q / (2 t) - 1 = 511 or so. With k <= 16 it is at most 345: a sum always
opens, not just with high probability. (About 13 standard deviations of 3.24 would be 168 at k = 16.) So no
decryption fails, and no failure can tell anything about the key.

Wire form: no SEAL header travels. A vector is one part for each ciphertext, and a part is the 2 x 4096
coefficients below q, 8 bytes each, little-endian; "he-seeded" is the first 4096 of them and the 64-byte
seed of the second half (public: it stands for a uniform polynomial). So a part has one form only, size,
level and representation are not the sender's to choose, and SEAL parses headers of our own making alone.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from tenseal import sealapi

from crypto.private import Private
from crypto.seal import content, load, save, secure_context, stored
from crypto.sealed import WireRefused, Words64
from crypto.summation import ring
from crypto.summation.protection import GroupKey, Protection, SealedVector

_DEGREE = 4096
_COEFFICIENT_BITS = (60, 49)
_PLAIN_BITS = 50
_HALF = 8 * _DEGREE
_SEED = 64
_BLAKE2XB = 1  # SEAL's prng_type of a seed.
_SIZES = {"he": 2 * _HALF, "he-seeded": _HALF + _SEED}


class EncryptedSum(Protection):
    """Sums of at most `MOST_MEMBERS` vectors under BFV. The context it holds has no key of any kind."""

    name: ClassVar[str] = "he"
    lanes = 2
    lane_bits = 25

    def __init__(self, *, seeded: bool = False) -> None:
        parameters = _parameters()
        self._context = secure_context(parameters)
        self.modulus = int(parameters.plain_modulus().value())
        self._prime = int(parameters.coeff_modulus()[0].value())
        self._encoder = sealapi.BatchEncoder(self._context)
        self._evaluator = sealapi.Evaluator(self._context)
        self._level = struct.pack("<4Q", *self._context.first_parms_id())
        self._form = "he-seeded" if seeded else "he"
        self._keyed: tuple[bytes, _Keyed] | None = None

    def seal(self, key: GroupKey, label: str, words: Private[Words64], *, pads: bool) -> SealedVector:
        """Encrypt the words under the group's key, with fresh randomness: `label` and `pads` play no part."""
        plain = words.open_locally()
        self._check_words(plain)
        encryptor = self._with(key).encryptor
        parts = tuple(self._encrypt(encryptor, block) for block in ring.padded(plain, _DEGREE))
        return SealedVector(self._form, len(plain), parts)

    def add(self, vectors: Sequence[SealedVector], weights: Sequence[int] | None = None) -> SealedVector:
        """The sum, ciphertext by ciphertext (seeded vectors' second halves are made first)."""
        self._check_sum(vectors, weights)
        count = vectors[0].count
        for vector in vectors:
            self._check_form(vector, count, self._form)
        parts = tuple(self._sum([vector.parts[i] for vector in vectors]) for i in range(_ciphertexts(count)))
        return SealedVector("he", count, parts)

    def open(self, key: GroupKey, label: str, total: SealedVector, count: int) -> Private[Words64]:
        """Decrypt the total: exact integers modulo t, so nothing of the key shows in them."""
        self._check_form(total, count, "he")
        decryptor = self._with(key).decryptor
        words = np.empty(len(total.parts) * _DEGREE, dtype=np.uint64)
        plain = sealapi.Plaintext()
        for i, part in enumerate(total.parts):
            decryptor.decrypt(self._load(part), plain)
            words[i * _DEGREE : (i + 1) * _DEGREE] = self._encoder.decode_uint64(plain)
        return Private(words[:count])

    def check(self, vector: SealedVector, count: int) -> None:
        """Raise `WireRefused` unless `vector` is a whole vector of this scheme's form, or a total."""
        self._check_form(vector, count, *{self._form, "he"})

    def noise_budget(self, key: GroupKey, total: SealedVector) -> int:
        """The fewest bits of noise budget left in a ciphertext of the total; for tests of the margin."""
        decryptor = self._with(key).decryptor
        return min(int(decryptor.invariant_noise_budget(self._load(part))) for part in total.parts)

    def _encrypt(self, encryptor: Any, block: Words64) -> bytes:
        plain = sealapi.Plaintext()
        self._encoder.encode(block.tolist(), plain)
        saved = save(encryptor.encrypt_symmetric(plain))
        while (inside := content(saved)) is None:  # Compressed, which is rare: another one is as good.
            saved = save(encryptor.encrypt_symmetric(plain))
        if self._form == "he-seeded":
            start = len(self._head(1))
            return inside[start : start + _HALF] + inside[-_SEED:]
        handle = sealapi.Ciphertext()
        load(handle, self._context, saved)
        return self._coefficients(handle)

    def _sum(self, parts: list[bytes]) -> bytes:
        total = self._load(parts[0])
        for part in parts[1:]:
            try:
                self._evaluator.add_inplace(total, self._load(part))
            except RuntimeError:
                raise WireRefused("SealedVector: vectors that cancel each other") from None
        return self._coefficients(total)

    def _check_form(self, vector: SealedVector, count: int, *forms: str) -> None:
        """Sizes first, so that nothing is done with a part of another length; then every coefficient."""
        if vector.form not in forms:
            raise WireRefused(f"SealedVector: of another form than {' or '.join(forms)}")
        if count < 1 or vector.count != count or len(vector.parts) != _ciphertexts(count):
            raise WireRefused(f"SealedVector: not the ciphertexts of {count} words")
        size = _SIZES[vector.form]
        for part in vector.parts:
            if len(part) != size:
                raise WireRefused(f"SealedVector: a ciphertext of {len(part)} bytes instead of {size}")
            coefficients = np.frombuffer(part, dtype="<u8", count=len(part) // _HALF * _DEGREE)
            if coefficients.max() >= self._prime:
                raise WireRefused("SealedVector: a coefficient is not below the modulus")
            if not coefficients[_DEGREE:].any() and vector.form == "he":
                raise WireRefused("SealedVector: transparent, so nothing is encrypted in it")

    def _load(self, part: bytes) -> Any:
        """A checked part as a ciphertext of SEAL."""
        halves = len(part) // _HALF
        inside = self._head(halves) + part[: halves * _HALF]
        if halves == 1:
            inside += stored(bytes([_BLAKE2XB]) + part[-_SEED:])
        handle = sealapi.Ciphertext()
        load(handle, self._context, stored(inside))
        return handle

    def _head(self, halves: int) -> bytes:
        """What SEAL writes before the coefficients (ciphertext.cpp and dynarray.h of SEAL 4).

        Level, not in NTT form, two polynomials, degree, one modulus, scale, correction factor; then a nested
        object: its header and how many coefficients follow.
        """
        count = halves * _DEGREE
        fields = struct.pack("<BQQQdQ", 0, 2, _DEGREE, 1, 1.0, 1)
        nested = stored(struct.pack("<Q", count) + bytes(8 * count))
        return self._level + fields + nested[: -8 * count]

    def _coefficients(self, handle: Any) -> bytes:
        inside = content(save(handle))
        if inside is not None:
            return inside[-2 * _HALF :]
        array = handle.dyn_array()
        return np.array([array.at(i) for i in range(2 * _DEGREE)], dtype="<u8").tobytes()

    def _with(self, key: GroupKey) -> _Keyed:
        if self._keyed is None or self._keyed[0] != key.data:
            self._keyed = key.data, _Keyed(self._context, key)
        return self._keyed[1]


class _Keyed:
    """What a holder of the group key has: SEAL's secret key drawn from a generator that the key seeds.

    Only the key generator uses that generator. Encryption draws from the operating system, through the
    scheme's own context; so equal words never look alike, at one member or at two.
    """

    __slots__ = ("decryptor", "encryptor")

    def __init__(self, context: Any, key: GroupKey) -> None:
        derive = HKDF(algorithm=hashes.SHA256(), length=_SEED, salt=None, info=b"isthmus group key|he")
        parameters = _parameters()
        seed = list(struct.unpack("<8Q", derive.derive(key.data)))
        parameters.set_random_generator(sealapi.Blake2xbPRNGFactory(seed))
        secret = sealapi.KeyGenerator(secure_context(parameters)).secret_key()
        self.encryptor = sealapi.Encryptor(context, secret)
        self.decryptor = sealapi.Decryptor(context, secret)

    def __repr__(self) -> str:
        return "_Keyed(...)"


def _parameters() -> Any:
    parameters = sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.BFV)
    parameters.set_poly_modulus_degree(_DEGREE)
    parameters.set_coeff_modulus(sealapi.CoeffModulus.Create(_DEGREE, list(_COEFFICIENT_BITS)))
    parameters.set_plain_modulus(sealapi.PlainModulus.Batching(_DEGREE, _PLAIN_BITS))
    return parameters


def _ciphertexts(count: int) -> int:
    return -(-count // _DEGREE)
