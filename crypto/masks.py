"""Pairwise masks that cancel in the sum (Bonawitz et al., CCS 2017, without the dropout recovery).

Two parties that share a secret derive the same pseudo-random words; one adds them, the other subtracts
them. Whoever adds up all the parties' words gets the exact sum modulo 2^64 (or 2^32) and nothing about
one of them, as long as two parties do not collude with it.

A mask is bound to its label: the same (secret, label) is never used for two values. Callers pass the
run, the step and the iteration in the label; `PairwiseMasks` refuses a label that it has seen.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.sealed import Words64


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
        if label in self._used:
            raise ValueError("a mask label was used twice")
        self._used.add(label)
        total = np.zeros(count, dtype=np.uint64)
        for partner in sorted(partners):
            stream = _stream(self._secrets[partner], f"{label}|{sorted((self._me, partner))}", count)
            total = total + stream if self._me < partner else total - stream
        return total


def _stream(secret: bytes, label: str, count: int) -> Words64:
    """AES-256-CTR key stream under a key derived for this label alone (HKDF-SHA256, RFC 5869)."""
    key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"isthmus mask|" + label.encode())
    encryptor = Cipher(algorithms.AES(key.derive(secret)), modes.CTR(bytes(16))).encryptor()
    return np.frombuffer(encryptor.update(bytes(8 * count)), dtype="<u8")
