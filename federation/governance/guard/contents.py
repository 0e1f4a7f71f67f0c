"""What values must be at the exit: names of seats, every ciphertext in its one form, no free text.

`expected` answers for T-EGRESS-TYPE, `canonical` for T-EGRESS-CANON. Neither looks at what is encrypted.
Tags of an alignment are hashes, of which any 16 bytes could be one; `sizes` counts them.
"""

from __future__ import annotations

import typing
from collections.abc import Collection, Iterator
from typing import Any

from crypto import canonical as crypto_canonical
from crypto.curve import BlindedPoints
from crypto.errors import Refusal
from crypto.sealed import Travels
from federation.ids import PartyId, RunId
from federation.message import Message, PlainText, field_types

#: Points of a set that are looked at: one row in a hundred that is no point is found all but surely.
_DRAWN = 2048


def expected(message: Message, seats: Collection[str], run: str) -> bool:
    """Whether every name in it is a seat's or the run's, and there is no text: a row would fit in one."""
    for declared, value in _values(message):
        if declared is PartyId and value not in seats:
            return False
        if declared is RunId and value != run:
            return False
        if declared is PlainText:
            return False
    return True


def canonical(message: Message) -> bool:
    """Whether each value that travels has its one form, with nothing besides.

    Of an alignment's points a draw is looked at, 2 us each: the receiver looks at all of them.
    """
    try:
        for _, value in _values(message):
            if isinstance(value, BlindedPoints):
                value.check_some(_DRAWN)
            elif isinstance(value, Travels):
                type(value).from_wire(value.to_wire())
                crypto_canonical.check(value)
    except (Refusal, ValueError, TypeError, OverflowError):
        return False
    return True


def _values(message: Message) -> Iterator[tuple[Any, Any]]:
    """Declared type and value of every field, and of every element where a field is a tuple."""
    for name, declared in field_types(type(message)).items():
        value = getattr(message, name)
        parts = [part for part in typing.get_args(declared) if part not in (type(None), ...)]
        inner = parts[0] if parts else declared
        if isinstance(value, tuple):
            yield from ((inner, item) for item in value)
        elif value is not None:
            yield inner, value
