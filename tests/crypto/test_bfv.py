"""BFV: exact, within its margins, silent about the plaintext that was multiplied in, hard to crash."""

from __future__ import annotations

import copy
import io
import pickle
import struct
from contextlib import suppress

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from crypto.bfv import (
    STANDARD,
    Ciphertexts,
    Columns,
    KeyPair,
    Parameters,
    PublicKey,
    Scheme,
    unmask_sums,
)
from crypto.private import Private
from crypto.sealed import MaskedWords, WireRefused, Words64

Integers = npt.NDArray[np.int64]
SLOTS = STANDARD.degree


@pytest.fixture(scope="module")
def scheme() -> Scheme:
    return Scheme()


@pytest.fixture(scope="module")
def keys(scheme: Scheme) -> KeyPair:
    return scheme.generate()


@pytest.fixture(scope="module")
def upload(scheme: Scheme, keys: KeyPair) -> Ciphertexts:
    return keys.encrypt(Private(scheme.uniform(SLOTS)))


@pytest.fixture(scope="module")
def answer(scheme: Scheme, keys: KeyPair, upload: Ciphertexts) -> Ciphertexts:
    return products(scheme, keys, upload, np.arange(SLOTS, dtype=np.int64)[:, None])[0]


def products(
    scheme: Scheme, keys: KeyPair, sealed: Ciphertexts, columns: Integers
) -> tuple[Ciphertexts, Private[list[int]]]:
    loaded = scheme.load(sealed, keys.public, len(columns))
    return scheme.inner_products(loaded, Columns(scheme, Private(columns)), keys.public)


def opened(scheme: Scheme, keys: KeyPair, answers: Ciphertexts, masks: Private[list[int]]) -> list[int]:
    sums = keys.slot_sums(answers, len(answers.parts))
    return unmask_sums(sums, masks, scheme).open_locally()


def with_parts(sealed: Ciphertexts, *parts: bytes) -> Ciphertexts:
    return Ciphertexts(sealed.key_id, sealed.rows, parts)


# -- parameters --------------------------------------------------------------------------------------


def test_the_parameters_are_at_128_bits_and_not_above_the_standards_bound() -> None:
    # Homomorphic Encryption Standard (2018), table 1: 218 bits in all at N = 8192 for 128 bits, ternary key.
    assert STANDARD.degree == 8192 and sum(STANDARD.coefficient_bits) <= 218


@pytest.mark.parametrize(
    "weak",
    [Parameters(8192, (60, 60, 60, 60), 50), Parameters(4096, (60, 60), 40), Parameters(1024, (40,), 20)],
)
def test_parameters_below_128_bits_do_not_make_a_scheme(weak: Parameters) -> None:
    with pytest.raises(ValueError, match=r"parameters|security|modulus"):
        Scheme(weak)


def test_the_plain_modulus_is_a_prime_of_50_bits_that_batches(scheme: Scheme) -> None:
    t = scheme.modulus
    assert t.bit_length() == 50 and t % (2 * SLOTS) == 1
    assert all(pow(base, t - 1, t) == 1 for base in (2, 3, 5, 7, 11))


# -- exactness ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 100, SLOTS, SLOTS + 1, 2 * SLOTS + 77])
def test_inner_products_are_exact_at_the_limits_of_the_fixed_point(
    scheme: Scheme, keys: KeyPair, rows: int
) -> None:
    rng = np.random.default_rng(rows)
    values = scheme.uniform(rows)
    limit = scheme.modulus // 2
    columns = np.column_stack(
        [
            rng.integers(-limit, limit, rows),
            np.full(rows, limit),
            np.full(rows, -limit),
            rng.integers(-3, 4, rows),
        ]
    ).astype(np.int64)
    answers, masks = products(scheme, keys, keys.encrypt(Private(values)), columns)
    exact = [sum(int(x) * int(v) for x, v in zip(column, values, strict=True)) for column in columns.T]
    assert opened(scheme, keys, answers, masks) == [scheme.signed(value) for value in exact]


