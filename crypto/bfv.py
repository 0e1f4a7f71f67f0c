"""BFV over batched slots: exact integers modulo a prime t, through SEAL.

What the protocols need, and no more: encrypt under one's own key (symmetric, seeded: half the bytes),
multiply ciphertexts of another party by one's own plaintext, add, hide the answer and give it back.
Depth one, no rotation, no relinearisation, no Galois key. Results are exact modulo t.

Parameters (`STANDARD`): N = 8192 with coefficient moduli of 60 + 60 + 60 bits and a special modulus of
38 bits, 218 bits in all, the bound for 128-bit security at N = 8192 in the tables of the Homomorphic
Encryption Standard (2018); t is a 50-bit prime, 1 modulo 2 N.

Circuit privacy: whoever multiplies its plaintext X into a ciphertext of the key holder would show X in
the noise of the answer. So each answer gets a fresh public-key encryption of a uniform mask (its second
component hides the sum over ciphertexts under the RLWE assumption with the key holder's hint) and is
switched from 180 bits to 60. The data-dependent noise, at most 12 sqrt(N b) 3.2 * 2^49 for b <= 128
blocks but with probability under 2^-100, shrinks by 2^-120 to under 2^-55; it then moves one of the N
rounded coefficients with probability under 2^(13-55) = 2^-42 for each answer. The statistical distance
from an answer that does not depend on X's noise is therefore at most 2^-42 an answer.

Decryption: an answer keeps a noise budget of 2 bits against the largest of its 8192 noise coefficients
(about 4 sigma), that is more than 12 sigma of margin (`tests/crypto/test_bfv.py` measures it).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Self

import numpy as np
import numpy.typing as npt
from tenseal import sealapi

from crypto.private import Private
from crypto.seal import load, raw_content, save, secure_context, whole_object
from crypto.sealed import MaskedWords, Sealed, Travels, Wire, WireRefused, Words64, wire_bytes
from crypto.summation import ring

Integers = npt.NDArray[np.int64]
#: How often a ciphertext is made until SEAL writes it uncompressed.
_MOST_TRIES = 32


@dataclass(frozen=True, slots=True)
class Parameters:
    """Ring degree, bits of the coefficient moduli (the special one last), bits of the plain modulus."""

    degree: int = 8192
    coefficient_bits: tuple[int, ...] = (60, 60, 60, 38)
    plain_bits: int = 50


STANDARD = Parameters()


@dataclass(frozen=True, slots=True, repr=False)
class PublicKey(Travels):
    """A party's BFV public key. Public: it encrypts, and opens nothing."""

    data: bytes

    @property
    def key_id(self) -> bytes:
        """The first 16 bytes of the key's SHA-256: which key a ciphertext is under."""
        return hashlib.sha256(self.data).digest()[:16]

    def __repr__(self) -> str:
        return f"PublicKey({self.key_id.hex()})"

    def to_wire(self) -> Wire:
        return self.data

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        return cls(whole_object(wire, "PublicKey"))


@dataclass(frozen=True, slots=True, repr=False)
class Ciphertexts(Sealed):
    """`rows` values modulo t, N to a ciphertext, readable by the holder of the key `key_id`.

    Does not promise: that the key holder cannot read them (it can), or that they are what the sender
    says they are. A corrupt ciphertext is refused when it is opened, not before.
    """

    key_id: bytes
    rows: int
    parts: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"Ciphertexts({self.rows} values under {self.key_id.hex()})"

    def to_wire(self) -> Wire:
        return [self.key_id, self.rows, list(self.parts)]

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        if not (isinstance(wire, list) and len(wire) == 3):
            raise WireRefused("Ciphertexts: not a key id, a row count and the parts")
        key_id, rows, parts = wire
        if not (type(rows) is int and rows >= 0 and isinstance(parts, list)):
            raise WireRefused("Ciphertexts: not a key id, a row count and the parts")
        return cls(
            wire_bytes(key_id, of="Ciphertexts", exactly=16),
            rows,
            tuple(whole_object(part, "Ciphertexts") for part in parts),
        )


class Loaded:
    """Ciphertexts in working form (NTT), inside one process; made by `Scheme.load`."""

    __slots__ = ("handles", "key_id", "rows")

    def __init__(self, key_id: bytes, rows: int, handles: list[Any]) -> None:
        self.key_id = key_id
        self.rows = rows
        self.handles = handles


