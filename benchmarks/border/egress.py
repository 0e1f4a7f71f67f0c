"""Violations at the exit: a changed program that puts a row of the table where it does not belong.

Each is seeded into a real round: the first message of one type that one party sends is exchanged for another
before it reaches the exit. The exit must refuse it by the rule that is named, and nothing of it may reach the
carrier.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

from benchmarks.border.mutations import BANK, PLATFORM, Found, Mutation, World, refusal
from benchmarks.border.playing import play
from crypto import seal
from crypto.bfv import Ciphertexts, PublicKey
from crypto.controls import secret_key_as_a_public_one
from crypto.curve import BlindedPoints, RingKey
from crypto.private import Private
from crypto.sealed import DisclosedNumbers, TorusWords
from federation import message as messages
from federation.egress import Egress
from federation.governance.terms import Form, Use
from federation.ids import AGGREGATOR, PartyId
from federation.message import Flow, Message, PlainText, Role, message
from federation.messages import round as rounds
from federation.messages.logistic import BfvKey, Direction, MaskedLogit, Products, Residual
from parties.dataset import DatasetConfig
from parties.governance.canaries import Canaries, Planted

#: From the table as it was read, with the planted rows behind it, to what is sent instead of a message.
Change = Callable[[pd.DataFrame, Any], Message]
_CANON, _TYPE, _SIZE = "T-EGRESS-CANON", "T-EGRESS-TYPE", "T-EGRESS-SIZE"
_CANARY, _RECONCILE = "T-EGRESS-CANARY", "T-EGRESS-RECONCILE"


@contextlib.contextmanager
def _changed(party: PartyId, kind: type[Message], change: Change) -> Iterator[None]:
    """While it holds, the first `kind` that `party` sends is exchanged for what `change` makes."""
    tables: dict[str, pd.DataFrame] = {}
    plant, send, lock = Canaries.plant, Egress.send, threading.Lock()
    done: list[bool] = []

    def planted(self: Canaries, frame: pd.DataFrame, dataset: DatasetConfig) -> Planted:
        found = plant(self, frame, dataset)
        tables[dataset.party] = found.frame
        return found

    def sent(self: Egress, to: PartyId, sending: Message) -> None:
        with lock:
            due = self._guard.me == party and type(sending) is kind and not done
            if due:
                done.append(True)
        send(self, to, change(tables[party], sending) if due else sending)

    with mock.patch.object(Canaries, "plant", planted), mock.patch.object(Egress, "send", sent):
        yield


def _instead(party: PartyId, kind: type[Message], change: Change) -> Callable[[World], Found]:
    """The mutation that exchanges a message, judged by who refused, and by what the carrier saw."""

    def seed(world: World) -> Found:
        with _changed(party, kind, change):
            played = play(world.sandbox)
        found = refusal(played)
        if not played.reconciled(party).agrees:  # Refused, and yet something went past the guard log.
            return Found((), f"{found.told}; but the carrier saw more than the guard log")
        return found

    return seed


def _row(frame: pd.DataFrame) -> bytes:
    """The last row, a planted one, as a file would have it."""
    return ",".join(str(cell) for cell in frame.iloc[-1]).encode()


# -- messages of one's own ----------------------------------------------------------------------------------


@contextlib.contextmanager
def _own_types() -> Iterator[None]:
    """Types that are made meanwhile stand among the program's own for as long as that."""
    before = dict(messages.REGISTRY)
    try:
        with contextlib.ExitStack() as stack:
            for kind in (PartyId, PlainText):
                stack.enter_context(mock.patch.object(rounds, kind.__name__, kind, create=True))
            yield
    finally:
        messages.REGISTRY.clear()
        messages.REGISTRY.update(before)


