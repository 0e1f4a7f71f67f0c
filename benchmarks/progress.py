"""How far a long measurement is, on the standard error, so that the standard output holds figures only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Called with what is going on now. Cheap, and safe to call from any thread.
Say = Callable[[str], None]


def silent(text: str) -> None:
    """Say nothing."""


@contextmanager
def shown(title: str) -> Iterator[Say]:
    """A line that changes in place on a terminal; on anything else only the title, once."""
    from rich.console import Console

    console = Console(stderr=True)
    if not sys.stderr.isatty():
        console.print(title, highlight=False)
        yield silent
        return
    with console.status(title) as status:
        yield lambda text: status.update(f"{title}: {text}")
