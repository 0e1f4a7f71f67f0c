"""Where randomness comes from: one stream for each purpose, so that none disturbs another."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Stream(IntEnum):
    """A purpose. The numbers are part of what a seed means: append, never renumber."""

    FACTORS = 1
    GRAPH = 2
    FLOWS = 3
    OUTCOME = 4
    CODES = 5
    TABLES = 6
    MISSING = 7
    UNITS = 8
    DUPLICATES = 9
    NAMES = 10
    POISON = 11
    REJECTION = 12
    HISTORY = 13


def generator(seed: int, stream: Stream, block: int = 0) -> np.random.Generator:
    """The generator for one purpose and, where rows are made in blocks, for one block."""
    return np.random.default_rng([seed, int(stream), block])


def logistic(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow for any finite x."""
    answer: Floats = 0.5 * (1.0 + np.tanh(0.5 * x))
    return answer
