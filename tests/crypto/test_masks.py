"""Masks cancel in the sum, hide each part, and serve once."""

from __future__ import annotations

import secrets
from itertools import combinations

import numpy as np
import pytest

from crypto.masks import PairwiseMasks


def among(names: list[str]) -> dict[str, PairwiseMasks]:
    shared = {frozenset(pair): secrets.token_bytes(32) for pair in combinations(names, 2)}
    return {
        me: PairwiseMasks(me, {other: shared[frozenset((me, other))] for other in names if other != me})
        for me in names
    }


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_the_masks_of_all_partners_cancel_and_no_smaller_sum_does(count: int) -> None:
    names = [f"p{i}" for i in range(count)]
    words = {me: masks.words("gram|1", frozenset(names) - {me}, 64) for me, masks in among(names).items()}
    total = np.sum(list(words.values()), axis=0, dtype=np.uint64)
    assert not total.any()
    for size in range(1, count):
        for group in combinations(names, size):
            partial = np.sum([words[name] for name in group], axis=0, dtype=np.uint64)
            assert np.count_nonzero(partial) == 64


def test_a_label_serves_once_whoever_the_partners_are() -> None:
    masks = among(["a", "b", "c"])["a"]
    masks.words("gram|1", frozenset({"b", "c"}), 4)
    for partners in ({"b", "c"}, {"b"}, {"c"}, set()):
        with pytest.raises(ValueError, match="twice"):
            masks.words("gram|1", frozenset(partners), 4)


def test_another_label_and_another_run_key_give_unrelated_words() -> None:
    first, second = among(["a", "b"]), among(["a", "b"])
    partners = frozenset({"b"})
    drawn = [
        first["a"].words("gram|1", partners, 1000),
        first["a"].words("gram|11", partners, 1000),
        first["a"].words("scores|test", partners, 1000),
        second["a"].words("gram|1", partners, 1000),
    ]
    assert len(np.unique(np.concatenate(drawn))) == 4000


def test_masked_words_are_uniform_bits() -> None:
    words = among(["a", "b", "c"])["a"].words("x", frozenset({"b", "c"}), 20_000)
    ones = np.unpackbits(words.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little").mean(axis=0)
    assert np.abs(ones - 0.5).max() < 6 * 0.5 / np.sqrt(20_000)


def test_alone_there_is_nothing_to_mask_with() -> None:
    assert not PairwiseMasks("a", {}).words("x", frozenset(), 3).any()


def test_a_partner_without_a_shared_secret_is_not_skipped() -> None:
    with pytest.raises(KeyError):
        among(["a", "b"])["a"].words("x", frozenset({"b", "stranger"}), 3)


def test_the_secrets_are_not_shown() -> None:
    secret = secrets.token_bytes(32)
    assert repr(PairwiseMasks("a", {"b": secret})) == "PairwiseMasks(1 partners)"


MODULI = [2, 1009, 1 << 32, (1 << 50) - 16383, 1 << 62]


@pytest.mark.parametrize("modulus", MODULI)
@pytest.mark.parametrize("count", [2, 3, 5])
def test_residues_of_all_partners_cancel_and_no_smaller_sum_does(count: int, modulus: int) -> None:
    names = [f"p{i}" for i in range(count)]
    drawn = {
        me: masks.residues("a|1", frozenset(names) - {me}, 200, modulus) for me, masks in among(names).items()
    }
    assert all(words.dtype == np.uint64 and int(words.max()) < modulus for words in drawn.values())
    for size in range(1, count + 1):
        for group in combinations(names, size):
            total = [sum(int(drawn[name][i]) for name in group) % modulus for i in range(200)]
            assert any(total) is (size < count)


def test_residues_hide_any_value_evenly() -> None:
    modulus = 1009
    masks = among(["a", "b", "c"])["b"]
    words = masks.residues("x", frozenset({"a", "c"}), 100_000, modulus)
    counts = np.bincount(words.astype(np.int64), minlength=modulus)
    expected = len(words) / modulus
    assert ((counts - expected) ** 2 / expected).sum() < modulus + 8 * np.sqrt(2 * modulus)


def test_masks_put_on_in_one_pass_are_the_residues() -> None:
    first, second = (PairwiseMasks("b", {"a": bytes(32), "c": bytes([1] * 32)}) for _ in range(2))
    values = np.arange(70_000, dtype=np.uint64)
    modulus = (1 << 50) - 16383
    hidden = first.added_to(values, "x", frozenset({"a", "c"}), modulus)
    residues = second.residues("x", frozenset({"a", "c"}), len(values), modulus)
    assert np.array_equal(hidden, (values + residues) % np.uint64(modulus))
    assert values[-1] == 69_999


def test_a_label_serves_words_or_residues_once() -> None:
    partners = frozenset({"b", "c"})
    for first in ("words", "residues", "added_to"):
        masks = among(["a", "b", "c"])["a"]
        draw = {
            "words": lambda masks=masks: masks.words("1", partners, 4),
            "residues": lambda masks=masks: masks.residues("1", frozenset({"b"}), 4, 97),
            "added_to": lambda masks=masks: masks.added_to(np.zeros(4, dtype=np.uint64), "1", partners, 97),
        }
        draw[first]()
        for again in draw.values():
            with pytest.raises(ValueError, match="twice"):
                again()


@pytest.mark.parametrize("modulus", [-1, 0, 1, (1 << 62) + 1])
def test_a_modulus_without_masks_is_refused(modulus: int) -> None:
    with pytest.raises(ValueError, match="modulo"):
        among(["a", "b"])["a"].residues("1", frozenset({"b"}), 4, modulus)
