"""What is common elsewhere, to measure against. INSECURE: for benchmarks and attack tests only.

One CKKS key pair shared by all clients, updates encrypted as they are, and the decrypted floating-point
result handed to everyone. Whoever holds the key and one upload reads it; and decrypted values that are not
rounded give the key away (Li and Micciancio, EUROCRYPT 2021). Nothing of the product imports this module.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tenseal as ts
from tenseal import sealapi

from crypto.bfv import Scheme
from crypto.seal import save

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
