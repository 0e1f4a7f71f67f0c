"""The names that appear in every message: who, which run."""

from __future__ import annotations

import re
from typing import NewType

from crypto.codes import Code
from crypto.errors import UsageError

PartyId = NewType("PartyId", str)
RunId = NewType("RunId", str)

#: The aggregator's seat in every session. No party may take this name.
AGGREGATOR = PartyId("aggregator")

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")


def party_id(text: str) -> PartyId:
    """Parse a party's name: 2 to 32 lower-case letters, digits and hyphens, a letter first."""
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"{text!r} is not a party name",
            advice="Use 2 to 32 lower-case letters, digits or hyphens, starting with a letter.",
            code=Code.NAME_MALFORMED,
        )
    if text == AGGREGATOR:
        raise UsageError(
            f"{text!r} is the aggregator's own name",
            advice="Choose another name for the party.",
            code=Code.NAME_RESERVED,
        )
    return PartyId(text)
