"""Wrong programs. Each marked line is one that strict mypy must refuse, with the code that it names.

`test_refused.py` runs mypy on this file and compares. Nothing here is ever run: pyproject's mypy
`exclude` keeps the file out of the ordinary check, and pytest does not collect it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crypto.bfv import Ciphertexts, Columns, KeyPair, Scheme
from crypto.masks import PairwiseMasks
from crypto.private import Private
from crypto.sealed import DisclosedNumbers, MaskedWords, Sealed, TorusWords, Words32, Words64
from crypto.summation.protection import GroupKey
from crypto.summation.stream import KeyStream
from federation.egress import Egress
from federation.ids import PartyId, RunId, party_id
from federation.message import Digest, Message
from federation.messages.alignment import RingPoints, RingTags
from federation.messages.logistic import Direction, GramShare, LogitShare, MaskedLogit, Move, Opened, Residual
from federation.messages.round import Prepared, Progress, Receipt, Step
from federation.messages.sum import OwnMask, SumKey, Total, Upload
from federation.session import Session

Integers = np.ndarray[tuple[int], np.dtype[np.int64]]


def what_is_no_message(egress: Egress, session: Session, bank: PartyId, frame: pd.DataFrame) -> None:
    egress.send(bank, frame)  # refused: arg-type
    egress.send(bank, Private(frame))  # refused: arg-type
    egress.send(bank, [0.25, 0.5])  # refused: arg-type
    egress.send(bank, b"rows")  # refused: arg-type
    egress.send(bank, "rows")  # refused: arg-type
    egress.send(bank, {"turnover": 3})  # refused: arg-type
    egress.send(bank, TorusWords(b""))  # refused: arg-type
    egress.send(bank, Prepared)  # refused: arg-type
    session.send(bank, frame)  # refused: arg-type
    session.send(bank, b"rows")  # refused: arg-type
    session.send_all([bank], frame)  # refused: arg-type
    egress.send("bank", Prepared(3))  # refused: arg-type
    egress.send(bank, Prepared(3))


def messages_built_from_what_must_stay(
    ids: Private[list[bytes]], labels: Private[Integers], words: Words64, torus: Words32, frame: pd.DataFrame
) -> None:
    GramShare(words)  # refused: arg-type
    GramShare(Private(MaskedWords(b"")))  # refused: arg-type
    MaskedLogit(torus)  # refused: arg-type
    MaskedLogit(MaskedWords(b""))  # refused: arg-type
    LogitShare(labels)  # refused: arg-type
    Residual(labels)  # refused: arg-type
    Opened(TorusWords(b""))  # refused: arg-type
    RingPoints(PartyId("bank"), ids)  # refused: arg-type
    RingTags("bank", ids)  # refused: arg-type
    Direction(Move.STEP, [0.5])  # refused: arg-type
    Direction("step", DisclosedNumbers.of([0.5]))  # refused: arg-type
    Prepared(0.5)  # refused: arg-type
    Prepared(frame)  # refused: arg-type
    Prepared(Private(3))  # refused: arg-type
    Progress(Step.TRAIN, 1, labels)  # refused: arg-type
    Receipt(1, 2, 3, 4, 5, 6, bytes(32))  # refused: arg-type
    Receipt(1, 2, 3, 4, 5, 6, Digest(bytes(32)))
    Upload(Digest(bytes(32)), (PartyId("bank"),), words)  # refused: arg-type
    Upload(Digest(bytes(32)), (PartyId("bank"),), GroupKey(bytes(32)))  # refused: arg-type
    Total(Digest(bytes(32)), (), Private(words), False)  # refused: arg-type
    SumKey(bytes(32))  # refused: arg-type
    OwnMask(Digest(bytes(32)), KeyStream(bytes(32), "mask"))  # refused: arg-type
    Prepared(columns=3, turnover=frame)  # refused: call-arg


def a_message_changed_after_it_was_checked(message: Prepared, words: TorusWords) -> None:
    message.columns = 4  # refused: misc
    words.data = b"other"  # refused: misc


def plaintext_where_a_private_value_is_due(
    keys: KeyPair, scheme: Scheme, residues: Words64, plain: Integers, sealed: Ciphertexts
) -> None:
    keys.encrypt(residues)  # refused: arg-type
    Columns(scheme, plain)  # refused: arg-type
    keys.slot_sums(b"answers", 3)  # refused: arg-type
    scheme.load(sealed, keys, 3)  # refused: arg-type
    keys.encrypt(Private(residues))


def a_private_value_used_as_if_it_were_open(rows: Private[list[float]], number: Private[int]) -> None:
    len(rows)  # refused: arg-type
    rows[0]  # refused: index
    number + 1  # refused: operator
    float(number)  # refused: arg-type
    sum(rows.open_locally())


def another_type_in_a_sealed_ones_place(masks: PairwiseMasks, partners: list[str]) -> None:
    sealed: Sealed = DisclosedNumbers.of([0.5])  # refused: assignment
    masks.words("label", partners, 3)  # refused: arg-type
    del sealed


def names_that_nobody_parsed(session: Session) -> None:
    name: PartyId = "bank"  # refused: assignment
    run: RunId = party_id("bank")  # refused: assignment
    session.receive("bank", Prepared)  # refused: arg-type
    session.receive(party_id("bank"), bytes)  # refused: type-var
    del name, run


def a_message_without_its_decorator() -> Message:
    class Homemade(Message):
        rows: list[float]

    return Homemade([0.5])  # refused: call-arg
