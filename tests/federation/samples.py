"""Any value that a message may hold, for property tests over the whole registry."""

from __future__ import annotations

import enum
import importlib
import pkgutil
import struct
import types
import typing
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

import federation.messages
from crypto.bfv import Ciphertexts, PublicKey
from crypto.curve import BlindedPoints, Tags
from crypto.histogram import EncryptedHistogram, EncryptedRows, HistogramPublicKey
from crypto.histogram.ring import UPLOAD_BYTES
from crypto.sealed import (
    DisclosedNumbers,
    MaskedWords,
    MaskSeed,
    RowMarks,
    RowPositions,
    SharedKnowledge,
    SharedSecret,
    TorusWords,
)
from crypto.summation.protection import FORMS, GroupKey, SealedVector
from crypto.x25519 import context_name, hash_to_curve
from federation.ids import PartyId, RunId
from federation.message import REGISTRY, Digest, Message, PlainText, field_types
from federation.messages.boosting import CandidateMarks, NodeMarks, Picked
from federation.messages.export import PointsTable
from federation.messages.ledger import Signature
from federation.messages.scorecard import CellGroups, CellShapes, PointsLost


def every_message() -> dict[str, type[Message]]:
    """The program's messages, name -> class: those that `federation.messages` declares."""
    for module in pkgutil.iter_modules(federation.messages.__path__):
        importlib.import_module(f"federation.messages.{module.name}")
    return {
        name: kind for name, kind in REGISTRY.items() if kind.__module__.startswith("federation.messages.")
    }


@cache
def _points() -> tuple[bytes, ...]:
    name = context_name(b"samples")
    return tuple(hash_to_curve(name, bytes([i])) for i in range(20))


def _whole(*, multiple: int) -> st.SearchStrategy[bytes]:
    return st.lists(st.binary(min_size=multiple, max_size=multiple), max_size=6).map(b"".join)


def _distinct(size: int, elements: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(elements, max_size=6, unique=True).map(b"".join)


#: Bytes that are a whole SEAL object by their header, and no more than that: what the codec looks at.
SEAL_LIKE = st.binary(max_size=40).map(
    lambda body: struct.pack("<HBBBBHQ", 0xA15E, 16, 4, 3, 2, 0, 16 + len(body)) + body
)
TEXT = st.text(max_size=60).filter(str.isprintable)
MARKS = st.lists(st.booleans(), max_size=20).map(lambda bits: np.array(bits, dtype=np.bool_))
FINITE = st.floats(allow_nan=False, allow_infinity=False)

_VALUES: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(1 << 63), (1 << 64) - 1),
    bool: st.booleans(),
    PartyId: TEXT,
    RunId: TEXT,
    PlainText: TEXT,
    Digest: st.binary(min_size=32, max_size=32),
    TorusWords: _whole(multiple=4).map(TorusWords),
    MaskedWords: _whole(multiple=8).map(MaskedWords),
    RowPositions: _whole(multiple=4).map(RowPositions),
    RowMarks: MARKS.map(RowMarks.of),
    DisclosedNumbers: st.lists(FINITE, max_size=6).map(DisclosedNumbers.of),
    PublicKey: SEAL_LIKE.map(PublicKey),
    Ciphertexts: st.builds(
        Ciphertexts,
        st.binary(min_size=16, max_size=16),
        st.integers(0, 1 << 40),
        st.lists(SEAL_LIKE, max_size=3).map(tuple),
    ),
    BlindedPoints: st.deferred(lambda: _distinct(32, st.sampled_from(_points()))).map(BlindedPoints),
    GroupKey: st.binary(min_size=32, max_size=32).map(GroupKey),
    MaskSeed: st.binary(min_size=32, max_size=32).map(MaskSeed),
    SharedKnowledge: st.binary(min_size=1, max_size=60).map(SharedKnowledge),
    SharedSecret: st.binary(min_size=32, max_size=32).map(SharedSecret),
    SealedVector: st.builds(
        SealedVector,
        st.sampled_from(FORMS),
        st.integers(1, 1 << 28),
        st.lists(st.binary(max_size=40), max_size=3).map(tuple),
    ),
    Tags: _distinct(16, st.binary(min_size=16, max_size=16)).map(Tags),
    HistogramPublicKey: st.binary(max_size=9).map(
        lambda head: HistogramPublicKey(head.ljust(UPLOAD_BYTES, b"."), b"")
    ),
    EncryptedRows: st.builds(
        lambda key, rows: EncryptedRows(key, (rows, 1), 4, (bytes(UPLOAD_BYTES),) * -(-(rows + 1) // 4)),
        st.binary(min_size=16, max_size=16),
        st.integers(0, 8),
    ),
    EncryptedHistogram: st.builds(
        EncryptedHistogram,
        st.binary(min_size=16, max_size=16),
        st.integers(1, 9),
        st.integers(1, 9),
        st.lists(st.binary(max_size=40), max_size=3).map(tuple),
    ),
    CandidateMarks: MARKS.map(CandidateMarks.of),
    NodeMarks: MARKS.map(NodeMarks.of),
    Picked: _whole(multiple=8).map(Picked),
    CellShapes: _whole(multiple=4).map(CellShapes),
    CellGroups: st.binary(max_size=40).map(CellGroups),
    Signature: st.binary(min_size=64, max_size=64).map(Signature),
    PointsTable: st.binary(max_size=40).map(PointsTable),
    PointsLost: _whole(multiple=20).map(lambda data: PointsLost(2, data)),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of one field's declared type. A new type of field must be given a strategy here."""
    if isinstance(kind, types.UnionType):
        return st.one_of(
            *(st.none() if part is type(None) else values(part) for part in typing.get_args(kind))
        )
    if typing.get_origin(kind) is tuple:
        return st.lists(values(typing.get_args(kind)[0]), max_size=3).map(tuple)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(list(kind))
    return _VALUES[kind]


def messages(kind: type[Message]) -> st.SearchStrategy[Message]:
    return st.builds(kind, **{name: values(declared) for name, declared in field_types(kind).items()})


def any_message() -> st.SearchStrategy[Message]:
    return st.one_of(*(messages(kind) for kind in every_message().values()))
