"""What to look for: each party's canaries, and the firms that only the aggregator must not know."""

from __future__ import annotations

from functools import cache

from tests.system.search import Needles, identifier_forms, text_forms, value_forms
from tests.system.tables import canary

#: Firms that every party knows: only the aggregator must not.
COMMON_FIRMS = tuple(f"firm-{number:05d}" for number in range(0, 600, 25))


def needles(party: str, context: str = "") -> Needles:
    """What only `party` holds. `context`: the run and attempt that identifiers are hashed under."""
    own = canary(party)
    contexts = [context.encode()] if context else []
    return Needles(
        identifier_forms(own.identifiers, contexts) | value_forms(own.values) | text_forms(own.text)
    )


@cache
def common_firms(context: str = "") -> Needles:
    return Needles(identifier_forms(COMMON_FIRMS, [context.encode()] if context else []))
