"""`isthmus bench faults`: parses, plays the matrix of faults, prints."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from benchmarks.progress import shown
from cli.output import format_option, say
from cli.paths import OUT_FOLDER
from crypto.codes import Code
from crypto.errors import UsageError


@click.command()
@click.option(
    "--cells", "names", multiple=True, help="Only cells whose name has this in it; may be repeated."
)
@click.option("--third", is_flag=True, help="A third that has each role, step and fault in it.")
@click.option("--list", "listed", is_flag=True, help="Name the cells and play none.")
@click.option(
    "--docs",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Write the table into this page, between its marks; of the whole matrix only.",
)
@click.option("--out", type=OUT_FOLDER, help="A new folder to keep every cell's folders and logs in.")
@format_option
def faults(
    names: tuple[str, ...], third: bool, listed: bool, docs: Path | None, out: Path | None, output: str
) -> None:
    """Break a round: kill, freeze, cut off, move, fill the disk, turn the clock, take the power.

    Each cell plays a round by real processes, deals one role one fault at one step, and judges: `resumed`
    (finished, with the models of an undisturbed round), `ended_cleanly` (every role was told the same cause,
    and the next round finishes) or `failed`. Ends with 1 where one failed. Needs Linux.
    """
    from benchmarks.faults import cells, matrix, table

    chosen = cells.third(matrix.chosen(names)) if third else matrix.chosen(names)
    if docs is not None and chosen != cells.CELLS:
        raise UsageError(
            "the page has the table of the whole matrix",
            field="--docs",
            advice="Leave --cells and --third out.",
        )
    if listed:
        say(output, {"cells": [cell.id for cell in chosen]}, "\n".join(cell.id for cell in chosen))
        return
    if out is not None and out.exists() and any(out.iterdir()):
        raise UsageError(
            "this folder holds something",
            file=str(out),
            advice="Name a new one with --out.",
            code=Code.FOLDER_TAKEN,
        )
    with (
        tempfile.TemporaryDirectory(prefix="isthmus-faults-") as temporary,
        shown(f"breaking {len(chosen)} rounds") as progress,
    ):
        found = matrix.run(chosen, Path(temporary) if out is None else out, progress)
    if docs is not None:
        table.write(found, docs)
    say(output, found.to_json(), table.told(found))
    if found.count("failed"):
        raise SystemExit(1)
