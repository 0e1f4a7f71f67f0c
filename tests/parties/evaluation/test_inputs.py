from __future__ import annotations

import numpy as np
import pytest

from crypto.errors import UsageError
from parties.evaluation.inputs import labelled, smallest


def test_a_single_class_is_refused_and_the_error_says_so() -> None:
    for only in (0, 1):
        with pytest.raises(UsageError, match="one class only"):
            labelled(np.full(5, only), np.arange(5.0))


def test_one_default_alone_is_refused_because_its_error_is_unknown() -> None:
    with pytest.raises(UsageError, match="single row"):
        labelled([0, 0, 0, 1], np.arange(4.0))


@pytest.mark.parametrize("unfit", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_refused_and_counted(unfit: float) -> None:
    with pytest.raises(UsageError, match="1 of 5 scores"):
        labelled([0, 0, 1, 1, 1], [0.1, 0.2, unfit, 0.4, 0.5])


def test_a_missing_or_foreign_label_is_refused() -> None:
    for label in ([0, 1, 2, 1], [0, 1, np.nan, 1], [0, 1, -1, 1]):
        with pytest.raises(UsageError, match="neither 0 nor 1"):
            labelled(label, np.arange(4.0))


def test_no_refused_value_is_quoted() -> None:
    with pytest.raises(UsageError) as refused:
        labelled(["0", "1", "91350211M000100Y43", "1"], np.arange(4.0))
    assert "91350211" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_arrays_that_do_not_fit_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match="4 labels and 3 scores"):
        labelled([0, 1, 0, 1], [0.1, 0.2, 0.3])
    with pytest.raises(UsageError, match="2 dimensions"):
        labelled([[0, 1], [0, 1]], [[0.1, 0.2], [0.1, 0.2]])


def test_a_mask_of_numbers_is_not_taken_for_a_boolean_one() -> None:
    with pytest.raises(UsageError, match="boolean mask"):
        labelled([0, 1, 0, 1], np.arange(4.0), where=[0, 1, 2, 3])
    with pytest.raises(UsageError, match="boolean mask"):
        labelled([0, 1, 0, 1], np.arange(4.0), where=[True, False])


def test_a_subset_of_one_class_is_refused_though_the_whole_is_not() -> None:
    with pytest.raises(UsageError, match="one class only"):
        labelled([0, 0, 1, 1], np.arange(4.0), where=[True, True, False, False])


def test_rows_do_not_show_in_a_repr() -> None:
    assert repr(labelled([0, 0, 1, 1], [0.125, 0.25, 0.5, 0.75])) == "Labelled(...)"


def test_the_smallest_firms_take_in_ties_and_leave_out_the_unknown() -> None:
    mask = smallest([5, 1, 1, 1, np.nan, 9, 7, 8, 6], 0.25)
    assert mask.tolist() == [False, True, True, True, False, False, False, False, False]


def test_smallest_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="no firm's size"):
        smallest([np.nan, np.nan])
    with pytest.raises(UsageError, match="between 0 and 1"):
        smallest([1.0, 2.0], 25)
