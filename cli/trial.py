"""`--dry-run`, the same option at every command that changes something: all its checks, and nothing changed.

What a command would write is made, so that whatever refuses it refuses it here too; it is dropped then.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.output import say

F = TypeVar("F", bound=Callable[..., Any])


def dry_run_option(command: F) -> F:
    """`--dry-run`, passed as `dry_run`. The command says what it would do with `say_would`, and returns."""
    return click.option(
        "--dry-run",
        is_flag=True,
        help="Check everything, say what would be written or sent, and change nothing.",
    )(command)


def say_would(output: str, *would: str, **facts: Any) -> None:
    """What a command would do, each as in "write loans.admission"; `facts` are for machines too."""
    lines = [f"would {each}" for each in would]
    say(
        output,
        {"dry_run": True, "would": list(would), **facts},
        "\n".join([*lines, "nothing was written or sent"]),
    )


@contextlib.contextmanager
def writing(out: Path, dry_run: bool) -> Iterator[Path]:
    """Where to write what is meant for `out`: in a dry run a file that is gone afterwards.

    It lies beside `out`, in a folder of mode 0700: what may not be written there is refused alike, and what
    is confidential does not leave the place that was chosen for it.
    """
    if not dry_run:
        yield out
        return
    place = next(folder for folder in out.absolute().parents if folder.is_dir())
    with tempfile.TemporaryDirectory(prefix=".isthmus-dry-run-", dir=place) as scratch:
        yield Path(scratch) / out.name
