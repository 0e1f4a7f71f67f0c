"""Every message there is, one module for each protocol: frozen, and made of sealed or public values alone.

Any protocol and the codec may import it. A message may never hold a row, a label or an identifier in clear.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache


@cache
def registered() -> None:
    """Import every module of messages, so that the registry knows all of them."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
