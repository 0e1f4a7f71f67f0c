"""Vectors of integers modulo m, as 64-bit words: adding and taking away a mask."""

from __future__ import annotations

import numpy as np

from crypto.sealed import Words64


def add(one: Words64, other: Words64, modulus: int) -> Words64:
    """one + other modulo `modulus` (at most 2^63); both are residues already."""
    return _below(one + other, modulus)


def subtract(one: Words64, other: Words64, modulus: int) -> Words64:
    """one - other modulo `modulus` (at most 2^63); both are residues already."""
    return _below(one + (np.uint64(modulus) - other), modulus)


def _below(words: Words64, modulus: int) -> Words64:
    """`words` below 2 m brought below m; uint64 wraps, so that a word below m becomes a large one."""
    np.minimum(words, words - np.uint64(modulus), out=words)
    return words
