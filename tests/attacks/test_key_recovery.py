"""The group's key from published sums: whole from CKKS's decrypted floats, nothing from what is opened here.

Li and Micciancio, "On the Security of Homomorphic Encryption on Approximate Numbers" (EUROCRYPT 2021): a
ciphertext (c0, c1) decrypts to m = c0 + c1 s exactly, and a float64 result tells m to the last bit. So
whoever has the ciphertexts of the aggregate and sees the published average solves for s, and opens every
member's upload.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from tenseal import sealapi

from crypto.private import Private
from crypto.seal import secure_context
from crypto.summation import ckks
from crypto.summation.ckks import WeighedSum
from crypto.summation.protection import GroupKey, SealedVector

N = 4096
CLIENTS = 5
Floats = npt.NDArray[np.float64]


def recovered(found: list[int], truth: list[int]) -> float:
    return float(np.mean([one == other for one, other in zip(found, truth, strict=True)]))


# -- the common use: one key for all clients, float64 averages published -------------------------------


class Common:
    """FedAvg as toolkits set CKKS up: shared key, public-key encryption, scale 2^40, real slots."""

    def __init__(self) -> None:
        parameters = sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.CKKS)
        parameters.set_poly_modulus_degree(N)
        primes = sealapi.CoeffModulus.Create(N, [54, 55])
        parameters.set_coeff_modulus(primes)
        self.q, self.scale = int(primes[0].value()), 2.0**40
        context = sealapi.SEALContext(parameters, True, sealapi.SEC_LEVEL_TYPE.TC128)
        generator = sealapi.KeyGenerator(context)
        secret, public = generator.secret_key(), sealapi.PublicKey()
        generator.create_public_key(public)
        self.encoder, self.evaluator = sealapi.CKKSEncoder(context), sealapi.Evaluator(context)
        self.encryptor = sealapi.Encryptor(context, public)
        self.decryptor = sealapi.Decryptor(context, secret)
        self.truth = [int(secret.data()[i]) for i in range(N)]

    def aggregate(self, rng: np.random.Generator) -> tuple[Any, Floats]:
        """The aggregator's ciphertext of a sum of updates, and the sum as clients decrypt it."""
        total = None
        for _ in range(CLIENTS):
            plain, each = sealapi.Plaintext(), sealapi.Ciphertext()
            self.encoder.encode(rng.normal(0, 0.05, N // 2).tolist(), self.scale, plain)
            self.encryptor.encrypt(plain, each)
            if total is None:
                total = each
            else:
                self.evaluator.add_inplace(total, each)
        out = sealapi.Plaintext()
        self.decryptor.decrypt(total, out)
        return total, np.array(self.encoder.decode_double(out))


def key_from_real_slots(common: Common, totals: list[Any], published: list[Floats]) -> list[int]:
    """Two sums of N/2 real slots give s: each tells m(x) + m(1/x), that is m_i + m_(N-1-i) in NTT order."""
    q = common.q
    texts = [[int(total[i]) for i in range(2 * N)] for total in totals]
    told = []
    for values in published:
        plain = sealapi.Plaintext()
        common.encoder.encode((2 * values).tolist(), common.scale, plain)
        told.append([int(plain[i]) for i in range(N)])
    key = [0] * N
    for i in range(N // 2):
        j = N - 1 - i
        (a, b), (c, d) = ((text[N + i], text[N + j]) for text in texts)
        right = [(w[i] - text[i] - text[j]) % q for w, text in zip(told, texts, strict=True)]
        inverse = pow(a * d - b * c, -1, q)
        key[i] = (right[0] * d - b * right[1]) * inverse % q
        key[j] = (a * right[1] - c * right[0]) * inverse % q
    return key


def test_control_published_float64_averages_give_the_whole_key_away() -> None:
    common = Common()
    rng = np.random.default_rng(0)
    totals, sums = zip(*(common.aggregate(rng) for _ in range(2)), strict=True)
    averages = [each / CLIENTS for each in sums]
    key = key_from_real_slots(common, list(totals), [each * CLIENTS for each in averages])
    assert recovered(key, common.truth) == 1.0


# -- this product's CKKS: the same ciphertexts, opened rounded or not ----------------------------------


def secret_of(key: GroupKey) -> list[int]:
    """The secret key that follows from the group's, modulo the first prime, in NTT order."""
    seed = HKDF(algorithm=hashes.SHA256(), length=64, salt=None, info=b"isthmus group key|ckks").derive(
        key.data
    )
    parameters = ckks._parameters()
    parameters.set_random_generator(sealapi.Blake2xbPRNGFactory(list(struct.unpack("<8Q", seed))))
    secret = sealapi.KeyGenerator(secure_context(parameters, levels=False)).secret_key()
    return [int(secret.data()[i]) for i in range(N)]


def key_from_complex_slots(scheme: WeighedSum, total: SealedVector, published: Floats) -> list[int]:
    """s = (m - c0) / c1 modulo the first prime, m being the published values encoded again."""
    q = int(scheme._moduli[0, 0])
    residues = ckks._unpacked(total.parts[0])
    plain = sealapi.Plaintext()
    slots = published[: N // 2] + 1j * published[N // 2 :]
    scheme._encoder.encode(slots.tolist(), ckks._SCALE, plain)
    c0, c1 = ([int(value) for value in residues[row]] for row in (0, 2))
    return [(int(plain[i]) - c0[i]) * pow(c1[i], -1, q) % q for i in range(N)]


def test_what_is_opened_here_gives_nothing_of_the_key_though_the_unrounded_values_would_give_all() -> None:
    scheme, key = WeighedSum(), GroupKey(bytes(range(32)))
    rng = np.random.default_rng(1)
    # Small words: the doubles are then exact, so that nothing but the rounding stands between.
    words = [rng.integers(0, 1 << 10, N, dtype=np.uint64) for _ in range(CLIENTS)]
    total = scheme.add([scheme.seal(key, "x", Private(each), pads=False) for each in words], [1, 2, 3, 4, 5])
    opened = scheme.open(key, "x", total, N).open_locally().astype(np.float64)
    truth = secret_of(key)
    assert (
        recovered(key_from_complex_slots(scheme, total, scheme._decrypt(key, total.parts[0])), truth) == 1.0
    )
    assert recovered(key_from_complex_slots(scheme, total, opened), truth) == 0.0


def test_sums_of_masked_words_give_nothing_of_the_key_either() -> None:
    scheme, key = WeighedSum(), GroupKey(bytes(range(32)))
    rng = np.random.default_rng(2)
    words = [rng.integers(0, scheme.modulus, N, dtype=np.uint64) for _ in range(CLIENTS)]
    total = scheme.add([scheme.seal(key, "x", Private(each), pads=False) for each in words])
    whole = np.rint(scheme._decrypt(key, total.parts[0]))  # More than is opened: before it is reduced.
    assert recovered(key_from_complex_slots(scheme, total, whole), secret_of(key)) == 0.0
