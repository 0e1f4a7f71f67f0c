"""What is common elsewhere, to measure against. INSECURE: for benchmarks and attack tests only.

One CKKS key pair shared by all clients, updates encrypted as they are, and the decrypted floating-point
result handed to everyone. Whoever holds the key and one upload reads it; and decrypted values that are not
rounded give the key away (Li and Micciancio, EUROCRYPT 2021). Nothing of the product imports this module.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tenseal as ts
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from tenseal import sealapi

from crypto.bfv import Scheme
from crypto.seal import load, save, secure_context
from crypto.sealed import WireRefused
from crypto.summation import ckks
from crypto.summation.ckks import WeighedSum
from crypto.summation.protection import GroupKey, SealedVector

Floats = npt.NDArray[np.float64]

_DEGREE = 8192
_COEFFICIENT_BITS = (60, 40, 40)
_SCALE = 2.0**40


class SharedKeyCkks:
    """TenSEAL's CKKS as its tutorials and other toolkits set it: public key, N = 8192, [60, 40, 40], 2^40."""

    def __init__(self) -> None:
        self._private = ts.context(ts.SCHEME_TYPE.CKKS, _DEGREE, coeff_mod_bit_sizes=list(_COEFFICIENT_BITS))
        self._private.global_scale = _SCALE
        public = self._private.serialize(save_secret_key=False, save_galois_keys=False, save_relin_keys=False)
        self._public = ts.context_from(public)

    def encrypt(self, values: Floats) -> list[bytes]:
        """What one client uploads: a serialised ciphertext for every 4096 values."""
        slots = _DEGREE // 2
        return [
            ts.ckks_vector(self._private, values[start : start + slots].tolist()).serialize()
            for start in range(0, len(values), slots)
        ]

    def add(self, uploads: Sequence[Sequence[bytes]]) -> list[bytes]:
        """What the aggregator does, with the public context."""
        totals = []
        for parts in zip(*uploads, strict=True):
            total = ts.ckks_vector_from(self._public, parts[0])
            for part in parts[1:]:
                total.add_(ts.ckks_vector_from(self._public, part))
            totals.append(total.serialize())
        return totals

    def decrypt(self, parts: Sequence[bytes]) -> Floats:
        """What a client reads, of a sum or of any client's upload."""
        return np.concatenate([ts.ckks_vector_from(self._private, part).decrypt() for part in parts])


def secret_key_as_a_public_one() -> bytes:
    """What a program sends that mistakes one for the other: a BFV secret key, in SEAL's form."""
    return save(sealapi.KeyGenerator(Scheme()._context).secret_key())


# -- what readers without a guard accept ---------------------------------------------------------------


def tenseal_accepts(row: bytes) -> dict[str, bool]:
    """What TenSEAL's own readers take: "secret key", a context with one in it; "field", a ciphertext with
    `row` (below 128 bytes) behind it as a protobuf field that nobody knows, and it opens as before."""
    context = ts.context(ts.SCHEME_TYPE.CKKS, _DEGREE // 2, coeff_mod_bit_sizes=[60, 49])
    context.global_scale = _SCALE
    received = ts.context_from(context.serialize(save_secret_key=True))
    behind = bytes([(15 << 3) | 2, len(row)]) + row
    carried = ts.ckks_vector_from(context, ts.ckks_vector(context, [1.0, 2.0]).serialize() + behind)
    opens = np.allclose(carried.decrypt(), [1.0, 2.0], atol=1e-3)
    return {"secret key": bool(received.is_private()), "field": bool(opens)}


def seal_loads(scheme: Scheme, data: bytes) -> bool:
    """Whether SEAL loads these bytes as a ciphertext, though nothing is encrypted in it."""
    handle = sealapi.Ciphertext()
    try:
        load(handle, scheme._context, data)
    except WireRefused:
        return False
    return bool(handle.is_transparent())


# -- the key from what was opened ----------------------------------------------------------------------


def ckks_secret(key: GroupKey) -> list[int]:
    """The secret key that follows from the group's, modulo the first prime, in NTT order."""
    derive = HKDF(algorithm=hashes.SHA256(), length=64, salt=None, info=b"isthmus group key|ckks")
    parameters = ckks._parameters()
    words = list(struct.unpack("<8Q", derive.derive(key.data)))
    parameters.set_random_generator(sealapi.Blake2xbPRNGFactory(words))
    secret = sealapi.KeyGenerator(secure_context(parameters, levels=False)).secret_key()
    return [int(secret.data()[i]) for i in range(parameters.poly_modulus_degree())]


def ckks_floats(scheme: WeighedSum, key: GroupKey, total: SealedVector) -> Floats:
    """What CKKS decrypts to before it is rounded: never to be shown to anybody."""
    return np.asarray(scheme._decrypt(key, total.parts[0]), dtype=np.float64)


def ckks_key_from(scheme: WeighedSum, total: SealedVector, told: Floats) -> list[int]:
    """The attack: s = (m - c0) / c1 modulo the first prime, m being the told values (N,) encoded again."""
    prime, half = int(scheme._moduli[0, 0]), len(told) // 2
    residues = ckks._unpacked(total.parts[0])
    plain: Any = sealapi.Plaintext()
    scheme._encoder.encode((told[:half] + 1j * told[half:]).tolist(), ckks._SCALE, plain)
    first, second = ([int(value) for value in residues[row]] for row in (0, 2))
    return [(int(plain[i]) - first[i]) * pow(second[i], -1, prime) % prime for i in range(len(told))]
