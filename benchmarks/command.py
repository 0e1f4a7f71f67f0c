"""`isthmus bench`: found by its entry point (pyproject.toml), since cli/ imports nothing from here."""

from __future__ import annotations

import click

from benchmarks.speed.command import speed


@click.group(name="bench")
def command() -> None:
    """Measure speed and bytes."""


command.add_command(speed)
