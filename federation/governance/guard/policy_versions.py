"""Which policy texts were ever shipped: a verdict by any other text is none.

Whoever makes a pack could put another policy into it and have its own ledger commit to that. So a reader
accepts a text by its digest alone, before anything of it is parsed. A new text of `policy.TEXT` is a new
version, added here in the same commit; old ones stay, as their packs do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

#: SHA-256 of the text -> its version.
SHIPPED: Mapping[str, str] = {
    "0a9bd1111ac882890fa69fb2a6dee5ea0f565edd2c6ddbb0bb11cfcd0785e071": "1",
}


def version_of(text: bytes) -> str | None:
    """The version of a policy text; None where Isthmus never shipped it."""
    return SHIPPED.get(hashlib.sha256(text).hexdigest())
