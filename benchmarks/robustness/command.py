"""`isthmus bench robustness`: parses, measures, prints."""

from __future__ import annotations

import click

from benchmarks.progress import shown
from benchmarks.speed.table import table
from cli.output import format_option, say


@click.command()
@click.option("--parties", type=click.IntRange(6, 64), default=9, show_default=True)
@click.option("--groups", type=click.IntRange(3, 16), default=3, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=10, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=10, show_default=True, help="So many seeds.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The first of them.")
@format_option
def robustness(parties: int, groups: int, rounds: int, repeat: int, seed: int, output: str) -> None:
    """Train with one bad party among several: who notices, and what the model is worth.

    The parties, their data and the bad one are made up from the seed. Sums are made in plain; the rest is
    the product's own: training, clipping, groups and their median, screens.
    """
    from benchmarks.robustness.measuring import measure

    with shown(f"training {repeat} times with each kind of bad party") as progress:
        figures = measure(parties, groups, rounds, repeat, seed=seed, say=progress)
    say(output, figures, table(figures))
