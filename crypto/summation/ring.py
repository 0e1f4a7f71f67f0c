"""Vectors of integers modulo m, as 64-bit words: adding masks and taking them away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from crypto.sealed import Words64
from crypto.summation.stream import BLOCK, KeyStream


def add(one: Words64, other: Words64, modulus: int) -> Words64:
    """one + other modulo `modulus` (at most 2^63); both are residues already."""
    return _below(one + other, modulus)


def subtract(one: Words64, other: Words64, modulus: int) -> Words64:
    """one - other modulo `modulus` (at most 2^63); both are residues already."""
    return _below(one + (np.uint64(modulus) - other), modulus)


def masked(
    words: Words64, modulus: int, *, plus: Sequence[KeyStream] = (), minus: Sequence[KeyStream] = ()
) -> Words64:
    """`words` plus and minus what each stream's `residues(len(words), modulus)` would give.

    The same as `add` and `subtract`, in blocks that stay in the processor's cache: three times faster on
    a million words.
    """
    out = words.copy()
    for part in blocks(len(out)):
        held = out[part]
        for stream in plus:
            held += stream.residues(len(held), modulus)
            _below(held, modulus)
        for stream in minus:
            held += np.uint64(modulus) - stream.residues(len(held), modulus)
            _below(held, modulus)
    return out


def blocks(count: int) -> Iterator[slice]:
    """Slices of `BLOCK` that cover `count` elements in order."""
    for start in range(0, count, BLOCK):
        yield slice(start, min(start + BLOCK, count))


def padded(words: Words64, size: int) -> Iterator[Words64]:
    """Blocks of `size` words in order, the last one padded with zeros."""
    for start in range(0, len(words), size):
        block = words[start : start + size]
        yield block if len(block) == size else np.pad(block, (0, size - len(block)))


def _below(words: Words64, modulus: int) -> Words64:
    """`words` below 2 m brought below m, in place."""
    if modulus & (modulus - 1) == 0:
        words &= np.uint64(modulus - 1)
        return words
    # A word that is below m already becomes a large one when m is taken from it: unsigned words wrap.
    np.minimum(words, words - np.uint64(modulus), out=words)
    return words
