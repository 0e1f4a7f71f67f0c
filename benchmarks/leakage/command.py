"""`isthmus bench leakage`: parses, measures, prints."""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.leakage.options import OPTIONS
from benchmarks.progress import shown
from benchmarks.speed.table import table
from cli.output import format_option, say


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="A folder with a table of each party, as for `isthmus demo`. Without it firms are generated.",
)
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="As for `isthmus demo`.")
@click.option(
    "--firms", type=click.IntRange(1000), default=6000, show_default=True, help="How many to generate."
)
@click.option("--option", "options", type=click.Choice(list(OPTIONS)), multiple=True, help="All by default.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@format_option
def leakage(
    data: Path | None, config: Path | None, firms: int, options: tuple[str, ...], seed: int, output: str
) -> None:
    """Infer outcomes from what parties without them see of scorecards and of boosted trees.

    The protocols run in this process with their own messages and encryption; the attacks have the views and
    nothing else, but for what their names say.
    """
    from benchmarks.leakage.measuring import measure
    from benchmarks.leakage.worlds import generated, of_files

    world = generated(firms, seed) if data is None else of_files(data, config)
    with shown("playing protocols and attacking what each party sees") as progress:
        figures = measure(world, options or tuple(OPTIONS), seed=seed, say=progress)
    say(output, figures, table(figures))
