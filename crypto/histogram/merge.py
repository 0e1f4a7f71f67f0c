"""Bytes form: up to 64 product polynomials become one, by key switches (Chen, Dai, Kim, Song 2021)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tenseal import sealapi

from crypto.histogram.layout import Layout
from crypto.histogram.ring import Ring
from crypto.seal import load
from crypto.sealed import WireRefused, Words64


class Merger:
    """(A + x^(s/2) B) + sigma(A - x^(s/2) B), over and over.

    A and B have wanted coefficients at the multiples of s; sigma, x -> x^(2 N / s + 1), keeps those and
    negates the odd multiples of s / 2. So the wanted coefficients of both, doubled, come to stand at the
    multiples of s / 2. PackLWEs of https://eprint.iacr.org/2020/015, section 3.3; what is at other places
    is garbage, and is not sent.
    """

    def __init__(self, ring: Ring, switching: bytes) -> None:
        self._ring = ring
        self._evaluator = sealapi.Evaluator(ring.context)
        self._keys = sealapi.GaloisKeys()
        load(self._keys, ring.context, switching)
        self._elements = Layout.galois_elements()
        if not all(self._keys.has_key(element) for element in self._elements):
            raise WireRefused("HistogramPublicKey: not the switching keys that merging needs")
        self._monomials = [
            sealapi.Plaintext(f"1x^{Layout.MERGED_BLOCK >> (bit + 1)}") for bit in range(Layout.MERGES)
        ]

    def merged(self, answers: Iterator[tuple[Words64, Words64]]) -> tuple[Words64, Words64]:
        """c1 and all of c0 of the one that at most 64 (c1, all of c0) become."""
        handle = self._merged(answers, Layout.MERGES)
        c0, c1 = self._ring.polynomials(handle)
        return c1, c0

    def _merged(self, answers: Iterator[tuple[Words64, Words64]], merges: int) -> Any:
        """The next 2^merges of them as one ciphertext; None where no more are left."""
        if merges == 0:
            c1, c0 = next(answers, (None, None))
            return None if c0 is None or c1 is None else self._ring.handle(c0, c1)
        one = self._merged(answers, merges - 1)
        if one is None:
            return None
        return self._pair(one, self._merged(answers, merges - 1), merges - 1)

    def _pair(self, one: Any, other: Any, bit: int) -> Any:
        evaluator = self._evaluator
        if other is None:
            evaluator.add_inplace(one, one)
            return one
        evaluator.multiply_plain_inplace(other, self._monomials[bit])
        turned = sealapi.Ciphertext()
        evaluator.sub(one, other, turned)
        evaluator.apply_galois_inplace(turned, self._elements[bit], self._keys)
        evaluator.add_inplace(one, other)
        evaluator.add_inplace(one, turned)
        return one
