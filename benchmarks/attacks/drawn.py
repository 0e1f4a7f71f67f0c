"""Masks that follow from a seed: the protocols' figures then repeat, and their messages are as they were.

The masks of a run come from the operating system. What an attack finds in them is chance, another each time;
here each seat's come from a stream of its own, of the same distribution. For benchmarks: nobody's secrets.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np

from crypto.bfv import Scheme
from crypto.masks import PairwiseMasks
from crypto.sealed import Words32, Words64
from crypto.summation.stream import KeyStream
from federation.ids import PartyId
from federation.secure_sum import member
from federation.session import Session, open_session
from parties.logistic import hidden

_seat = threading.local()


class Drawn:
    """One seat's stream of bytes; each call gives others."""

    def __init__(self, seed: int, me: str) -> None:
        self._key = key_of(seed, me)
        self._calls = 0

    def take(self) -> KeyStream:
        """A stream that nobody had before."""
        self._calls += 1
        return KeyStream(self._key, str(self._calls))


def key_of(seed: int, *names: str) -> bytes:
    """32 bytes for these names."""
    return hashlib.sha256(f"isthmus attacks|{seed}|{names}".encode()).digest()


@contextlib.contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """While it holds, sessions that open in this process draw their masks from `seed`, seat by seat."""

    def opened(me: PartyId, *arguments: Any, **named: Any) -> Session:
        _seat.drawn = Drawn(seed, me)
        session = open_session(me, *arguments, **named)
        partners = [str(other) for other in session.seating.roles if other != me]
        session.masks = PairwiseMasks(
            me, {other: key_of(seed, *sorted((str(me), other))) for other in partners}
        )
        return session

    with (
        mock.patch("federation.rehearsal.open_session", opened),
        mock.patch.object(hidden, "_uniform_words", _words),
        mock.patch.object(Scheme, "uniform", _residues),
        mock.patch.object(member, "secrets", _Secrets),
    ):
        yield


def _stream() -> KeyStream:
    drawn: Drawn | None = getattr(_seat, "drawn", None)
    return KeyStream(os.urandom(32), "attacks") if drawn is None else drawn.take()


def _words(count: int) -> Words32:
    return _stream().words64(count).astype(np.uint32)


def _residues(scheme: Scheme, count: int) -> Words64:
    return _stream().residues(count, scheme.modulus)


class _Secrets:
    """In the place of the module of that name."""

    @staticmethod
    def token_bytes(count: int) -> bytes:
        return _stream().words64(-(-count // 8)).tobytes()[:count]
