"""How an error crosses Flower's messages, and what the coordinator makes of it.

Flower's own executor sends the text of any exception to the coordinator. Ours sends the cause of an
`IsthmusError`, which is made to travel (`crypto.errors`), and of anything else the class name alone: an
exception's text may quote a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from crypto.codes import Code, coded
from crypto.errors import IsthmusError

#: Flower numbers its own errors from 0 to 8 (`flwr.common.constant.ErrorCode`); ours start here.
_OUR_CODES = 100
_LONGEST_CAUSE = 500

#: What Flower itself says instead of a party's reply. Its reason text is not passed on.
_FLOWER_CAUSES: Mapping[int, str] = {
    3: "the message to the party expired before it was read",
    4: "the party's reply was lost on the way",
    5: "the party's SuperNode went away before it answered",
}


@dataclass(frozen=True, slots=True)
class FailedReply:
    """A party did not do what it was asked. `exit_code` is that of the tree in `crypto.errors`.

    `lost`: Flower says so of a message, and not the party: it may be in the middle of the round.
    """

    exit_code: int
    cause: str
    lost: bool = False


#: A party's reply: its payload, or why there is none.
Reply: TypeAlias = bytes | FailedReply


def code_and_cause(error: Exception) -> tuple[int, str]:
    """What may leave of `error`: the number for Flower's `Error` and the sentence beside it."""
    if isinstance(error, IsthmusError):
        return _OUR_CODES + error.exit_code, error.cause
    return _OUR_CODES + IsthmusError.exit_code, coded(
        Code.UNFORESEEN, f"internal error ({type(error).__name__})"
    )


def failed_reply(code: int, reason: str | None) -> FailedReply:
    """Read a Flower error that came from outside: the text is bounded and printable."""
    if _OUR_CODES < code < 2 * _OUR_CODES:
        text = "".join(letter if letter.isprintable() else " " for letter in (reason or "")[:_LONGEST_CAUSE])
        return FailedReply(code - _OUR_CODES, text or "no cause was given")
    cause = _FLOWER_CAUSES.get(code, f"Flower reported error {code} for the party")
    return FailedReply(4, cause, lost=code in _FLOWER_CAUSES)
