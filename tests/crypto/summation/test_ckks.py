"""CKKS sums: weighed under encryption, exact after rounding, far from every limit; no float comes out."""

from __future__ import annotations

import secrets
import struct
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from tenseal import sealapi

from crypto.errors import Refusal
from crypto.masks import PairwiseMasks
from crypto.private import Private
from crypto.seal import load, stored
from crypto.sealed import WireRefused, Words64
from crypto.summation import ckks, ring
from crypto.summation.ckks import MOST_WEIGHT, WeighedSum
from crypto.summation.grid import Grid
from crypto.summation.protection import MOST_MEMBERS, GroupKey, SealedVector
from crypto.summation.schemes import protection
from crypto.summation.stream import KeyStream

KEY = GroupKey(bytes(range(32)))
PART = 2 * 2 * 4096 * 5


@pytest.fixture(scope="module")
def scheme() -> WeighedSum:
    return WeighedSum()


def uniform(seed: int, count: int = 4096) -> Words64:
    return np.random.default_rng(seed).integers(0, WeighedSum.modulus, count, dtype=np.uint64)


def sealed(scheme: WeighedSum, words: Words64) -> SealedVector:
    return scheme.seal(KEY, "x", Private(words), pads=False)


def opened(scheme: WeighedSum, total: SealedVector) -> Words64:
    return scheme.open(KEY, "x", total, total.count).open_locally()


def weighed(words: list[Words64], weights: list[int]) -> list[int]:
    total = sum(each.astype(object) * weight for each, weight in zip(words, weights, strict=True))
    return list(total % WeighedSum.modulus)


@pytest.fixture(scope="module")
def vectors(scheme: WeighedSum) -> list[SealedVector]:
    return [sealed(scheme, uniform(seed)) for seed in range(3)]


# -- parameters and margin ---------------------------------------------------------------------------


