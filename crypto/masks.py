"""Pairwise masks that cancel in the sum (Bonawitz et al., CCS 2017, without the dropout recovery).

Two parties that share a secret derive the same pseudo-random words; one adds them, the other subtracts
them. Whoever adds up all the parties' words gets the exact sum modulo 2^64 (or
another number) and nothing about one of them, as long as two parties do not collude with it.

A mask is bound to its label: the same (secret, label) is never used for two values. Callers pass the
run, the step and the iteration in the label; `PairwiseMasks` refuses a label that it has seen.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crypto.sealed import Words64
from crypto.summation import ring
from crypto.summation.stream import KeyStream

_LARGEST_MODULUS = 1 << 62


class PairwiseMasks:
    """One party's secrets with each of its partners, for one run."""

    def __init__(self, me: str, secrets: Mapping[str, bytes]) -> None:
        self._me = me
        self._secrets = dict(secrets)
        self._used: set[str] = set()

    def __repr__(self) -> str:
        return f"PairwiseMasks({len(self._secrets)} partners)"

    def words(self, label: str, partners: frozenset[str], count: int) -> Words64:
        """`count` words of Z/2^64 that cancel over me and `partners`. Zero when there is no partner.

        Raises ValueError when `label` was used before, also with other partners: the words shared with a
        partner follow from the label, and a mask that serves twice hides nothing.
        """
        self._serve(label)
        total = np.zeros(count, dtype=np.uint64)
        for partner in sorted(partners):
            words = self._stream(label, partner).words64(count)
            total = total + words if self._me < partner else total - words
        return total

    def residues(self, label: str, partners: frozenset[str], count: int, modulus: int) -> Words64:
        """`count` integers below `modulus` (2 to 2^62) that cancel modulo it, as `words` do modulo 2^64.

        One with `words` and `added_to` in this: a label serves once, for one of them.
        """
        return self.added_to(np.zeros(count, dtype=np.uint64), label, partners, modulus)

    def added_to(self, values: Words64, label: str, partners: frozenset[str], modulus: int) -> Words64:
        """n residues `values` plus `residues(label, partners, n, modulus)`, in one pass."""
        if not 2 <= modulus <= _LARGEST_MODULUS:
            raise ValueError("masks cancel modulo a number from 2 to 2^62")
        self._serve(label)
        plus = [self._stream(label, partner) for partner in partners if self._me < partner]
        minus = [self._stream(label, partner) for partner in partners if self._me > partner]
        return ring.masked(values, modulus, plus=plus, minus=minus)

    def _serve(self, label: str) -> None:
        if label in self._used:
            raise ValueError("a mask label was used twice")
        self._used.add(label)

    def _stream(self, label: str, partner: str) -> KeyStream:
        return KeyStream(self._secrets[partner], f"mask|{label}|{sorted((self._me, partner))}")
