"""What belongs to one code of a column is weighed by the rows with that code, over all members."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from crypto.errors import UsageError
from federation.tables import Model
from parties.horizontal.models import build
from parties.horizontal.shares import Shares, shares_of
from parties.horizontal.vector import Layout

#: Codes of three members' rows in two columns, of 3 and 2 codes; the first member alone has code 2.
CODES = (
    np.array([[0, 0], [2, 0], [2, 1], [1, 1]]),
    np.array([[0, 1], [1, 1], [1, 1]]),
    np.array([[0, 0], [1, 0], [1, 1]]),
)
ROWS = sum(map(len, CODES))
LOGISTIC, MLP = Model(), Model(kind="mlp", hidden=(4,), embedding=2)


def statistics(**changed: Any) -> dict[str, Any]:
    whole = np.concatenate(CODES)
    shares = {
        name: (np.bincount(whole[:, at], minlength=3 - at) / ROWS).tolist() for at, name in enumerate("ab")
    } | changed
    return {"rows": ROWS, "columns": [{"name": name, "shares": shares[name]} for name in "ba"]}


def layout(model: Model) -> Layout:
    return Layout.of(build(model, 4, (3, 2), seed=1, approved={}, party="bank"))


def shares(at: int, model: Model = LOGISTIC, **changed: Any) -> Shares:
    known = statistics(**changed)
    return shares_of(layout(model), model, ("a", "b"), CODES[at], known, len(CODES[at]) / ROWS)


def of(model: Model, values: Any) -> dict[str, Any]:
    """Values of the vector by tensor, in shape."""
    plain = layout(model)
    ends = np.cumsum([math.prod(shape) for shape in plain.shapes])[:-1]
    parts = zip(plain.names, plain.shapes, np.split(values, ends), strict=True)
    return {name: part.reshape(shape) for name, shape, part in parts}


@pytest.mark.parametrize("model", [LOGISTIC, MLP], ids=["logistic", "mlp"])
def test_the_members_shares_of_every_value_add_up_to_one(model: Model) -> None:
    own = [shares(at, model) for at in range(3)]
    np.testing.assert_allclose(sum(each.values for each in own), 1)
    assert all(each.known.all() for each in own)


def test_a_code_weighs_by_its_rows_and_everything_else_by_all_rows() -> None:
    own = of(LOGISTIC, shares(0).values)
    np.testing.assert_allclose(own["offsets.0.weight"].ravel(), [1 / 3, 1 / 5, 1])
    np.testing.assert_allclose(own["offsets.1.weight"].ravel(), [2 / 4, 2 / 6])
    assert (own["linear.weight"] == 4 / ROWS).all()
    assert of(LOGISTIC, shares(1).values)["offsets.0.weight"][2] == 0


def test_an_embedding_weighs_alike_in_all_its_dimensions() -> None:
    own = of(MLP, shares(0, MLP).values)["embeddings.0.weight"]
    assert own.shape == (3, 2)
    np.testing.assert_allclose(own, [[1 / 3] * 2, [1 / 5] * 2, [1, 1]])


def test_the_penalty_over_all_members_is_that_of_one_model() -> None:
    own = [shares(at) for at in range(3)]
    np.testing.assert_allclose(sum(each.rows * each.density for each in own), 1)


def test_codes_of_declared_levels_that_nobody_counts_weigh_as_rows_do_and_are_not_corrected() -> None:
    own = shares(0, b=None)
    assert (of(LOGISTIC, own.values)["offsets.1.weight"] == 4 / ROWS).all()
    known = of(LOGISTIC, own.known)
    assert not known["offsets.1.weight"].any()
    assert known["offsets.0.weight"].all()
    assert known["linear.weight"].all()


def test_a_member_that_joined_after_the_counts_weighs_one_at_most() -> None:
    late = np.array([[2, 1]] * 50)
    own = shares_of(layout(LOGISTIC), LOGISTIC, ("a", "b"), late, statistics(), 1.0)
    assert own.values.max() == 1


def test_statistics_of_another_encoding_are_refused_by_column() -> None:
    with pytest.raises(UsageError, match="not of this encoding") as refused:
        shares(0, b=[0.5, 0.25, 0.25])
    assert refused.value.field == "b"


def test_shares_do_not_show_themselves() -> None:
    assert "0." not in repr(shares(0))
