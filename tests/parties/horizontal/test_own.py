"""A party's own people are told what of their table the common encoding cannot see. No cell is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crypto.errors import UsageError
from federation.tables import Column
from parties.horizontal.columns import buckets, level_salt, schema
from parties.horizontal.own import OwnLevels, OwnNumbers, OwnTable, read_own
from tests.parties.horizontal.world import SECRET, dataset, outcomes, table

SALT = level_salt(SECRET)


def read(
    declared: dict[str, Column] | None = None, roles: dict[str, Any] | None = None, **columns: Any
) -> OwnTable:
    frame, config = table(**columns), dataset(**(roles or {}))
    own = schema(frame, config, declared or {})
    return read_own(frame, outcomes(frame), own, config, declared or {}, SALT)


def colliding() -> tuple[str, str]:
    """Two levels of column x in one bucket."""
    names = tuple(f"L{number}" for number in range(400))
    found = buckets("x", names, SALT)
    for second in range(len(names)):
        for first in range(second):
            if found[first] == found[second]:
                return names[first], names[second]
    raise AssertionError


def test_rows_are_counted_by_outcome_gap_and_bucket() -> None:
    own = read(x=["a", "b", "", "a"], y=[1.0, np.nan, 3.0, 2.0])
    assert own.outcomes.tolist() == [2, 2]
    assert own.rows == 4
    levels, numbers = own.columns["x"], own.columns["y"]
    assert isinstance(levels, OwnLevels)
    assert (levels.missing, sorted(levels.counts[levels.counts > 0])) == (1, [1, 2])
    assert isinstance(numbers, OwnNumbers)
    assert (numbers.missing, len(numbers.ordered)) == (1, 3)
    assert own.notes == ()


def test_levels_that_share_a_bucket_are_told_by_number() -> None:
    first, second = colliding()
    own = read(x=[first, second, "other"])
    (note,) = own.notes
    assert note.startswith("Column x: 1 of 3 levels share a code with another")
    assert first not in note
    assert second not in note


def test_cells_beside_a_declaration_are_counted() -> None:
    declared = {"x": Column(range=(0.0, 10.0)), "y": Column(levels=("1", "B"))}
    own = read(declared, x=[-1, 5, 10, 11], y=["1.0", "B", "C", ""])
    assert [note.split(", ")[0] for note in own.notes] == [
        "Column x: 2 of 4 cells are outside the range that the plan declares",
        "Column y: 1 of 4 cells are not among the levels that the plan declares",
    ]
    assert own.columns == {}


def test_text_of_many_levels_is_refused_unless_its_holder_calls_it_categorical() -> None:
    names = [f"firm {number}" for number in range(100)]
    with pytest.raises(UsageError, match="field x: the column has 100 levels"):
        read(x=names)
    assert read(roles={"categorical": ("x",)}, x=names).columns.keys() == {"x"}


@pytest.mark.parametrize("cells", [[1.0, np.inf], [1.0, -np.inf]])
def test_what_cannot_be_read_is_refused(cells: list[float]) -> None:
    with pytest.raises(UsageError, match=r"file loans\.csv, field x: 1 of 2 cells are infinite"):
        read(x=cells)


def test_outcomes_are_zeros_and_ones_one_for_each_row() -> None:
    frame, config = table(x=[1, 2, 3]), dataset()
    own = schema(frame, config, {})
    for wrong in (np.array([0, 1], dtype=np.int8), np.array([0, 1, 2], dtype=np.int8)):
        with pytest.raises(UsageError, match="one 0 or 1 for each training row"):
            read_own(frame, wrong, own, config, {}, SALT)


def test_a_table_is_not_printed() -> None:
    own = read(x=[1234567.0, 2.0, 3.0])
    assert "1234567" not in repr(own) + repr(own.columns["x"])


def test_a_column_that_is_empty_here_is_told_by_name() -> None:
    for own in (read(x=[None, None, None]), read({"x": Column(range=(0.0, 1.0))}, x=[np.nan] * 3)):
        (note,) = own.notes
        assert note.startswith("Column x is entirely missing on the training rows here")
