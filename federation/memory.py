"""Giving memory back to the system after a round, so that a service that runs for months stays as it was.

A round allocates in many threads and frees in others. glibc keeps what was freed for each arena, and what it
keeps grows over dozens of rounds.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from typing import Any


def give_back() -> None:
    """Collect what is garbage, and return free pages of the heap where the system can (malloc_trim(3))."""
    gc.collect()
    if (trim := _trim()) is not None:
        trim(0)


def _trim() -> Callable[[int], Any] | None:
    """glibc's function; other C libraries have none."""
    try:
        found: Callable[[int], Any] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return found
