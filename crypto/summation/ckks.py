"""Protection "ckks": the aggregator multiplies by public weights under encryption (Cheon et al., 2017).

Words are residues modulo the prime p and travel as whole numbers in (-p/2, p/2) in the slots of CKKS, two to
a complex slot. A member of public weight w_i sends Enc(x_i + w_i^-1 m_i mod p), m_i its masks and w_i^-1 what
`factor` gives; the aggregator makes sum w_i Enc(.), in which the masks cancel modulo p. Key holders decrypt,
round to whole numbers and reduce modulo p. The rest is as in `crypto.summation.he`.

Who learns what stands in `crypto.summation.protection`. Two things are CKKS's own:
    approximations   a decrypted slot is near a whole number; the difference is the ciphertext's error, and
                     tells the secret key to whoever has the ciphertext (Li and Micciancio, EUROCRYPT 2021;
                     in 0.1 CPU s, `tests/attacks`). So no decrypted float leaves `open`: what it gives
                     is a function of the words modulo p.
    wraps            inside `open` the sum is known as an integer, not only modulo p. That tells no more:
                     given the sum modulo p, the masked words of two honest members or more are uniform
                     among those that have it, whatever the values underneath.
A total that was added as it should be is never refused. An aggregator that adds errors of its own and watches
which totals are refused would learn about the key: it is outside what is promised, as for "he".

Parameters: N = 4096, coefficient moduli of 40 + 40 + 20 bits, below the 109 that are 128-bit security at this
N in the Homomorphic Encryption Standard (2018). The last is SEAL's special modulus, which nothing uses, so
it is small; no public, evaluation or Galois key exists. Scale D = 2^32; p = 2^32 - 5, so that a mask times
a factor fits 64 bits; weights are 1 to 2^10; a sum is over 16 members at the most, so |sum| < 2^45.

Margin, at 16 members with weight 2^10 each (the worst case; `tests/crypto/summation/test_ckks.py`):
    no wrap modulo q   a coefficient is at most sqrt(2) 2^45 D = 2^77.5, whatever the words; q / 2 is 2^79
    the error          fresh errors have deviation 3.24 a coefficient, so 147 in a slot's part and
                       147 x 4 x 2^10 / D = 1.4e-4 in the sum's
    the doubles        parts of 2^42 to 2^45 through double-precision transforms in encoding and decoding
Measured over 240 such sums of uniform words (983,040 parts): distance from the exact sum 1.8e-3 in deviation,
7.8e-3 at the most. A total is refused when a part is further than 1/8 from a whole number: 70 deviations.
The least favourable words found (16 times the same vector of +-p/2, which masks never give) reach 0.047.

Wire form, as for "he": the residues of two polynomials modulo two primes of 40 bits, in NTT form, as 5 bytes
each, little-endian; a part is 81,920 bytes for 4096 words, 20 bytes a word. SEAL parses headers of our own
making alone. Adding is done on these residues: a whole number times a ciphertext is that number times each
of them, which is what SEAL's multiply_plain by a constant of scale 1 does, without its transforms.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from tenseal import sealapi

from crypto.codes import Code
from crypto.errors import Refusal
from crypto.private import Private
from crypto.seal import load, secure_context, stored
from crypto.sealed import WireRefused, Words64
from crypto.summation import ring
from crypto.summation.protection import MOST_MEMBERS, GroupKey, Protection, SealedVector

#: The largest weight: the grid to which a caller maps real weights is 1 to this.
MOST_WEIGHT = 1 << 10

_DEGREE = 4096
_COEFFICIENT_BITS = (40, 40, 20)
_PRIME = (1 << 32) - 5
_SCALE = 2.0**32
_PRIMES = 2
_RESIDUES = 2 * _PRIMES * _DEGREE  # In a ciphertext: polynomial by polynomial, prime by prime.
_BYTES = 5  # Of a residue.
_PART = _BYTES * _RESIDUES
_SEED = 64
_FURTHEST = 1 / 8
_LARGEST = MOST_MEMBERS * MOST_WEIGHT * (_PRIME // 2)

Slots = npt.NDArray[np.complex128]


class WeighedSum(Protection):
    """Sums of at most `MOST_MEMBERS` vectors, times weights of 1 to `MOST_WEIGHT`, under CKKS.

    The context it holds has no key of any kind.
    """

    name: ClassVar[str] = "ckks"
    weighs: ClassVar[bool] = True
    modulus = _PRIME
    lanes = 1
    lane_bits = 32

    def __init__(self) -> None:
        parameters = _parameters()
        self._context = secure_context(parameters, levels=False)
        self._encoder = sealapi.CKKSEncoder(self._context)
        self._level = struct.pack("<4Q", *self._context.first_parms_id())
        primes = [int(prime.value()) for prime in parameters.coeff_modulus()][:_PRIMES]
        #: The modulus of each residue of a ciphertext, row by row.
        self._moduli = np.array(primes * 2, dtype=np.uint64)[:, None]
        self._keyed: tuple[bytes, _Keyed] | None = None

    def factor(self, weight: int) -> int:
        """weight^-1 modulo p. ValueError unless the weight is 1 to `MOST_WEIGHT`."""
        _check_weight(weight)
        return pow(weight, -1, self.modulus)

    def seal(self, key: GroupKey, label: str, words: Private[Words64], *, pads: bool) -> SealedVector:
        """Encrypt the words under the group's key, with fresh randomness: `label` and `pads` play no part."""
        plain = words.open_locally()
        self._check_words(plain)
        encryptor = self._with(key).encryptor
        parts = tuple(self._encrypt(encryptor, block) for block in ring.padded(plain, _DEGREE))
        return SealedVector("ckks", len(plain), parts)

    def add(self, vectors: Sequence[SealedVector], weights: Sequence[int] | None = None) -> SealedVector:
        """sum weights[i] * vectors[i] (each weight 1 where None), ciphertext by ciphertext."""
        self._check_sum(vectors, weights)
        weights = [1] * len(vectors) if weights is None else weights
        if len(weights) != len(vectors):
            raise ValueError(f"{len(weights)} weights for {len(vectors)} vectors")
        for weight in weights:
            _check_weight(weight)
        count = vectors[0].count
        for vector in vectors:
            self.check(vector, count)
        parts = [
            self._sum([vector.parts[i] for vector in vectors], weights) for i in range(_ciphertexts(count))
        ]
        return SealedVector("ckks", count, tuple(parts))

    def open(self, key: GroupKey, label: str, total: SealedVector, count: int) -> Private[Words64]:
        """Decrypt the total, round to whole numbers, reduce modulo p.

        Raises `Refusal` when it is no weighed sum under this key: a part is too far from a whole number, or
        beyond what a sum can be.
        """
        self.check(total, count)
        words = np.empty(len(total.parts) * _DEGREE, dtype=np.uint64)
        for i, part in enumerate(total.parts):
            found = self._decrypt(key, part)
            whole = np.rint(found)
            # Written so that a NaN is refused too.
            if not (np.abs(found - whole).max() <= _FURTHEST and np.abs(whole).max() <= _LARGEST):
                raise Refusal(
                    "the opened total is no sum of sealed vectors under this key",
                    advice=_ADVICE,
                    code=Code.SUM_WRONG,
                )
            words[i * _DEGREE : (i + 1) * _DEGREE] = np.mod(whole.astype(np.int64), self.modulus)
        return Private(words[:count])

    def check(self, vector: SealedVector, count: int) -> None:
        """Raise `WireRefused` unless `vector` is a whole vector or total: sizes first, then every residue."""
        if vector.form != "ckks":
            raise WireRefused("SealedVector: of another form than ckks")
        if count < 1 or vector.count != count or len(vector.parts) != _ciphertexts(count):
            raise WireRefused(f"SealedVector: not the ciphertexts of {count} words")
        for part in vector.parts:
            if len(part) != _PART:
                raise WireRefused(f"SealedVector: a ciphertext of {len(part)} bytes instead of {_PART}")
            residues = _unpacked(part)
            if (residues >= self._moduli).any():
                raise WireRefused("SealedVector: a residue is not below its modulus")
            _check_opaque(residues)

    def furthest(self, key: GroupKey, total: SealedVector) -> float:
        """The largest distance of a decrypted part from a whole number; for tests of the margin only.

        It is a function of the errors, so it must not leave whoever holds the key.
        """
        found = [self._decrypt(key, part) for part in total.parts]
        return max(float(np.abs(each - np.rint(each)).max()) for each in found)

    def _encrypt(self, encryptor: Any, block: Words64) -> bytes:
        signed = block.astype(np.float64)
        signed[block > self.modulus // 2] -= self.modulus
        slots: Slots = signed[: _DEGREE // 2] + 1j * signed[_DEGREE // 2 :]
        plain, handle = sealapi.Plaintext(), sealapi.Ciphertext()
        self._encoder.encode(slots.tolist(), _SCALE, plain)
        encryptor.encrypt_symmetric(plain, handle)
        # SEAL compresses what it saves, so the residues are fetched one by one: half of sealing's time.
        residues = np.fromiter(map(handle.__getitem__, range(_RESIDUES)), dtype="<u8", count=_RESIDUES)
        return _packed(residues)

    def _decrypt(self, key: GroupKey, part: bytes) -> npt.NDArray[np.float64]:
        """The parts of the slots as CKKS gives them: not to be handed to anyone."""
        handle, plain = sealapi.Ciphertext(), sealapi.Plaintext()
        load(handle, self._context, stored(self._head() + _unpacked(part).tobytes()))
        self._with(key).decryptor.decrypt(handle, plain)
        slots: Slots = np.array(self._encoder.decode_complex(plain))
        return np.concatenate([slots.real, slots.imag])

    def _sum(self, parts: Sequence[bytes], weights: Sequence[int]) -> bytes:
        total = np.zeros((2 * _PRIMES, _DEGREE), dtype=np.uint64)
        for part, weight in zip(parts, weights, strict=True):
            total += _unpacked(part) * np.uint64(weight)  # Below 2^54 in all: 16 members, 2^10, 2^40.
        total %= self._moduli
        _check_opaque(total)
        return _packed(total)

    def _head(self) -> bytes:
        """What SEAL writes before the residues (ciphertext.cpp and dynarray.h of SEAL 4).

        Level, in NTT form, two polynomials, degree, two moduli, scale, correction factor; then a nested
        object: its header and how many residues follow.
        """
        fields = struct.pack("<BQQQdQ", 1, 2, _DEGREE, _PRIMES, _SCALE, 1)
        nested = stored(struct.pack("<Q", _RESIDUES) + bytes(8 * _RESIDUES))
        return self._level + fields + nested[: -8 * _RESIDUES]

    def _with(self, key: GroupKey) -> _Keyed:
        if self._keyed is None or self._keyed[0] != key.data:
            self._keyed = key.data, _Keyed(self._context, key)
        return self._keyed[1]


class _Keyed:
    """What a holder of the group key has: SEAL's secret key drawn from a generator that the key seeds.

    Only the key generator uses that generator; encryption draws from the operating system.
    """

    __slots__ = ("decryptor", "encryptor")

    def __init__(self, context: Any, key: GroupKey) -> None:
        derive = HKDF(algorithm=hashes.SHA256(), length=_SEED, salt=None, info=b"isthmus group key|ckks")
        parameters = _parameters()
        seed = list(struct.unpack("<8Q", derive.derive(key.data)))
        parameters.set_random_generator(sealapi.Blake2xbPRNGFactory(seed))
        secret = sealapi.KeyGenerator(secure_context(parameters, levels=False)).secret_key()
        self.encryptor = sealapi.Encryptor(context, secret)
        self.decryptor = sealapi.Decryptor(context, secret)

    def __repr__(self) -> str:
        return "_Keyed(...)"


_ADVICE = "Launch the round again; if it recurs, the aggregator does not add what the members sent."


def _check_weight(weight: int) -> None:
    if type(weight) is not int or not 1 <= weight <= MOST_WEIGHT:
        raise ValueError(f"a weight is a whole number from 1 to {MOST_WEIGHT}")


def _check_opaque(residues: Words64) -> None:
    """Both residues of the second polynomial: where one is zero, the words stand in the first modulo it."""
    if not residues[_PRIMES:].any(axis=1).all():
        raise WireRefused("SealedVector: transparent, so nothing is encrypted in it")


def _packed(residues: Words64) -> bytes:
    return residues.astype("<u8", copy=False).view(np.uint8).reshape(-1, 8)[:, :_BYTES].tobytes()


def _unpacked(part: bytes) -> Words64:
    """The residues of a part of the right size: a row for each polynomial and prime."""
    wide = np.zeros((_RESIDUES, 8), dtype=np.uint8)
    wide[:, :_BYTES] = np.frombuffer(part, dtype=np.uint8).reshape(-1, _BYTES)
    return wide.view("<u8").reshape(2 * _PRIMES, _DEGREE)


def _parameters() -> Any:
    parameters = sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.CKKS)
    parameters.set_poly_modulus_degree(_DEGREE)
    parameters.set_coeff_modulus(sealapi.CoeffModulus.Create(_DEGREE, list(_COEFFICIENT_BITS)))
    return parameters


def _ciphertexts(count: int) -> int:
    return -(-count // _DEGREE)