def test_a_sum_near_half_the_modulus_keeps_its_sign(scheme: Scheme, keys: KeyPair) -> None:
    half = scheme.modulus // 2
    for total in (half, -half, half - 1, 1 - half, 0):
        column = np.zeros((SLOTS, 1), dtype=np.int64)
        column[0], column[-1] = 1, total - 1
        ones = keys.encrypt(Private(np.ones(SLOTS, dtype=np.uint64)))
        assert opened(scheme, keys, *products(scheme, keys, ones, column)) == [total]


def test_minus_a_ciphertext_plus_a_share_is_exact(scheme: Scheme, keys: KeyPair) -> None:
    rows = SLOTS + 5
    sealed, plus = scheme.uniform(rows), scheme.uniform(rows)
    columns = np.random.default_rng(0).integers(-1000, 1000, (rows, 2))
    loaded = scheme.load(keys.encrypt(Private(sealed)), keys.public, rows, negate=True, plus=plus)
    found = opened(
        scheme, keys, *scheme.inner_products(loaded, Columns(scheme, Private(columns)), keys.public)
    )
    difference = plus.astype(object) - sealed.astype(object)
    assert found == [scheme.signed(int(total)) for total in columns.astype(object).T @ difference]


@pytest.mark.parametrize("rows", [3, SLOTS, SLOTS + 1])
def test_combine_is_exact_row_by_row(scheme: Scheme, keys: KeyPair, rows: int) -> None:
    rng = np.random.default_rng(rows)
    terms = [scheme.uniform(rows) for _ in range(6)]
    limit = scheme.modulus // 2
    weights = [rng.integers(-limit, limit, rows) for _ in terms]
    plus = scheme.uniform(rows)
    sealed = [keys.encrypt(Private(term)) for term in terms]
    found = keys.decrypt_answer(scheme.combine(sealed, iter(weights), plus, keys.public), rows)
    exact = plus.astype(object)
    for term, weight in zip(terms, weights, strict=True):
        exact = exact + term.astype(object) * weight.astype(object)
    assert (found.open_locally().astype(object) == exact % scheme.modulus).all()


def test_factors_that_are_all_zero_in_a_block_are_no_hindrance(scheme: Scheme, keys: KeyPair) -> None:
    # The last block of few rows, or a harmonic whose coefficient rounds to zero: SEAL calls it transparent.
    rows = SLOTS + 1
    values, plus = scheme.uniform(rows), scheme.uniform(rows)
    sealed = keys.encrypt(Private(values))
    column = np.zeros((rows, 3), dtype=np.int64)
    column[:SLOTS, 1] = 1
    column[SLOTS, 2] = 1
    exact = [0, int(values[:SLOTS].astype(object).sum()), int(values[SLOTS])]
    found = opened(scheme, keys, *products(scheme, keys, sealed, column))
    assert found == [scheme.signed(value) for value in exact]
    weights = [np.zeros(rows, dtype=np.int64), column[:, 1]]
    combined = keys.decrypt_answer(scheme.combine([sealed, sealed], weights, plus, keys.public), rows)
    difference = (combined.open_locally().astype(object) - plus.astype(object)) % scheme.modulus
    assert (difference[:SLOTS] == values[:SLOTS].astype(object)).all() and difference[SLOTS] == 0


def test_columns_that_do_not_fit_the_cache_give_the_same_sums(
    scheme: Scheme, keys: KeyPair, upload: Ciphertexts
) -> None:
    values = np.random.default_rng(1).integers(-99, 99, (SLOTS, 3))
    loaded = scheme.load(upload, keys.public, SLOTS)
    sums = [
        opened(
            scheme,
            keys,
            *scheme.inner_products(loaded, Columns(scheme, Private(values), cache), keys.public),
        )
        for cache in (0, 512 << 20)
    ]
    assert sums[0] == sums[1]


