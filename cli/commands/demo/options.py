"""What the demos share: options, sentences on the way, sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.paths import OUT_FOLDER

F = TypeVar("F", bound=Callable[..., Any])


def seed_option(command: F) -> F:
    """`--seed` of what is generated."""
    return click.option("--seed", type=int, default=1, show_default=True, help="Seed of the generator.")(
        command
    )


def out_option(command: F) -> F:
    """`--out`, the folder of the whole federation."""
    return click.option(
        "--out",
        type=OUT_FOLDER,
        default=Path("isthmus-demo"),
        show_default=True,
        help="Where everything is written; an earlier demo there is replaced.",
    )(command)


def tell(sentences: Iterable[str]) -> None:
    """Each sentence on a line of the standard error."""
    for sentence in sentences:
        click.echo(sentence, err=True)


def megabytes(sent: Mapping[str, int]) -> str:
    """Who sent how much, in a line."""
    return ", ".join(f"{name} {count / 1e6:,.1f} MB" for name, count in sent.items())