def _row_as_text(world: World) -> Found:
    with _own_types():

        @message("round/config", Flow(Role.PARTY, Role.PARTY), form=Form.CONTROL)
        class Config(Message):
            text: PlainText
            __module__ = rounds.__name__  # As if the program's own messages had such a field.

        def change(frame: pd.DataFrame, _: Message) -> Message:
            return Config(PlainText(base64.b64encode(_row(frame)).decode()))

        return _instead(PLATFORM, MaskedLogit, change)(world)


def _row_as_name(world: World) -> Found:
    with _own_types():

        @message("round/metric", Flow(Role.PARTY, Role.PARTY), form=Form.AGGREGATE, of=(Use.FEATURE,))
        class Metric(Message):
            name: PartyId
            value: int
            __module__ = rounds.__name__

        def change(frame: pd.DataFrame, _: Message) -> Message:
            return Metric(PartyId(_row(frame).decode()), 1)

        return _instead(PLATFORM, MaskedLogit, change)(world)


# -- ciphertexts --------------------------------------------------------------------------------------------


def _with_part(sent: Ciphertexts, part: bytes) -> Ciphertexts:
    return Ciphertexts(sent.key_id, sent.rows, (part, *sent.parts[1:]))


def _unknown_field(frame: pd.DataFrame, sent: Residual) -> Message:
    row = _row(frame)
    behind = bytes([(15 << 3) | 2, len(row)]) + row  # Protobuf: field 15, of which a reader takes no notice.
    return Residual(_with_part(sent.shifted, sent.shifted.parts[0] + behind))


def _grown(frame: pd.DataFrame, sent: Residual) -> Message:
    row, part = _row(frame), sent.shifted.parts[0]
    grown = part[:8] + struct.pack("<Q", len(part) + len(row)) + part[16:] + row
    return Residual(_with_part(sent.shifted, grown))


def _secret_key(frame: pd.DataFrame, sent: BfvKey) -> Message:
    return BfvKey(PublicKey(secret_key_as_a_public_one()))


def _transparent(frame: pd.DataFrame, sent: Products) -> Message:
    part = sent.answers.parts[0]
    return Products(_with_part(sent.answers, part[: -8 * 8192] + bytes(8 * 8192)))


def _plain(frame: pd.DataFrame, sent: Residual) -> Message:
    return Residual(_with_part(sent.shifted, seal.stored(frame.iloc[:, 1].to_numpy().tobytes())))


# -- words --------------------------------------------------------------------------------------------------


def _oversize(frame: pd.DataFrame, sent: MaskedLogit) -> Message:
    return MaskedLogit(TorusWords(sent.words.data * 64))


def _carrying(encode: Callable[[pd.DataFrame], bytes]) -> Change:
    """A masked vector of the right size, with the planted rows in some encoding instead of words."""

    def change(frame: pd.DataFrame, sent: MaskedLogit) -> Message:
        put, size = encode(frame), len(sent.words.data)
        if len(put) > size:
            raise ValueError("the message has no room for the encoded row")
        return MaskedLogit(TorusWords(put + sent.words.data[len(put) :]))

    return change


def _numbers(frame: pd.DataFrame) -> Any:
    return frame.select_dtypes("number").iloc[-4:].to_numpy(dtype=np.float64)


ENCODINGS: dict[str, Callable[[pd.DataFrame], bytes]] = {
    "as text": _row,
    "in gzip": lambda frame: gzip.compress(_row(frame)),
    "in zlib": lambda frame: zlib.compress(_row(frame)),
    "in hexadecimal": lambda frame: _row(frame).hex().encode(),
    "in base64": lambda frame: base64.b64encode(_row(frame)),
    "in base64 of gzip": lambda frame: base64.b64encode(gzip.compress(_row(frame))),
    "in UTF-16": lambda frame: _row(frame).decode().encode("utf-16"),
    "as float32": lambda frame: _numbers(frame).astype("<f4").tobytes(),
    "as float64": lambda frame: _numbers(frame).tobytes(),
    "as big-endian float64": lambda frame: _numbers(frame).astype(">f8").tobytes(),
    "as big-endian integers": lambda frame: _numbers(frame).astype(">i8").tobytes(),
    "as big-endian decimals": lambda frame: f"{int(_numbers(frame)[-1, 0]):020d}".encode("utf-16-be"),
}


