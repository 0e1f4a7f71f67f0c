"""The ClientApp that the bundle names at a party. It refuses: `parties.node` runs one of its own instead.

So a stock Flower executor that is pointed at this party's SuperNode gets nothing from it.
"""

from __future__ import annotations

from crypto.errors import UsageError
from federation.flower.client_app import client_app


def _refuse(payload: bytes) -> bytes:
    raise UsageError(
        "this app runs inside the party's own process only",
        advice="Use `isthmus party start`; it takes the place of flower-superexec.",
    )


app = client_app(_refuse)
