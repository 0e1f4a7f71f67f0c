from __future__ import annotations

import numpy as np
import pytest

from crypto.errors import UsageError
from parties.evaluation.folds import folds


def test_rows_of_a_group_are_in_one_fold_and_folds_are_even() -> None:
    groups = np.random.default_rng(1).integers(0, 60, 1000)
    found = folds(1000, 5, seed=3, groups=groups)
    assert all(len(set(found[groups == group])) == 1 for group in range(60))
    sizes = np.bincount(found)
    assert len(sizes) == 5 and sizes.max() - sizes.min() < 20


def test_without_groups_folds_differ_by_one_row_and_follow_the_seed() -> None:
    found = folds(103, 4, seed=3)
    assert sorted(np.bincount(found)) == [25, 26, 26, 26]
    assert (found == folds(103, 4, seed=3)).all()
    assert (found != folds(103, 4, seed=4)).any()


def test_more_folds_than_groups_are_refused() -> None:
    with pytest.raises(UsageError, match="2 groups"):
        folds(4, 3, seed=1, groups=["a", "a", "b", "b"])
    with pytest.raises(UsageError, match="one group for each row"):
        folds(4, 2, seed=1, groups=["a"])
