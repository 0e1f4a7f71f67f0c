"""BFV sums: no failure, no key where there should be none, and one wire form."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from tenseal import sealapi

from crypto.private import Private
from crypto.seal import content, save
from crypto.sealed import WireRefused
from crypto.summation import he
from crypto.summation.he import EncryptedSum
from crypto.summation.protection import MOST_MEMBERS, GroupKey, SealedVector

KEY = GroupKey(bytes(range(32)))
PART = 2 * 4096 * 8
SEEDED_PART = 4096 * 8 + 64


@pytest.fixture(scope="module")
def scheme() -> EncryptedSum:
    return EncryptedSum()


def sealed(scheme: EncryptedSum, seed: int, count: int = 4096) -> SealedVector:
    words = np.random.default_rng(seed).integers(0, scheme.modulus, count, dtype=np.uint64)
    return scheme.seal(KEY, "x", Private(words), pads=False)


def test_the_parameters_are_those_the_security_and_the_margin_are_stated_for(scheme: EncryptedSum) -> None:
    parameters = he._parameters()
    bits = [int(modulus.value()).bit_length() for modulus in parameters.coeff_modulus()]
    assert parameters.poly_modulus_degree() == 4096 and bits == [60, 49]  # 109 bits: the bound at N = 4096.
    prime = int(parameters.coeff_modulus()[0].value())
    assert scheme.modulus.bit_length() == 50 and scheme.modulus % 8192 == 1
    worst = 21.5 * MOST_MEMBERS + 1  # A centred binomial of parameter 21 and a rounding for each vector.
    assert worst < prime / (2 * scheme.modulus) - 1


def test_a_fresh_error_is_never_larger_than_the_margin_assumes(scheme: EncryptedSum) -> None:
    """c0 + c1 s - q m / t at m = 0, by the noise budget: log2(q / t) - log2(2 |error|) bits, whole ones."""
    for seeded in (False, True):
        made = EncryptedSum(seeded=seeded)
        for seed in range(10):
            budget = made.noise_budget(KEY, made.add([sealed(made, seed)]))
            assert budget >= 10 - 1 - np.log2(22) - 1  # 4: an error of at most 22.


def test_a_full_sum_keeps_a_budget(scheme: EncryptedSum) -> None:
    total = scheme.add([sealed(scheme, seed) for seed in range(MOST_MEMBERS)])
    assert scheme.noise_budget(KEY, total) >= 1


def test_the_sum_is_what_seal_itself_adds(scheme: EncryptedSum) -> None:
    one, other = sealed(scheme, 1), sealed(scheme, 2)
    prime = np.uint64(scheme._prime)
    a, b = (np.frombuffer(vector.parts[0], dtype="<u8") for vector in (one, other))
    assert np.array_equal(np.frombuffer(scheme.add([one, other]).parts[0], dtype="<u8"), (a + b) % prime)


@pytest.mark.parametrize("seeded", [False, True])
def test_the_head_is_what_seal_writes(seeded: bool) -> None:
    """An update of SEAL that lays its objects out otherwise is found here."""
    scheme = EncryptedSum(seeded=seeded)
    encryptor = scheme._with(KEY).encryptor
    plain = sealapi.Plaintext()
    scheme._encoder.encode([1] * 4096, plain)
    inside = content(save(encryptor.encrypt_symmetric(plain)))
    assert inside is not None
    head = scheme._head(1)
    assert inside.startswith(head) and len(inside) == len(head) + 4096 * 8 + 16 + 1 + 64
    (vector,) = [sealed(scheme, 1)]
    handle = scheme._load(vector.parts[0])
    whole = content(save(handle))
    assert (
        whole is not None and whole.startswith(scheme._head(2)) and len(whole) == len(scheme._head(2)) + PART
    )


def test_two_holders_derive_one_secret_key_and_a_third_another() -> None:
    one, other = EncryptedSum(), EncryptedSum()
    vector = sealed(one, 5)
    words = np.random.default_rng(5).integers(0, one.modulus, 4096, dtype=np.uint64)
    assert np.array_equal(other.open(GroupKey(KEY.data), "x", vector, 4096).open_locally(), words)
    found = other.open(GroupKey(bytes(32)), "x", vector, 4096).open_locally()
    assert np.count_nonzero(found == words) < 5


def test_an_aggregator_holds_no_key(scheme: EncryptedSum) -> None:
    vectors = [sealed(scheme, seed) for seed in range(2)]
    aggregator = EncryptedSum()
    aggregator.add(vectors)
    assert aggregator._keyed is None
    keys = (sealapi.SecretKey, sealapi.PublicKey, sealapi.KeyGenerator, sealapi.Encryptor, sealapi.Decryptor)
    assert not any(isinstance(each, keys) for each in vars(aggregator).values())
    assert any(isinstance(each, keys) for each in (scheme._with(KEY).encryptor, scheme._with(KEY).decryptor))


@pytest.mark.parametrize("seeded", [False, True])
def test_a_vector_is_its_coefficients_and_nothing_else(seeded: bool) -> None:
    scheme = EncryptedSum(seeded=seeded)
    assert [len(part) for part in sealed(scheme, 1, 5000).parts] == [SEEDED_PART if seeded else PART] * 2


def spoilt(part: bytes, at: int, value: int) -> bytes:
    return part[: 8 * at] + struct.pack("<Q", value) + part[8 * at + 8 :]


@pytest.mark.parametrize("seeded", [False, True])
def test_malformed_parts_are_refused_wherever_they_arrive(seeded: bool) -> None:
    scheme = EncryptedSum(seeded=seeded)
    good = sealed(scheme, 1)
    (part,) = good.parts
    (other,) = sealed(EncryptedSum(seeded=not seeded), 1).parts
    q = scheme._prime
    bad = [
        (), (part, part), (b"",), (part[:-1],), (part + b"\0",), (part[8:],), (part * 2,), (other,),
        (save(sealapi.Plaintext()),), (spoilt(part, 0, q),), (spoilt(part, 4095, q + 1),),
        (spoilt(part, 100, 1 << 63),), (spoilt(part, 100, (1 << 64) - 1),),
    ]  # fmt: skip
    if not seeded:
        bad += [(spoilt(part, 8191, q),), (part[: PART // 2] + bytes(PART // 2),), (bytes(PART),)]
    for parts in bad:
        vector = SealedVector(good.form, 4096, tuple(parts))
        for act in (
            lambda v: scheme.check(v, 4096),
            lambda v: scheme.add([good, v]),
            lambda v: scheme.add([v]),
        ):
            with pytest.raises(WireRefused):
                act(vector)
        with pytest.raises(WireRefused):
            scheme.open(KEY, "x", SealedVector("he", 4096, tuple(parts) if not seeded else (part,)), 4096)
    scheme.check(SealedVector(good.form, 4096, (spoilt(part, 0, q - 1),)), 4096)  # Well formed, though wrong.


def test_a_seeded_vector_is_no_total_and_a_total_is_no_seeded_vector() -> None:
    scheme = EncryptedSum(seeded=True)
    vector = sealed(scheme, 1)
    total = scheme.add([vector])
    with pytest.raises(WireRefused, match="form"):
        scheme.open(KEY, "x", vector, 4096)
    with pytest.raises(WireRefused, match="form"):
        scheme.add([vector, total])
    with pytest.raises(WireRefused, match="form"):
        EncryptedSum().add([vector])


def test_vectors_that_cancel_are_refused_not_passed_on(scheme: EncryptedSum) -> None:
    good = sealed(scheme, 1)
    coefficients = np.frombuffer(good.parts[0], dtype="<u8")
    against = np.where(coefficients == 0, 0, np.uint64(scheme._prime) - coefficients).astype("<u8")
    opposite = SealedVector("he", 4096, (against.tobytes(),))
    scheme.check(opposite, 4096)
    with pytest.raises(WireRefused):
        scheme.add([good, opposite])


def test_a_ciphertext_that_seal_happens_to_compress_is_handled(
    scheme: EncryptedSum, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(1000))
    monkeypatch.setattr(he, "content", lambda saved: content(saved) if next(calls) % 2 else None)
    words = np.arange(4096, dtype=np.uint64)
    for each in (EncryptedSum(), EncryptedSum(seeded=True)):
        total = each.add([each.seal(KEY, "x", Private(words), pads=False) for _ in range(2)])
        assert np.array_equal(each.open(KEY, "x", total, 4096).open_locally(), 2 * words)
    assert next(calls) > 6
