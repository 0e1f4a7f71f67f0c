"""Several vectors in one ciphertext: nothing lost, nothing mixed."""

from __future__ import annotations

import numpy as np
import pytest

from parties.logistic.packing import Packing


@pytest.mark.parametrize(
    ("rows", "pieces"), [(1, 8192), (1000, 8), (4096, 2), (4097, 1), (8192, 1), (30000, 1)]
)
def test_as_many_pieces_as_fit_and_never_less_than_one(rows: int, pieces: int) -> None:
    assert Packing.of(rows, 8192).pieces == pieces


@pytest.mark.parametrize("columns", [1, 3, 4, 5, 8])
def test_each_column_keeps_its_own_product_with_the_repeated_vector(columns: int) -> None:
    rng = np.random.default_rng(columns)
    packing = Packing(rows=5, pieces=4)
    matrix = rng.integers(-9, 9, size=(5, columns))
    vector = rng.integers(0, 9, size=5).astype(np.uint64)
    packed = packing.columns(matrix)
    assert packed.shape == (20, packing.count(columns))
    products = packed * packing.repeated(vector).astype(np.int64)[:, None]
    sums = products.reshape(4, 5, -1).sum(axis=1).T.ravel()
    assert (sums[:columns] == matrix.T @ vector.astype(np.int64)).all()
    assert not sums[columns:].any()


def test_pieces_add_up_modulo_t() -> None:
    packing, modulus = Packing(rows=3, pieces=2), 101
    packed = np.array([100, 5, 0, 3, 97, 0], dtype=np.uint64)
    assert packing.added(packed, modulus).tolist() == [2, 1, 0]
    assert packing.added(packing.first(packed[:3]), modulus).tolist() == [100, 5, 0]


def test_vectors_lie_side_by_side_and_the_last_is_filled_with_zeros() -> None:
    packing = Packing(rows=2, pieces=3)
    vectors = [np.array([k, k + 1]) for k in range(4)]
    assert [packed.tolist() for packed in packing.side_by_side(vectors)] == [
        [0, 1, 1, 2, 2, 3],
        [3, 4, 0, 0, 0, 0],
    ]