class Columns:
    """A party's own plaintext matrix, encoded once so that each use costs a multiplication only."""

    __slots__ = ("_encoded", "_scheme", "_values", "count", "rows")

    def __init__(self, scheme: Scheme, values: Private[Integers], cache_limit: int = 512 << 20) -> None:
        plain = values.open_locally()
        self.rows, self.count = plain.shape
        self._scheme = scheme
        self._values = values
        size = self.count * scheme.blocks(self.rows) * scheme.encoded_bytes
        self._encoded = [self._encode(j) for j in range(self.count)] if size <= cache_limit else None

    def column(self, j: int) -> list[Any]:
        """Column j, a list of encoded blocks of N rows; None where a block holds zeros only."""
        return self._encoded[j] if self._encoded is not None else self._encode(j)

    def _encode(self, j: int) -> list[Any]:
        column = self._scheme.residues(self._values.open_locally()[:, j])
        return [self._scheme.encode_ntt(block) for block in self._scheme.split(column)]

    def __repr__(self) -> str:
        return "Columns(...)"


class Scheme:
    """The parameters at work, without any key: what everyone, key holder or not, can compute."""

    def __init__(self, parameters: Parameters = STANDARD) -> None:
        seal = sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.BFV)
        seal.set_poly_modulus_degree(parameters.degree)
        seal.set_coeff_modulus(
            sealapi.CoeffModulus.Create(parameters.degree, list(parameters.coefficient_bits))
        )
        plain = sealapi.PlainModulus.Batching(parameters.degree, parameters.plain_bits)
        seal.set_plain_modulus(plain)
        self._context = secure_context(seal)
        self.parameters = parameters
        self.modulus = int(plain.value())
        self.slots = parameters.degree
        self.encoded_bytes = parameters.degree * 8 * (len(parameters.coefficient_bits) - 1)
        self._encoder = sealapi.BatchEncoder(self._context)
        self._evaluator = sealapi.Evaluator(self._context)
        #: Of a fresh ciphertext; an answer has the first alone.
        self.primes = [int(prime.value()) for prime in seal.coeff_modulus()][:-1]
        self._first = self._context.first_parms_id()
        self._last = self._context.last_parms_id()

    def generate(self) -> KeyPair:
        """A fresh key pair from the operating system's randomness."""
        return KeyPair(self)

    # -- plaintext ---------------------------------------------------------------------------------

    def blocks(self, rows: int) -> int:
        """How many ciphertexts hold `rows` values."""
        return -(-rows // self.slots)

    def residues(self, values: Integers) -> Words64:
        """Signed integers as residues modulo t. Exact for |value| < t / 2."""
        return np.where(values < 0, values + self.modulus, values).astype(np.uint64)

    def signed(self, residue: int) -> int:
        """The representative of `residue` in (-t/2, t/2]."""
        residue %= self.modulus
        return residue - self.modulus if residue > self.modulus // 2 else residue

    def split(self, residues: Words64) -> Iterable[Words64]:
        """Blocks of N slots, the last one padded with zeros."""
        return ring.padded(residues, self.slots)

    def uniform(self, count: int) -> Words64:
        """`count` uniformly random residues from the operating system (rejection sampling)."""
        mask = np.uint64((1 << self.modulus.bit_length()) - 1)
        out = np.frombuffer(os.urandom(8 * count), dtype=np.uint64) & mask
        while (bad := out >= self.modulus).any():
            out[bad] = np.frombuffer(os.urandom(8 * int(bad.sum())), dtype=np.uint64) & mask
        return out

    def piece_sums(self, block: Words64, rows: int, pieces: int) -> list[int]:
        """Sums modulo t of a block's N slots, or of each of its `pieces` when `rows` values are that many."""
        if pieces == 1:
            return [_sum(block) % self.modulus]
        return [_sum(piece) % self.modulus for piece in block[:rows].reshape(pieces, -1)]

    def encode_ntt(self, block: Words64) -> Any:
        """A block as a factor; None when it is zero, since SEAL refuses the product as transparent."""
        if not block.any():
            return None
        plain = self._encode(block)
        self._evaluator.transform_to_ntt_inplace(plain, self._first)
        return plain

    def _encode(self, block: Words64) -> Any:
        plain = sealapi.Plaintext()
        self._encoder.encode(block.tolist(), plain)
        return plain

    # -- ciphertexts of others ---------------------------------------------------------------------

    def load(
        self,
        sealed: Ciphertexts,
        key: PublicKey,
        rows: int,
        *,
        negate: bool = False,
        plus: Words64 | None = None,
    ) -> Loaded:
        """Check fresh ciphertexts of `key` holding `rows` values; give (-)them (+ plus) for products."""
        handles = []
        blocks = None if plus is None else list(self.split(plus))
        for b, part in enumerate(self._checked(sealed, key, rows)):
            handle = self._open(part, self._first)
            if negate:
                self._evaluator.negate_inplace(handle)
            if blocks is not None:
                self._evaluator.add_plain_inplace(handle, self._encode(blocks[b]))
            self._evaluator.transform_to_ntt_inplace(handle)
            handles.append(handle)
        return Loaded(key.key_id, rows, handles)

    def inner_products(
        self, loaded: Loaded, columns: Columns, key: PublicKey, pieces: int = 1
    ) -> tuple[Ciphertexts, Private[list[int]]]:
        """For each own column X_j: an answer to the key holder whose N slots sum to <X_j, v> + R_j mod t.

        Returns the answers (one ciphertext a column, every slot masked) and the R_j, which stay here.
        With `pieces` = m each column holds m vectors side by side in one block, and there is an R_j for
        each of them. The key holder learns nothing: each slot is uniform; see the module docstring for
        the noise.
        """
        if columns.rows != loaded.rows:
            raise ValueError(f"{columns.rows} rows of plaintext against {loaded.rows} of ciphertext")
        encryptor = self._public_encryptor(key)
        parts, sums = [], []
        for j in range(columns.count):
            total = self._dot(loaded.handles, columns.column(j))
            mask = self.uniform(self.slots)
            parts.append(self._answer(total, mask, encryptor))
            sums += self.piece_sums(mask, columns.rows, pieces)
        return Ciphertexts(key.key_id, self.slots * columns.count, tuple(parts)), Private(sums)

    def combine(
        self,
        terms: Sequence[Ciphertexts],
        weights: Iterable[Integers],
        plus: Words64,
        key: PublicKey,
    ) -> Ciphertexts:
        """sum_k terms[k] * weights[k] + plus, row by row, as an answer to the key holder.

        `plus` must hold a uniform share: it is what hides the result. `weights` may be a generator; one
        vector of n integers is held at a time.
        """
        rows = len(plus)
        totals: list[Any] = [None] * self.blocks(rows)
        for term, weight in zip(terms, weights, strict=True):
            parts = self._checked(term, key, rows)
            for b, block in enumerate(self.split(self.residues(weight))):
                handle = self._open(parts[b], self._first)
                self._evaluator.transform_to_ntt_inplace(handle)
                totals[b] = self._plus_product(totals[b], handle, self.encode_ntt(block))
        encryptor = self._public_encryptor(key)
        answers = [
            self._answer(total, block, encryptor)
            for total, block in zip(totals, self.split(plus), strict=True)
        ]
        return Ciphertexts(key.key_id, rows, tuple(answers))

    def _dot(self, handles: list[Any], column: list[Any]) -> Any:
        total = None
        for handle, plain in zip(handles, column, strict=True):
            total = self._plus_product(total, handle, plain)
        return total

    def _plus_product(self, total: Any, handle: Any, plain: Any) -> Any:
        """`total` + handle * plain, where None stands for zero in `total` and in `plain`."""
        if plain is None:
            return total
        product = sealapi.Ciphertext()
        self._evaluator.multiply_plain(handle, plain, product)
        if total is None:
            return product
        self._evaluator.add_inplace(total, product)
        return total

    def _answer(self, total: Any, mask: Words64, encryptor: Any) -> bytes:
        """Hide `total` (NTT form) under a fresh encryption of `mask`, then switch to the last modulus."""
        answer = sealapi.Ciphertext()
        encryptor.encrypt(self._encode(mask), answer)
        if total is not None:
            self._evaluator.transform_from_ntt_inplace(total)
            self._evaluator.add_inplace(answer, total)
        self._evaluator.mod_switch_to_inplace(answer, self._last)
        return save(answer)

    def _public_encryptor(self, key: PublicKey) -> Any:
        public = sealapi.PublicKey()
        load(public, self._context, key.data)
        return sealapi.Encryptor(self._context, public)

    def _checked(self, sealed: Ciphertexts, key: PublicKey, rows: int) -> tuple[bytes, ...]:
        if sealed.key_id != key.key_id:
            raise WireRefused("Ciphertexts: under another key than the one agreed")
        if sealed.rows != rows or len(sealed.parts) != self.blocks(rows):
            raise WireRefused(f"Ciphertexts: {sealed.rows} values instead of {rows}")
        return sealed.parts

    def _open(self, part: bytes, level: list[int]) -> Any:
        handle = sealapi.Ciphertext()
        load(handle, self._context, part)
        if handle.size() != 2 or handle.parms_id() != level or handle.is_ntt_form():
            raise WireRefused("Ciphertexts: not of the agreed size and level")
        if handle.is_transparent():
            raise WireRefused("Ciphertexts: transparent, so nothing is encrypted in it")
        return handle


class KeyPair:
    """A BFV key pair, held by one party for one run. The secret key is never written or sent."""

    __slots__ = ("_decryptor", "_scheme", "_symmetric", "public")

    def __init__(self, scheme: Scheme) -> None:
        generator = sealapi.KeyGenerator(scheme._context)
        secret = generator.secret_key()
        public = sealapi.PublicKey()
        generator.create_public_key(public)
        self._scheme = scheme
        self._symmetric = sealapi.Encryptor(scheme._context, secret)
        self._decryptor = sealapi.Decryptor(scheme._context, secret)
        self.public = PublicKey(save(public))

    def __repr__(self) -> str:
        return f"KeyPair({self.public.key_id.hex()})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key pair is never serialised")

    def encrypt(self, residues: Private[Words64]) -> Ciphertexts:
        """Encrypt n residues under this key: symmetric, with a seeded second component.

        Only this key opens them. Does not promise: integrity, or that equal values look alike or not.
        """
        values = residues.open_locally()
        parts = tuple(self._encrypt(block) for block in self._scheme.split(values))
        return Ciphertexts(self.public.key_id, len(values), parts)

    def _encrypt(self, block: Words64) -> bytes:
        """SEAL compresses few: such a one is made again, so that all have one form (`crypto.canonical`).

        Under primes of fewer than about 50 bits it compresses all; these are not among the protocols' own.
        """
        plain = self._scheme._encode(block)
        made = b""
        for _ in range(_MOST_TRIES):
            made = save(self._symmetric.encrypt_symmetric(plain))
            if raw_content(made) is not None:
                break
        return made

    def decrypt_answer(self, sealed: Ciphertexts, rows: int) -> Private[Words64]:
        """Open an answer of `Scheme.combine`: n residues, uniform where the sender added a share."""
        blocks = [self._decrypt(part) for part in self._scheme._checked(sealed, self.public, rows)]
        return Private(np.concatenate(blocks)[:rows])

    def slot_sums(self, sealed: Ciphertexts, columns: int, pieces: int = 1, rows: int = 0) -> MaskedWords:
        """Open the answers of `Scheme.inner_products`: for each column the sum of its slots mod t.

        With `pieces` > 1 an answer is for that many columns, whose vectors are `rows` values in all. The
        sums are still masked by the sender's R_j: they are uniform to this key holder and to anyone but
        the sender, so they can be sent back.
        """
        answers = -(-columns // pieces)
        sums: list[int] = []
        for part in self._scheme._checked(sealed, self.public, self._scheme.slots * answers):
            sums += self._scheme.piece_sums(self._decrypt(part), rows, pieces)
        return MaskedWords.of(np.array(sums[:columns], dtype=np.uint64))

    def noise_budget(self, part: bytes) -> int:
        """Bits of noise budget left in an answer; for tests of the parameters."""
        return int(self._decryptor.invariant_noise_budget(self._scheme._open(part, self._scheme._last)))

    def _decrypt(self, part: bytes) -> Words64:
        plain = sealapi.Plaintext()
        self._decryptor.decrypt(self._scheme._open(part, self._scheme._last), plain)
        return np.array(self._scheme._encoder.decode_uint64(plain), dtype=np.uint64)


def unmask_sums(masked: MaskedWords, masks: Private[list[int]], scheme: Scheme) -> Private[list[int]]:
    """The signed inner products <X_j, v>, from the returned sums and one's own masks R_j."""
    words = masked.words().tolist()
    mine = masks.open_locally()
    if len(words) != len(mine):
        raise WireRefused(f"MaskedWords: {len(words)} sums instead of {len(mine)}")
    return Private([scheme.signed(word - mask) for word, mask in zip(words, mine, strict=True)])


def _sum(words: Words64) -> int:
    """The exact sum of words below 2^63, without wrapping."""
    high = int((words >> np.uint64(32)).sum(dtype=np.uint64))
    low = int((words & np.uint64(0xFFFFFFFF)).sum(dtype=np.uint64))
    return (high << 32) + low
