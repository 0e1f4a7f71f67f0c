"""`isthmus bench endurance`: parses, measures, prints."""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.progress import shown
from benchmarks.speed.table import table
from cli.output import format_option, say


@click.command()
@click.option("--rounds", type=click.IntRange(20), default=100, show_default=True)
@click.option("--firms", type=click.IntRange(3000), default=3000, show_default=True, help="At the bank.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the firms.")
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw memory by round into this PNG file."
)
@format_option
def endurance(rounds: int, firms: int, seed: int, plot: Path | None, output: str) -> None:
    """Play one round after the other on one federation and look at what each role still holds.

    Three parties and an aggregator as processes of their own. After each round, once every node is idle, the
    memory, threads, descriptors and sockets of each role's processes and the files that lie beside the rounds
    are counted; at rest too, the aggregator then without the nodes. Ends with 1 where memory grew by more
    than 5 % from the second tenth of the rounds to the last, or a process, a thread, a socket, a descriptor
    or a file was left. A hundred rounds take about twenty minutes.
    """
    from benchmarks.endurance.measuring import drawn, measure

    with shown(f"{rounds} rounds in a row") as progress:
        found = measure(rounds, firms, seed=seed, say=progress)
    if plot is not None:
        drawn(found, plot)
    figures = found.figures()
    say(output, figures, table({name: each for name, each in figures.items() if name != "rounds_each"}))
    raise SystemExit(0 if found.steady else 1)
