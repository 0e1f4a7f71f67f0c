"""At the label party: write out the scores that a round opened."""

from __future__ import annotations

from pathlib import Path

import click

from cli.homes import party_home
from cli.output import format_option, say


@click.command(name="score")
@click.argument("run", required=False)
@party_home
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="A .csv or .parquet file."
)
@format_option
def command(run: str | None, home: Path, out: Path, output: str) -> None:
    """Write the scores that the newest round (or RUN) opened to this party: key, probability,
    logit, split.
    """
    from parties.home import PartyHome
    from parties.round import results

    opened = PartyHome.open(home)
    found = results.find(opened, run)
    count = results.write_scores(results.opened_scores(opened, found), out)
    say(output, {"run": found, "scores": count, "file": str(out)}, f"{count} scores of {found} are in {out}")
