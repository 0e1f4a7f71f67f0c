"""What of an error may leave, and what of a foreign error is shown."""

from __future__ import annotations

import pytest
from flwr.app import ArrayRecord, ConfigRecord, RecordDict

from crypto.errors import IsthmusError, Refusal, UsageError
from federation.errors import MessageRefused, PeerSilent
from federation.flower.payload import packed, unpacked
from federation.flower.replies import FailedReply, code_and_cause, failed_reply


@pytest.mark.parametrize(
    "error",
    [
        Refusal("no", file="/srv/SECRET"),
        UsageError("not so", field="age"),
        PeerSilent("bank-b", "psi", 30),
        IsthmusError("odd"),
    ],
)
def test_an_error_of_ours_crosses_as_its_cause_and_exit_code(error: IsthmusError) -> None:
    reply = failed_reply(*code_and_cause(error))
    assert reply == FailedReply(error.exit_code, error.cause)
    assert "SECRET" not in reply.cause


def test_any_other_error_crosses_as_its_class_name() -> None:
    reply = failed_reply(*code_and_cause(ZeroDivisionError("SECRET")))
    assert reply == FailedReply(1, "IST-9001: internal error (ZeroDivisionError)")


def test_a_foreign_cause_is_bounded_and_printable() -> None:
    reply = failed_reply(103, "a\x1b[31m\n" + "b" * 10_000)
    assert reply.exit_code == 3
    assert reply.cause.isprintable()
    assert len(reply.cause) == 500
    assert failed_reply(103, None).cause


def test_flowers_own_errors_are_a_peers_failure_and_their_text_is_dropped() -> None:
    for code in (0, 2, 5, 7, 8, 99, 200, -1):
        reply = failed_reply(code, "SECRET")
        assert reply.exit_code == 4
        assert "SECRET" not in reply.cause
    assert "SuperNode went away" in failed_reply(5, None).cause


def test_a_payload_survives() -> None:
    payload = bytes(range(256))
    assert unpacked(packed(payload)) == payload


@pytest.mark.parametrize(
    "content",
    [
        RecordDict(),
        RecordDict({"isthmus": ArrayRecord()}),
        RecordDict({"isthmus": ConfigRecord()}),
        RecordDict({"isthmus": ConfigRecord({"payload": "text"})}),
        RecordDict({"isthmus": ConfigRecord({"payload": b"", "more": 1})}),
        RecordDict({"isthmus": ConfigRecord({"payload": b""}), "b": ConfigRecord()}),
    ],
)
def test_any_other_shape_is_refused(content: RecordDict) -> None:
    with pytest.raises(MessageRefused):
        unpacked(content)
