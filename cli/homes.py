"""`--home`: the folder that a command works in, the same option at every command of a role."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

#: The folders where commands look by themselves.
FEDERATION_HOME, PARTY_HOME = "federation", "party"


def at_home(home: Path, default: str) -> str:
    """What a command that people are told to run says of the folder: nothing where it is the default."""
    return "" if home == Path(default) else f" --home {home}"


def _home(default: str, help_text: str) -> Callable[[F], F]:
    return click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(default),
        show_default=True,
        help=help_text,
    )


def federation_home(command: F) -> F:
    """`--home` at the coordinator."""
    return _home(FEDERATION_HOME, "The federation's folder.")(command)


def party_home(command: F) -> F:
    """`--home` at a party."""
    return _home(PARTY_HOME, "The party's folder.")(command)


def role_home(command: F) -> F:
    """`--home` of a command that a party and the coordinator have alike."""
    return _home(PARTY_HOME, "The party's folder, or the federation's.")(command)
