"""The installed ClientApp of a party: what the bundle names, and what answers the coordinator's plans."""

from __future__ import annotations

from collections.abc import Callable

from crypto.errors import UsageError
from federation.flower.client_app import client_app

_registered: Callable[[bytes], bytes] | None = None


def answer_with(handler: Callable[[bytes], bytes]) -> None:
    """Name the handler of this process's messages. The party process calls it once, at its start."""
    global _registered
    _registered = handler


def answer(payload: bytes) -> bytes:
    """Hand a payload to the registered handler.

    Raises `UsageError` in any other process, so a stock Flower executor gets nothing from this party.
    """
    if _registered is None:
        raise UsageError(
            "this app runs inside the party's own process only",
            advice="Use `isthmus party start`; it takes the place of flower-superexec.",
        )
    return _registered(payload)


#: The app that the bundle names.
app = client_app(answer)