# -- noise and circuit privacy -----------------------------------------------------------------------


def test_answers_open_with_twelve_sigma_to_spare(scheme: Scheme, keys: KeyPair) -> None:
    """A budget of b bits: the largest of the N noise coefficients is below 2^-b of what decrypts wrongly.

    The largest of 8192 Gaussian coefficients falls short of 3.4 sigma once in 200 answers, so in 40
    answers the largest is above 3.4 sigma but for 200^-40. With b >= 2 in all of them, wrong decryption
    begins at 4 * 3.4 sigma > 12 sigma.
    """
    rng = np.random.default_rng(5)
    blocks = 3
    values = scheme.uniform(blocks * SLOTS)
    columns = rng.integers(-scheme.modulus // 2, scheme.modulus // 2, (len(values), 40))
    answers, _ = products(scheme, keys, keys.encrypt(Private(values)), columns)
    assert min(keys.noise_budget(part) for part in answers.parts) >= 2


def test_the_largest_number_of_blocks_does_not_eat_the_margin(scheme: Scheme, keys: KeyPair) -> None:
    """A million rows are 123 blocks; the same ciphertext stands in for each (its noise adds up worst)."""
    loaded = scheme.load(keys.encrypt(Private(scheme.uniform(SLOTS))), keys.public, SLOTS)
    loaded.rows, loaded.handles = 128 * SLOTS, loaded.handles * 128
    column = np.tile(np.full((SLOTS, 1), scheme.modulus // 2), (128, 1))
    column[::2] *= -1
    answers, _ = scheme.inner_products(loaded, Columns(scheme, Private(column), 0), keys.public)
    assert keys.noise_budget(answers.parts[0]) >= 2


def test_the_noise_of_an_answer_does_not_tell_the_plaintext(
    scheme: Scheme, keys: KeyPair, upload: Ciphertexts
) -> None:
    """Zero, one everywhere (the shortest factor there is) and the largest factors: the same budgets.

    The control: before the fresh encryption and the modulus switch the budget tells them apart.
    """
    limit = scheme.modulus // 2
    kinds = {
        "zero": np.zeros(SLOTS, dtype=np.int64),
        "ones": np.ones(SLOTS, dtype=np.int64),
        "large": np.random.default_rng(2).integers(-limit, limit, SLOTS),
    }
    budgets, before = {}, {}
    for name, column in kinds.items():
        answers, _ = products(scheme, keys, upload, np.tile(column[:, None], (1, 24)))
        budgets[name] = [keys.noise_budget(part) for part in answers.parts]
        factor = scheme.encode_ntt(scheme.residues(column))
        if factor is not None:
            loaded = scheme.load(upload, keys.public, SLOTS)
            product = scheme._plus_product(None, loaded.handles[0], factor)
            scheme._evaluator.transform_from_ntt_inplace(product)
            before[name] = keys._decryptor.invariant_noise_budget(product)
    assert before["ones"] > before["large"] + 40
    means = [float(np.mean(found)) for found in budgets.values()]
    assert max(means) - min(means) <= 0.25, budgets


def test_an_answer_is_fresh_each_time_and_its_slots_are_uniform(
    scheme: Scheme, keys: KeyPair, upload: Ciphertexts
) -> None:
    column = np.zeros((SLOTS, 1), dtype=np.int64)  # Nothing of the sender's: only its mask is there.
    first, second = (products(scheme, keys, upload, column)[0] for _ in range(2))
    slots = keys._decrypt(first.parts[0])
    assert len(np.unique(slots)) > SLOTS - 3
    observed, _ = np.histogram(slots.astype(np.float64), bins=64, range=(0, scheme.modulus))
    assert ((observed - SLOTS / 64) ** 2 / (SLOTS / 64)).sum() < 63 + 6 * np.sqrt(2 * 63)
    words = [np.frombuffer(each.parts[0][-65536:], dtype=np.uint8) for each in (first, second)]
    assert (words[0] == words[1]).mean() < 0.05


def test_an_upload_holds_a_seed_in_place_of_half_its_bytes(
    upload: Ciphertexts, keys: KeyPair, scheme: Scheme
) -> None:
    fresh_pair = 2 * SLOTS * 8 * (len(STANDARD.coefficient_bits) - 1)
    assert len(upload.parts[0]) < 0.51 * fresh_pair
    again = keys.encrypt(Private(np.zeros(SLOTS, dtype=np.uint64)))
    assert again.parts != keys.encrypt(Private(np.zeros(SLOTS, dtype=np.uint64))).parts


def test_uniform_residues_reach_everywhere_below_the_modulus(scheme: Scheme) -> None:
    drawn = scheme.uniform(50_000)
    assert drawn.dtype == np.uint64 and int(drawn.max()) < scheme.modulus
    counts, _ = np.histogram(drawn.astype(np.float64), bins=50, range=(0, scheme.modulus))
    assert ((counts - 1000) ** 2 / 1000).sum() < 49 + 6 * np.sqrt(98)


# -- what comes from outside ---------------------------------------------------------------------------


def test_a_ciphertext_under_another_key_is_refused(
    scheme: Scheme, keys: KeyPair, upload: Ciphertexts, answer: Ciphertexts
) -> None:
    other = scheme.generate()
    with pytest.raises(WireRefused, match="another key"):
        scheme.load(upload, other.public, SLOTS)
    with pytest.raises(WireRefused, match="another key"):
        other.slot_sums(answer, 1)
    with pytest.raises(WireRefused, match="another key"):
        other.decrypt_answer(answer, SLOTS)
    with pytest.raises(WireRefused, match="another key"):
        scheme.combine([upload], [np.ones(SLOTS, dtype=np.int64)], scheme.uniform(SLOTS), other.public)


def test_a_ciphertext_that_claims_the_key_opens_to_nothing(scheme: Scheme, keys: KeyPair) -> None:
    other = scheme.generate()
    zeros = other.encrypt(Private(np.zeros(SLOTS, dtype=np.uint64)))
    answers, _ = products(scheme, other, zeros, np.ones((SLOTS, 1), dtype=np.int64))
    forged = Ciphertexts(keys.public.key_id, answers.rows, answers.parts)
    assert len(np.unique(keys.decrypt_answer(forged, SLOTS).open_locally())) > SLOTS - 3


def test_ciphertexts_of_other_parameters_are_refused(scheme: Scheme, keys: KeyPair) -> None:
    small = Scheme(Parameters(4096, (36, 36, 37), 20))
    foreign = small.generate()
    sealed = foreign.encrypt(Private(np.zeros(4096, dtype=np.uint64)))
    claimed = Ciphertexts(keys.public.key_id, SLOTS, sealed.parts)
    with pytest.raises(WireRefused, match="damaged or has other parameters"):
        scheme.load(claimed, keys.public, SLOTS)
    with pytest.raises(WireRefused, match="damaged or has other parameters"):
        keys.decrypt_answer(claimed, SLOTS)
    with pytest.raises(WireRefused, match="damaged or has other parameters"):
        scheme._public_encryptor(foreign.public)


def test_an_upload_is_not_taken_for_an_answer_nor_the_reverse(
    scheme: Scheme, keys: KeyPair, upload: Ciphertexts, answer: Ciphertexts
) -> None:
    with pytest.raises(WireRefused, match="size and level"):
        keys.decrypt_answer(upload, SLOTS)
    with pytest.raises(WireRefused, match="size and level"):
        scheme.load(answer, keys.public, SLOTS)


@pytest.mark.parametrize("rows", [0, SLOTS - 1, SLOTS + 1, 10 * SLOTS])
def test_another_number_of_rows_is_refused(
    scheme: Scheme, keys: KeyPair, upload: Ciphertexts, answer: Ciphertexts, rows: int
) -> None:
    for use in (
        lambda: scheme.load(upload, keys.public, rows),
        lambda: keys.decrypt_answer(answer, rows),
        lambda: scheme.load(Ciphertexts(upload.key_id, rows, upload.parts), keys.public, SLOTS),
    ):
        with pytest.raises(WireRefused, match="values instead of"):
            use()


@pytest.mark.parametrize("parts", [0, 2])
def test_another_number_of_parts_than_the_rows_need_is_refused(
    scheme: Scheme, keys: KeyPair, upload: Ciphertexts, answer: Ciphertexts, parts: int
) -> None:
    with pytest.raises(WireRefused):
        scheme.load(with_parts(upload, *upload.parts * parts), keys.public, SLOTS)
    with pytest.raises(WireRefused):
        keys.slot_sums(with_parts(answer, *answer.parts * parts), 1)


def test_more_columns_than_were_announced_are_not_opened(keys: KeyPair, answer: Ciphertexts) -> None:
    doubled = Ciphertexts(answer.key_id, 2 * SLOTS, answer.parts * 2)
    with pytest.raises(WireRefused):
        keys.slot_sums(doubled, 1)


def raw(part: bytes) -> bytearray:
    """The part without its compression, as an attacker would write it."""
    body = pa.CompressedInputStream(io.BytesIO(part[16:]), "zstd").read()
    return bytearray(part[:5] + b"\0" + part[6:8] + struct.pack("<Q", 16 + len(body)) + body)


def test_an_uncompressed_answer_opens_alike_and_a_transparent_one_is_refused(
    keys: KeyPair, answer: Ciphertexts
) -> None:
    plain = raw(answer.parts[0])
    assert keys.slot_sums(with_parts(answer, bytes(plain)), 1) == keys.slot_sums(answer, 1)
    second = len(plain) - SLOTS * 8  # Where c1 starts: without it nothing is encrypted.
    plain[second:] = bytes(SLOTS * 8)
    with pytest.raises(WireRefused, match="transparent"):
        keys.slot_sums(with_parts(answer, bytes(plain)), 1)


def test_coefficients_beyond_the_modulus_are_refused(keys: KeyPair, answer: Ciphertexts) -> None:
    plain = raw(answer.parts[0])
    plain[-8:] = b"\xff" * 8
    with pytest.raises(WireRefused):
        keys.slot_sums(with_parts(answer, bytes(plain)), 1)


def damaged(part: bytes) -> dict[str, bytes]:
    def resized(data: bytes) -> bytes:
        return data[:8] + struct.pack("<Q", len(data)) + data[16:]

    return {
        "empty": b"",
        "header only": resized(part[:16]),
        "no header": part[16:],
        "half": part[: len(part) // 2],
        "half that says so": resized(part[: len(part) // 2]),
        "one byte short": part[:-1],
        "one byte short that says so": resized(part[:-1]),
        "trailing bytes": part + b"hidden",
        "zeros": resized(part[:16] + bytes(len(part) - 16)),
        "noise": resized(part[:16] + np.random.default_rng(0).bytes(len(part) - 16)),
        "huge": resized(part + bytes(5 << 20)),
        "zlib instead": part[:5] + b"\1" + part[6:],
    }


@pytest.mark.parametrize("kind", damaged(bytes(32)))
def test_a_damaged_part_is_refused_without_a_crash(
    scheme: Scheme, keys: KeyPair, upload: Ciphertexts, answer: Ciphertexts, kind: str
) -> None:
    for good, use in (
        (upload, lambda sealed: scheme.load(sealed, keys.public, SLOTS)),
        (answer, lambda sealed: keys.slot_sums(sealed, 1)),
    ):
        bad = damaged(good.parts[0])[kind]
        with pytest.raises(WireRefused):
            use(Ciphertexts.from_wire([good.key_id, good.rows, [bad]]))


def test_trailing_bytes_that_the_header_counts_in_are_not_carried_further(
    scheme: Scheme, keys: KeyPair, answer: Ciphertexts
) -> None:
    part = answer.parts[0] + b"hidden"
    longer = part[:8] + struct.pack("<Q", len(part)) + part[16:]
    try:
        sums = keys.slot_sums(with_parts(answer, longer), 1)
    except WireRefused:
        return
    assert sums == keys.slot_sums(answer, 1)


@pytest.mark.parametrize("seed", range(3))
def test_flipped_bits_are_refused_or_open_to_something_never_crash(
    scheme: Scheme, keys: KeyPair, upload: Ciphertexts, answer: Ciphertexts, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    for good, use in (
        (upload, lambda sealed: scheme.load(sealed, keys.public, SLOTS)),
        (answer, lambda sealed: keys.slot_sums(sealed, 1)),
    ):
        true = good.parts[0]
        places = [*range(8 * 64), *rng.integers(0, 8 * len(true), 60)]
        for place in rng.permutation(places)[:200]:
            bad = bytearray(true)
            bad[place // 8] ^= 1 << int(place) % 8
            with suppress(WireRefused):
                use(Ciphertexts.from_wire([good.key_id, good.rows, [bytes(bad)]]))


@pytest.mark.parametrize("kind", damaged(bytes(32)))
def test_a_damaged_public_key_is_refused_without_a_crash(scheme: Scheme, keys: KeyPair, kind: str) -> None:
    bad = damaged(keys.public.data)[kind]
    with pytest.raises(WireRefused):
        scheme._public_encryptor(PublicKey.from_wire(bad))


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        [],
        [bytes(16), 1],
        [bytes(15), 1, []],
        [bytes(16), -1, []],
        [bytes(16), True, []],
        [bytes(16), "1", []],
        [bytes(16), 1, b""],
        [bytes(16), 1, ["text"]],
        [bytes(16), 1, [[b""]]],
        [bytes(16), 1, [], b""],
    ],
)
def test_only_a_key_id_rows_and_parts_are_parsed(wire: object) -> None:
    with pytest.raises(WireRefused):
        Ciphertexts.from_wire(wire)  # type: ignore[arg-type]


def test_the_wrong_number_of_opened_sums_is_refused(scheme: Scheme) -> None:
    with pytest.raises(WireRefused, match="sums instead of"):
        unmask_sums(MaskedWords.of(np.zeros(2, dtype=np.uint64)), Private([1, 2, 3]), scheme)


# -- the key stays -----------------------------------------------------------------------------------


def test_the_key_pair_is_not_shown_pickled_or_copied(keys: KeyPair) -> None:
    assert repr(keys) == f"KeyPair({keys.public.key_id.hex()})"
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never serialised"):
            attempt(keys)
    assert not hasattr(keys, "__dict__")


def test_reprs_show_no_ciphertext_and_no_plaintext(
    scheme: Scheme, keys: KeyPair, upload: Ciphertexts
) -> None:
    columns = Columns(scheme, Private(np.full((3, 1), 12345, dtype=np.int64)))
    assert "12345" not in repr(columns)
    assert len(repr(upload)) < 80 and len(repr(keys.public)) < 60


def test_words_are_summed_without_wrapping(scheme: Scheme, keys: KeyPair) -> None:
    largest: Words64 = np.full(SLOTS, scheme.modulus - 1, dtype=np.uint64)
    sealed = keys.encrypt(Private(np.ones(SLOTS, dtype=np.uint64)))
    combined = scheme.combine(
        [sealed], [np.zeros(SLOTS, dtype=np.int64)], largest, keys.public
    )  # An answer in which every slot holds t - 1.
    assert keys.slot_sums(combined, 1).words().tolist() == [SLOTS * (scheme.modulus - 1) % scheme.modulus]
