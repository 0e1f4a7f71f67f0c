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