def test_the_parameters_are_those_the_security_and_the_margin_are_stated_for() -> None:
    parameters = ckks._parameters()
    primes = [int(modulus.value()) for modulus in parameters.coeff_modulus()]
    # Homomorphic Encryption Standard (2018), table 1: 109 bits in all at N = 4096 for 128 bits, ternary key.
    assert parameters.poly_modulus_degree() == 4096
    assert [prime.bit_length() for prime in primes] == [40, 40, 20] and primes[0] != primes[1]
    largest = MOST_MEMBERS * MOST_WEIGHT * (WeighedSum.modulus // 2)
    assert (
        np.sqrt(2) * largest * ckks._SCALE < primes[0] * primes[1] / 2 / 2
    )  # No wrap, with a factor to spare.
    # The error in a part of such a sum: 3.24 a coefficient, sqrt(N / 2) of it in a part, 16 times 2^10.
    assert 3.24 * np.sqrt(4096 / 2) * np.sqrt(MOST_MEMBERS) * MOST_WEIGHT / ckks._SCALE < 1.5e-4
    assert largest < 2**45  # Whole numbers of that size have eight more bits in a double.


def test_the_modulus_is_a_prime_whose_products_fit_64_bits() -> None:
    p = WeighedSum.modulus
    assert p < 1 << 32 and all(p % divisor for divisor in range(2, 65_537))


def test_the_aggregator_sums_without_overflow() -> None:
    assert MOST_MEMBERS * MOST_WEIGHT * (1 << 40) < 1 << 63


def test_the_largest_sums_open_exactly_and_far_from_one_half(scheme: WeighedSum) -> None:
    words = [uniform(seed) for seed in range(MOST_MEMBERS)]
    weights = [MOST_WEIGHT] * MOST_MEMBERS
    total = scheme.add([sealed(scheme, each) for each in words], weights)
    assert list(opened(scheme, total)) == weighed(words, weights)
    assert scheme.furthest(KEY, total) < 0.02


@pytest.mark.parametrize("kind", ["highest", "lowest", "ends"])
def test_words_that_no_mask_would_give_open_exactly_too(scheme: WeighedSum, kind: str) -> None:
    half = WeighedSum.modulus // 2
    ends = np.random.default_rng(0).choice(np.array([half, half + 1], dtype=np.uint64), 4096)
    words = {
        "highest": np.full(4096, half, np.uint64),
        "lowest": np.full(4096, half + 1, np.uint64),
        "ends": ends,
    }
    each = words[kind]
    total = scheme.add([sealed(scheme, each)] * MOST_MEMBERS, [MOST_WEIGHT] * MOST_MEMBERS)
    assert list(opened(scheme, total)) == weighed([each], [MOST_MEMBERS * MOST_WEIGHT])


@pytest.mark.parametrize("count", [1, 2047, 2049, 4096, 4097, 9000])
def test_a_weighed_sum_is_exact_whatever_its_length(scheme: WeighedSum, count: int) -> None:
    words, weights = [uniform(seed, count) for seed in range(3)], [1, 1000, 37]
    total = scheme.add([sealed(scheme, each) for each in words], weights)
    assert list(opened(scheme, total)) == weighed(words, weights)


def test_without_weights_each_counts_once(scheme: WeighedSum, vectors: list[SealedVector]) -> None:
    assert scheme.add(vectors) == scheme.add(vectors, [1, 1, 1])
    assert list(opened(scheme, scheme.add(vectors))) == weighed([uniform(s) for s in range(3)], [1, 1, 1])


# -- the protocol ------------------------------------------------------------------------------------


def test_masks_that_a_factor_readied_cancel_after_the_weighing(scheme: WeighedSum) -> None:
    names, weights = ("a", "b", "c"), (3, 1024, 1)
    shared = {frozenset(pair): secrets.token_bytes(32) for pair in combinations(names, 2)}
    own = {name: secrets.token_bytes(32) for name in names}
    lanes = scheme.packing(3, sum(weights))
    grid = Grid(1.0, lanes.levels)
    values = [np.random.default_rng(i).uniform(-1, 1, 5000) for i in range(3)]
    p = np.uint64(scheme.modulus)
    uploads = []
    for name, weight, value in zip(names, weights, values, strict=True):
        others = frozenset(names) - {name}
        secret = {other: shared[frozenset((name, other))] for other in others}
        masks = PairwiseMasks(name, secret).residues("1", others, 5000, scheme.modulus)
        masks = ring.masked(masks, scheme.modulus, plus=[KeyStream(own[name], "own")])
        words = lanes.pack(grid.quantise(Private(value), KeyStream(own[name], "round")).open_locally())
        hidden = ring.add(words, masks * np.uint64(scheme.factor(weight)) % p, scheme.modulus)
        uploads.append(sealed(scheme, hidden))
    total = scheme.add(uploads, weights)
    words = ring.masked(
        opened(scheme, total), scheme.modulus, minus=[KeyStream(seed, "own") for seed in own.values()]
    )
    mean = grid.dequantise(lanes.unpack(words, 5000)) / sum(weights)
    expected = np.average(values, axis=0, weights=weights)
    assert np.abs(mean - expected).max() < 1.0 / lanes.levels


@pytest.mark.parametrize("weight", [1, 2, 37, 1023, 1024])
def test_a_factor_is_the_inverse_of_its_weight(scheme: WeighedSum, weight: int) -> None:
    assert 0 < scheme.factor(weight) < scheme.modulus
    assert scheme.factor(weight) * weight % scheme.modulus == 1


@pytest.mark.parametrize("weight", [0, -1, 1025, 1.0, True, "1", None])
def test_what_is_no_weight_is_refused(scheme: WeighedSum, vectors: list[SealedVector], weight: Any) -> None:
    with pytest.raises(ValueError, match="weight"):
        scheme.factor(weight)
    with pytest.raises(ValueError, match="weight"):
        scheme.add(vectors, [1, weight, 1])


def test_sums_that_cannot_be_are_refused(scheme: WeighedSum, vectors: list[SealedVector]) -> None:
    for weights in ([], [1, 1], [1] * 4):
        with pytest.raises(ValueError, match="weights"):
            scheme.add(vectors, weights)
    for none_or_many in ([], vectors * 6):
        with pytest.raises(ValueError, match="vectors"):
            scheme.add(none_or_many)
    for parties, weight_total in ((17, None), (3, 2)):
        with pytest.raises(ValueError, match=r"members|weights"):
            scheme.packing(parties, weight_total)


def test_the_most_weights_still_leave_levels(scheme: WeighedSum) -> None:
    assert scheme.packing(MOST_MEMBERS, MOST_MEMBERS * MOST_WEIGHT).levels > 100_000


@pytest.mark.parametrize("words", [np.array([], np.uint64), np.array([WeighedSum.modulus], np.uint64)])
def test_words_outside_the_ring_are_not_sealed(scheme: WeighedSum, words: Words64) -> None:
    with pytest.raises(ValueError, match="modulus"):
        sealed(scheme, words)


# -- keys --------------------------------------------------------------------------------------------


def test_another_key_opens_nothing(scheme: WeighedSum, vectors: list[SealedVector]) -> None:
    with pytest.raises(Refusal, match="no sum"):
        scheme.open(GroupKey(bytes(32)), "x", vectors[0], 4096)


def test_two_holders_of_one_key_open_each_others_vectors(vectors: list[SealedVector]) -> None:
    assert np.array_equal(
        WeighedSum().open(GroupKey(KEY.data), "y", vectors[1], 4096).open_locally(), uniform(1)
    )


def test_an_aggregator_holds_no_key(scheme: WeighedSum, vectors: list[SealedVector]) -> None:
    aggregator = WeighedSum()
    aggregator.add(vectors, [1, 2, 3])
    assert aggregator._keyed is None
    keys = (sealapi.SecretKey, sealapi.PublicKey, sealapi.KeyGenerator, sealapi.Encryptor, sealapi.Decryptor)
    assert not any(isinstance(each, keys) for each in vars(aggregator).values())
    assert isinstance(scheme._with(KEY).encryptor, keys) and isinstance(scheme._with(KEY).decryptor, keys)


def test_equal_words_do_not_look_alike(scheme: WeighedSum) -> None:
    one, again, other = (sealed(each, uniform(0)).parts[0] for each in (scheme, scheme, WeighedSum()))
    halves = {part[at : at + PART // 2] for part in (one, again, other) for at in (0, PART // 2)}
    assert len(halves) == 6


# -- what is opened is rounded -----------------------------------------------------------------------


def shifted(scheme: WeighedSum, vector: SealedVector, by: float) -> SealedVector:
    """The vector with `by` added to every slot, as an aggregator can: by a plaintext."""
    handle, plain = sealapi.Ciphertext(), sealapi.Plaintext()
    load(handle, scheme._context, stored(scheme._head() + ckks._unpacked(vector.parts[0]).tobytes()))
    scheme._encoder.encode(by, ckks._SCALE, plain)
    sealapi.Evaluator(scheme._context).add_plain_inplace(handle, plain)
    residues = np.array([handle[i] for i in range(4 * 4096)], dtype="<u8")
    return SealedVector("ckks", vector.count, (ckks._packed(residues),))


def test_what_is_no_whole_number_is_refused_and_what_is_near_one_is_rounded(
    scheme: WeighedSum, vectors: list[SealedVector]
) -> None:
    near = shifted(scheme, vectors[0], 0.1)
    assert scheme.furthest(KEY, near) > 0.09  # The control: the shift arrived.
    assert np.array_equal(opened(scheme, near), uniform(0))
    for by in (0.2, 0.5, -0.3):
        with pytest.raises(Refusal, match="no sum"):
            opened(scheme, shifted(scheme, vectors[0], by))


def test_what_is_larger_than_any_sum_is_refused(scheme: WeighedSum, vectors: list[SealedVector]) -> None:
    largest = MOST_MEMBERS * MOST_WEIGHT * (scheme.modulus // 2)
    with pytest.raises(Refusal, match="no sum"):
        opened(scheme, shifted(scheme, vectors[0], 2.0 * largest))


def test_what_opens_depends_on_nothing_but_the_words(scheme: WeighedSum) -> None:
    """Two encryptions of the same words have other errors; what is handed out is equal, and whole numbers."""
    one, other = sealed(scheme, uniform(5)), sealed(scheme, uniform(5))
    errors = [scheme._decrypt(KEY, vector.parts[0]) for vector in (one, other)]
    assert not np.array_equal(*errors)
    assert np.array_equal(opened(scheme, one), opened(scheme, other))
    assert opened(scheme, one).dtype == np.uint64


# -- wire --------------------------------------------------------------------------------------------


def test_the_head_is_what_seal_writes(scheme: WeighedSum, vectors: list[SealedVector]) -> None:
    """An update of SEAL that lays its objects out otherwise is found here."""
    handle = sealapi.Ciphertext()
    noise = np.random.default_rng(0).integers(0, 1 << 39, (4, 4096), dtype=np.uint64)
    load(handle, scheme._context, stored(scheme._head() + noise.tobytes()))
    assert handle.is_ntt_form() and handle.size() == 2 and handle.scale == ckks._SCALE
    assert [handle[i] for i in range(0, 4 * 4096, 97)] == list(noise.ravel()[::97])


def test_the_sum_is_what_seal_itself_multiplies_and_adds(
    scheme: WeighedSum, vectors: list[SealedVector]
) -> None:
    evaluator = sealapi.Evaluator(scheme._context)
    total = None
    for vector, weight in zip(vectors, (3, 1024, 1), strict=True):
        handle, plain = sealapi.Ciphertext(), sealapi.Plaintext()
        load(handle, scheme._context, stored(scheme._head() + ckks._unpacked(vector.parts[0]).tobytes()))
        scheme._encoder.encode(float(weight), 1.0, plain)
        evaluator.multiply_plain_inplace(handle, plain)
        if total is None:
            total = handle
        else:
            evaluator.add_inplace(total, handle)
    residues = np.array([total[i] for i in range(4 * 4096)], dtype="<u8")
    assert scheme.add(vectors, [3, 1024, 1]).parts[0] == ckks._packed(residues)


def test_a_vector_is_its_residues_and_nothing_else(scheme: WeighedSum) -> None:
    vector = sealed(scheme, uniform(0, 5000))
    assert [len(part) for part in vector.parts] == [PART, PART]
    back = SealedVector.from_wire(vector.to_wire())
    scheme.check(back, 5000)
    assert np.array_equal(opened(scheme, back), uniform(0, 5000))


def spoilt(part: bytes, at: int, value: int) -> bytes:
    return part[: 5 * at] + struct.pack("<Q", value)[:5] + part[5 * at + 5 :]


def test_malformed_parts_are_refused_wherever_they_arrive(
    scheme: WeighedSum, vectors: list[SealedVector]
) -> None:
    good = vectors[0]
    (part,) = good.parts
    q = [int(prime[0]) for prime in scheme._moduli]
    half, row = PART // 2, PART // 4
    bad = [
        (), (part, part), (b"",), (part[:-1],), (part + b"\0",), (part[5:],), (part * 2,), (bytes(PART),),
        (spoilt(part, 0, q[0]),), (spoilt(part, 4096, q[1]),), (spoilt(part, 8192, q[0]),),
        (spoilt(part, 4 * 4096 - 1, q[1]),), (spoilt(part, 77, (1 << 40) - 1),),
        (part[:half] + bytes(half),), (part[:half] + bytes(row) + part[half + row :],),
        (part[:-row] + bytes(row),),
        protection("he").seal(KEY, "x", Private(uniform(0)), pads=False).parts,
    ]  # fmt: skip
    for parts in bad:
        vector = SealedVector("ckks", 4096, tuple(parts))
        for act in (
            lambda v: scheme.check(v, 4096),
            lambda v: scheme.add([good, v]),
            lambda v: scheme.add([v], [2]),
            lambda v: scheme.open(KEY, "x", v, 4096),
        ):
            with pytest.raises(WireRefused):
                act(vector)
    scheme.check(SealedVector("ckks", 4096, (spoilt(part, 0, q[0] - 1),)), 4096)  # Well formed, though wrong.


def test_the_wrong_count_and_the_wrong_form_are_refused(
    scheme: WeighedSum, vectors: list[SealedVector]
) -> None:
    for count in (0, 1, 4095, 4097):
        with pytest.raises(WireRefused):
            scheme.check(vectors[0], count)
    for form in ("he", "he-seeded", "mask"):
        with pytest.raises(WireRefused, match="form"):
            scheme.check(SealedVector(form, 4096, vectors[0].parts), 4096)
    with pytest.raises(WireRefused):
        scheme.add([vectors[0], sealed(scheme, uniform(0, 4095))])


def test_vectors_that_cancel_are_refused_not_passed_on(
    scheme: WeighedSum, vectors: list[SealedVector]
) -> None:
    residues = ckks._unpacked(vectors[0].parts[0])
    against = np.where(residues == 0, residues, scheme._moduli - residues)
    opposite = SealedVector("ckks", 4096, (ckks._packed(against),))
    scheme.check(opposite, 4096)
    with pytest.raises(WireRefused, match="transparent"):
        scheme.add([vectors[0], opposite], [2, 2])
