"""The commands of `isthmus bench speed`: each parses, measures, prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from benchmarks.progress import shown
from benchmarks.speed.table import table
from cli.output import format_option, say

_repeat = click.option(
    "--repeat", type=click.IntRange(1), default=3, show_default=True, help="Repetitions; medians are printed."
)
_seed = click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the data; keys stay random."
)


@click.group()
def speed() -> None:
    """Measure processor seconds, bytes and memory on this machine.

    All roles of a measurement run here, with the product's own sessions, exit and message forms; figures
    are processor seconds of each role, so they do not depend on how many roles share a core. Keep other
    load away all the same: it slows memory and clocks.
    """


@speed.command()
@click.option(
    "--repeat", type=click.IntRange(20), default=1000, show_default=True, help="Round trips of 1 KiB."
)
@format_option
def exchange(repeat: int, output: str) -> None:
    """Time round trips between two parties through the exchange: three processes, mutual TLS, loopback."""
    from benchmarks.speed.exchange import measure

    with shown(f"{repeat} round trips of 1 KiB, three of 50 MB"):
        figures = measure(repeat)
    _say(output, figures)


@speed.command()
@click.option(
    "--ids", "count", type=click.IntRange(2), default=100_000, show_default=True, help="At each party."
)
@click.option("--parties", type=click.IntRange(2, 8), default=3, show_default=True)
@_repeat
@_seed
@format_option
def psi(count: int, parties: int, repeat: int, seed: int, output: str) -> None:
    """Align identifiers (private set intersection), half of which all parties have."""
    from benchmarks.speed.alignment import measure

    with shown(f"aligning {count} identifiers at each of {parties} parties") as progress:
        figures = measure(count, parties, repeat, seed=seed, say=progress)
    _say(output, figures)


@speed.command()
@click.option("--rows", type=click.IntRange(100), default=30_000, show_default=True)
@click.option(
    "--columns", type=click.IntRange(2), default=23, show_default=True, help="Of all parties together."
)
@click.option("--parties", type=click.IntRange(2, 8), default=2, show_default=True)
@click.option(
    "--tolerance",
    type=click.FloatRange(0, min_open=True),
    default=2e-4,
    show_default=True,
    help="Training ends when the norm of the mean gradient is at most this.",
)
@_repeat
@_seed
@format_option
def logistic(
    rows: int, columns: int, parties: int, tolerance: float, repeat: int, seed: int, output: str
) -> None:
    """Train a logistic regression over columns that several parties hold, and compare with pooled data."""
    from benchmarks.speed.logistic import measure

    with shown(f"training on {rows} rows of {columns} columns at {parties} parties") as progress:
        figures = measure(rows, columns, parties, repeat, tolerance=tolerance, seed=seed, say=progress)
    _say(output, figures)


@speed.command()
@click.option("--rows", type=click.IntRange(100, 1 << 20), default=24_000, show_default=True)
@click.option("--features", type=click.IntRange(1, 1000), default=13, show_default=True, help="Of one host.")
@click.option("--bins", type=click.IntRange(2, 256), default=32, show_default=True)
@click.option("--depth", type=click.IntRange(1, 10), default=5, show_default=True)
@click.option("--prefer", type=click.Choice(["speed", "bytes"]), default="speed", show_default=True)
@_repeat
@_seed
@format_option
def histogram(
    rows: int,
    features: int,
    bins: int,
    depth: int,
    prefer: Literal["speed", "bytes"],
    repeat: int,
    seed: int,
    output: str,
) -> None:
    """Add up one tree's encrypted gradients over a host's bins."""
    from benchmarks.speed.histogram import measure

    with shown(f"histograms of {rows} rows, {features} features, {bins} bins") as progress:
        figures = measure(rows, features, bins, depth, prefer, repeat, seed=seed, say=progress)
    _say(output, figures)


@speed.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with default_credit in FATE's split; generated rows of the same size without it.",
)
@click.option("--trees", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--depth", type=click.IntRange(1, 8), default=5, show_default=True)
@click.option("--bins", type=click.IntRange(2, 128), default=32, show_default=True)
@click.option("--prefer", type=click.Choice(["speed", "bytes"]), default="speed", show_default=True)
@click.option(
    "--minimum-support",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="Rows that no told sum rests on fewer of; 0, which no plan may have, grows XGBoost's own trees.",
)
@_repeat
@_seed
@format_option
def boosting(
    data: Path | None,
    trees: int,
    depth: int,
    bins: int,
    prefer: Literal["speed", "bytes"],
    minimum_support: int,
    repeat: int,
    seed: int,
    output: str,
) -> None:
    """Grow boosted trees over columns that two parties hold, and compare with XGBoost on pooled data."""
    from benchmarks.speed.boosting import measure

    with shown(f"{trees} trees of depth {depth}") as progress:
        figures = measure(
            trees,
            depth,
            bins,
            prefer,
            repeat,
            minimum_support=minimum_support,
            data=data,
            seed=seed,
            say=progress,
        )
    _say(output, figures)


@speed.command("secure-sum")
@click.option("--parameters", type=click.IntRange(1, 1 << 26), default=1 << 20, show_default=True)
@click.option("--clients", type=click.IntRange(2, 16), default=5, show_default=True)
@_repeat
@_seed
@format_option
def secure_sum(parameters: int, clients: int, repeat: int, seed: int, output: str) -> None:
    """Add up model updates under each protection, and under the CKKS that is common elsewhere."""
    from benchmarks.speed.secure_sum import measure

    with shown(f"adding up {parameters} parameters of {clients} clients") as progress:
        figures = measure(parameters, clients, repeat, seed=seed, say=progress)
    _say(output, figures)


@speed.command()
@click.option(
    "--sizes",
    default="30000,100000,300000,1000000",
    show_default=True,
    metavar="N,N,..",
    help="Borrowers to generate, of whom about three in four are known to all parties.",
)
@click.option(
    "--model",
    "kinds",
    type=click.Choice(["scorecard", "boosting", "logistic"]),
    multiple=True,
    default=("scorecard", "boosting"),
    show_default=True,
)
@click.option("--trees", type=click.IntRange(1), default=5, show_default=True)
@_seed
@format_option
def scale(
    sizes: str,
    kinds: tuple[Literal["scorecard", "boosting", "logistic"], ...],
    trees: int,
    seed: int,
    output: str,
) -> None:
    """Let three parties make models of more and more firms: seconds, bytes and memory of each role.

    Every role is a process of its own, over TLS, as in `isthmus demo`; a million firms take the better part
    of an hour on two cores.
    """
    from benchmarks.speed.scale import measure, sizes_of

    counts = sizes_of(sizes)
    with shown(f"{' and '.join(kinds)} of {sizes} firms") as progress:
        figures = measure(counts, kinds, trees, seed=seed, say=progress)
    _say(output, figures)


def _say(output: str, figures: dict[str, Any]) -> None:
    say(output, figures, table(figures))
