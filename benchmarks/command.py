"""`isthmus bench`: found by its entry point (pyproject.toml), since cli/ imports nothing from here."""

from __future__ import annotations

import click

from benchmarks.attacks.command import attacks
from benchmarks.border.command import border
from benchmarks.endurance.command import endurance
from benchmarks.faults.command import faults
from benchmarks.leakage.command import leakage
from benchmarks.robustness.command import robustness
from benchmarks.speed.command import speed


@click.group(name="bench")
def command() -> None:
    """Measure speed, bytes, borders, endurance, faults, what bad parties do and curious ones infer."""


command.add_command(speed)
command.add_command(robustness)
command.add_command(leakage)
command.add_command(attacks)
command.add_command(border)
command.add_command(endurance)
command.add_command(faults)
