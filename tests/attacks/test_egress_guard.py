"""What could leave besides a message, tried through the real exit with a party's policy: refused by its rule.

The mutations of the compliance research, section 1.3, "egress". Low bits of an update's mantissas and the
randomness of a ciphertext are not found: that is a declared limit.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tenseal import sealapi

from crypto import seal
from crypto.bfv import Ciphertexts, Columns, KeyPair, PublicKey, Scheme
from crypto.envelope import Binding, SessionKeys
from crypto.private import Private
from crypto.sealed import MaskedWords
from federation import message as messages
from federation.egress import Egress, Guard
from federation.errors import EgressRefused
from federation.governance.terms import Form, Use
from federation.ids import AGGREGATOR, PartyId
from federation.journal import MemoryJournal
from federation.message import Flow, Message, PlainText, Role, message
from federation.messages import round as rounds
from federation.messages.logistic import BfvKey, Opened, Products, Residual
from federation.messages.round import Prepared, Progress, Step
from tests.federation.governance.guard.granted import ATTEMPT, BANK, PLATFORM, guard

ROW = b"9144030071526726XX,123456.78,overdue"


class Wire:
    """A transport that keeps what it was handed."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def send(self, to: PartyId, envelope: bytes) -> None:
        self.frames.append(envelope)

    def receive(self, sender: PartyId, timeout: float) -> bytes:
        raise NotImplementedError

    def end(self, cause: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class Exit:
    """The bank's real exit, with its guard."""

    def __init__(self) -> None:
        self.wire, self.journal = Wire(), MemoryJournal()
        secrets = {seat: seat.encode().ljust(32) for seat in ATTEMPT.roles if seat != BANK}
        keys = SessionKeys(BANK, Binding(ATTEMPT.run, 1, bytes(32)), secrets)
        self.egress = Egress(
            Guard(BANK, ATTEMPT.roles), keys, self.journal, self.wire, "credit-scoring", guard()
        )

    def refuses(self, rule: str, *sent: Message, to: PartyId = PLATFORM) -> None:
        """The last of `sent` is refused by `rule`, and nothing of it left."""
        for each in sent[:-1]:
            self.egress.send(to, each)
        before = len(self.wire.frames)
        with pytest.raises(EgressRefused, match=rule) as refused:
            self.egress.send(to, sent[-1])
        assert refused.value.rule == rule and rule in refused.value.advice
        assert len(self.wire.frames) == len(self.journal.entries) == before


@pytest.fixture
def own_types(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Types that a test makes stand among the program's own for as long as the test lasts."""
    before = dict(messages.REGISTRY)
    for name in (PartyId, PlainText, MaskedWords):
        monkeypatch.setattr(rounds, name.__name__, name, raising=False)
    yield
    messages.REGISTRY.clear()
    messages.REGISTRY.update(before)


@pytest.fixture(scope="module")
def key() -> KeyPair:
    return Scheme().generate()


@pytest.fixture(scope="module")
def residual(key: KeyPair) -> Residual:
    return Residual(key.encrypt(Private(Scheme().uniform(500))))


def changed(residual: Residual, part: bytes) -> Residual:
    return Residual(Ciphertexts(residual.shifted.key_id, residual.shifted.rows, (part,)))


def test_what_the_protocol_sends_leaves(key: KeyPair, residual: Residual) -> None:
    out = Exit()
    for each in (Prepared(3), BfvKey(key.public), residual, Opened(MaskedWords(bytes(24)))):
        out.egress.send(PLATFORM, each)
    out.egress.send(AGGREGATOR, Progress(Step.TRAIN, 1, 100))
    assert len(out.wire.frames) == len(out.journal.entries) == 5
    assert [entry.form for entry in out.journal.entries][2:4] == ["encrypted-update", "aggregate"]


@pytest.mark.usefixtures("own_types")
def test_a_raw_row_as_base64_in_a_text_is_refused() -> None:
    @message("round/note", Flow(Role.PARTY, Role.PARTY), form=Form.CONTROL)
    class Note(Message):
        text: PlainText
        __module__ = rounds.__name__  # Even if the program's own messages had such a field.

    Exit().refuses("T-EGRESS-TYPE", Note(PlainText(base64.b64encode(ROW).decode())))


@pytest.mark.usefixtures("own_types")
def test_a_raw_row_as_the_name_of_a_metric_is_refused() -> None:
    @message("round/metric", Flow(Role.PARTY, Role.PARTY), form=Form.AGGREGATE, of=(Use.LABEL,))
    class Metric(Message):
        name: PartyId
        value: int
        __module__ = rounds.__name__

    Exit().egress.send(PLATFORM, Metric(PLATFORM, 1))
    Exit().refuses("T-EGRESS-TYPE", Metric(PartyId(ROW.decode()), 1))


@pytest.mark.usefixtures("own_types")
def test_a_message_type_of_ones_own_is_refused() -> None:
    @message("round/rows", Flow(Role.PARTY, Role.PARTY), form=Form.CONTROL)
    class Rows(Message):
        words: MaskedWords

    Exit().refuses("T-EGRESS-TYPE", Rows(MaskedWords(ROW.ljust(40))))


def test_an_unknown_field_behind_a_ciphertext_is_refused(residual: Residual) -> None:
    part = residual.shifted.parts[0]
    unknown = bytes([(15 << 3) | 2, len(ROW)]) + ROW  # Protobuf: field 15, as in the measured attack.
    grown = part[:8] + struct.pack("<Q", len(part) + len(unknown)) + part[16:] + unknown
    Exit().refuses("T-EGRESS-CANON", changed(residual, part + unknown))
    Exit().refuses("T-EGRESS-CANON", changed(residual, grown))


def test_a_secret_key_in_the_place_of_a_public_one_is_refused() -> None:
    generator = sealapi.KeyGenerator(Scheme()._context)
    Exit().refuses("T-EGRESS-CANON", BfvKey(PublicKey(seal.save(generator.secret_key()))))


def test_a_transparent_ciphertext_is_refused(key: KeyPair, residual: Residual) -> None:
    scheme = Scheme()
    columns = Columns(scheme, Private(np.ones((500, 1), dtype=np.int64)))
    loaded = scheme.load(residual.shifted, key.public, 500)
    answers, _ = scheme.inner_products(loaded, columns, key.public)
    Exit().egress.send(PLATFORM, Products(answers))
    clear = answers.parts[0][: -8 * 8192] + bytes(8 * 8192)  # Its second polynomial is zero.
    Exit().refuses("T-EGRESS-CANON", Products(Ciphertexts(answers.key_id, answers.rows, (clear,))))


def test_a_plain_vector_labelled_encrypted_is_refused(residual: Residual) -> None:
    plain = sealapi.Plaintext()
    scheme = Scheme()
    scheme._encoder.encode([123456, 78], plain)
    Exit().refuses("T-EGRESS-CANON", changed(residual, seal.save(plain)))
    Exit().refuses("T-EGRESS-CANON", changed(residual, seal.stored(ROW)))


def test_an_oversize_message_is_refused(residual: Residual, key: KeyPair) -> None:
    Exit().refuses("T-EGRESS-SIZE", Prepared(3), Opened(MaskedWords(ROW.ljust(40) * 200)))
    more = key.encrypt(Private(Scheme().uniform(40_000)))  # Of a table of a thousand rows.
    Exit().refuses("T-EGRESS-SIZE", Residual(more))


def test_a_message_that_comes_too_often_is_refused() -> None:
    out = Exit()
    policy: Any = out.egress.policy
    policy._counts["logistic/opened", PLATFORM] = 10**9
    out.refuses("T-EGRESS-SIZE", Opened(MaskedWords(bytes(8))))
