"""Labelled rows: refused where they do not fit, split alike for one seed, and shown to nobody."""

from __future__ import annotations

import numpy as np
import pytest

from crypto.errors import UsageError
from parties.horizontal.encoding import Encoded
from parties.horizontal.examples import Examples, derived


def encoded(count: int, value: float = 0.5) -> Encoded:
    numbers = np.full((count, 2), value, np.float32) + np.arange(count, dtype=np.float32)[:, None]
    return Encoded(numbers, np.zeros((count, 1), np.int64))


def test_rows_and_labels_must_fit_and_be_finite() -> None:
    with pytest.raises(UsageError, match="differ in number"):
        Examples.of(encoded(3), np.array([0, 1]))
    with pytest.raises(UsageError, match="neither 0 nor 1"):
        Examples.of(encoded(2), np.array([0, 2]))
    with pytest.raises(UsageError, match="neither 0 nor 1"):
        Examples.of(encoded(2), np.array([0, np.nan]))
    with pytest.raises(UsageError, match="not finite"):
        Examples.of(encoded(2, np.nan), np.array([0, 1]))


def test_rows_are_not_shown() -> None:
    assert repr(Examples.of(encoded(2), np.array([0, 1]))) == "Examples(...)"


def test_a_split_keeps_every_row_once_and_both_outcomes_in_proportion() -> None:
    examples = Examples.of(encoded(200), np.arange(200) % 4 == 0)
    train, validation = examples.split(0.1, b"seed")
    assert (len(train), len(validation)) == (180, 20)
    assert (train.positives, validation.positives) == (45, 5)
    both = np.concatenate([train.numeric[:, 0], validation.numeric[:, 0]])
    assert sorted(both) == sorted(examples.numeric[:, 0].tolist())


def test_one_seed_splits_alike_and_another_does_not() -> None:
    examples = Examples.of(encoded(200), np.arange(200) % 2)
    one, same, other = (examples.split(0.2, seed)[1].numeric.tolist() for seed in (b"a", b"a", b"b"))
    assert one == same
    assert one != other


def test_no_share_leaves_all_rows_to_training() -> None:
    train, validation = Examples.of(encoded(9), np.arange(9) % 2).split(0.0, b"seed")
    assert (len(train), len(validation)) == (9, 0)


def test_purposes_of_one_seed_are_independent() -> None:
    drawn = {derived(seed, purpose) for seed in (b"a", b"b") for purpose in ("x", "y", "z")}
    assert len(drawn) == 6
    assert all(0 <= value < 1 << 63 for value in drawn)