def _low_bits(frame: pd.DataFrame, sent: Direction) -> Message:
    """A row in the low bits of an update's mantissas, four in each: as precise as before, and a leak."""
    numbers = np.frombuffer(sent.coefficients.to_wire(), dtype="<u8").copy()  # type: ignore[arg-type]
    bits = np.unpackbits(np.frombuffer(_row(frame), dtype=np.uint8))[: 4 * len(numbers)]
    nibbles = np.packbits(np.pad(bits, (0, -len(bits) % 4)).reshape(-1, 4), axis=1).ravel() >> 4
    hidden = (numbers & ~np.uint64(15)) | np.resize(nibbles, len(numbers)).astype(np.uint64)
    return Direction(sent.move, DisclosedNumbers.from_wire(hidden.astype("<u8").tobytes()))


# -- other ways out -----------------------------------------------------------------------------------------


def _unblinded(world: World) -> Found:
    """An alignment that "blinds" by padding."""

    def padded(key: RingKey, ids: Private[tuple[bytes, ...]]) -> BlindedPoints:
        return BlindedPoints(b"".join(each[:32].ljust(32, b"\0") for each in ids.open_locally()))

    with mock.patch.object(RingKey, "first", padded):
        return refusal(play(world.sandbox))


def _second_way_out(world: World) -> Found:
    """Bytes that go to the transport past the exit: no message, no journal line."""
    send, lock = Egress.send, threading.Lock()
    done: list[bool] = []

    def sent(self: Egress, to: PartyId, sending: Message) -> None:
        with lock:
            due = self._guard.me == PLATFORM and type(sending) is MaskedLogit and not done
            if due:
                done.append(True)
        if due:
            self._transport.send(AGGREGATOR, b"a row that goes its own way")
        send(self, to, sending)

    with mock.patch.object(Egress, "send", sent):
        played = play(world.sandbox)
    both = played.reconciled(PLATFORM)
    if both.agrees:
        return Found((), "guard log and carrier tell the same")
    told = f"the carrier saw {both.captured_bytes} bytes, the guard log has {both.guard_bytes}"
    return Found((_RECONCILE,), told)


MUTATIONS: tuple[Mutation, ...] = (
    Mutation("raw row as base64 in a text field", "egress", _TYPE, _row_as_text),
    Mutation("raw row in a metric's name", "egress", _TYPE, _row_as_name),
    Mutation(
        "raw row as unknown protobuf field behind a ciphertext",
        "egress",
        _CANON,
        _instead(BANK, Residual, _unknown_field),
    ),
    Mutation(
        "raw row inside the stated size of a ciphertext", "egress", _CANON, _instead(BANK, Residual, _grown)
    ),
    Mutation("secret key for a public one", "egress", _CANON, _instead(BANK, BfvKey, _secret_key)),
    Mutation("transparent ciphertext", "egress", _CANON, _instead(PLATFORM, Products, _transparent)),
    Mutation("plain update labelled encrypted", "egress", _CANON, _instead(BANK, Residual, _plain)),
    Mutation("oversize message", "egress", _SIZE, _instead(PLATFORM, MaskedLogit, _oversize)),
    Mutation("second way out past the guard", "egress", _RECONCILE, _second_way_out),
    Mutation("identifiers that nobody blinded", "egress", _CANON, _unblinded),
    *(
        Mutation(f"planted row {name}", "egress", _CANARY, _instead(PLATFORM, MaskedLogit, _carrying(encode)))
        for name, encode in ENCODINGS.items()
    ),
    Mutation(
        "row in the low bits of an update's mantissas",
        "egress",
        _CANARY,
        _instead(BANK, Direction, _low_bits),
        limit=True,
    ),
)
