"""Generate the four-flows data set of small firms."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from cli.output import format_option, say

_SWITCHES = ("unit_mixup", "gbk", "duplicate_ids", "name_variants", "delayed_labels", "rejected_applicants")


@click.group(name="data")
def command() -> None:
    """Generate the four-flows data set of small firms."""


@command.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="A folder.")
@click.option("--firms", type=int, default=6000, show_default=True, help="Borrowers at the bank.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same bytes.")
@click.option("--country", "countries", multiple=True, help="Repeat for several; the first is the largest.")
@click.option("--dirt", multiple=True, type=click.Choice(_SWITCHES), help="Repeat for several kinds.")
@click.option(
    "--files", "file_format", type=click.Choice(["csv.gz", "parquet"]), default="csv.gz", show_default=True
)
@format_option
def generate(
    out: Path,
    firms: int,
    seed: int,
    countries: tuple[str, ...],
    dirt: tuple[str, ...],
    file_format: str,
    output: str,
) -> None:
    """Generate firms seen by a bank, an industrial platform and a public-data holder.

    Writes bank, platform and public tables, and the truth about the firms apart from them in truth/.
    """
    from parties.four_flows import Settings
    from parties.four_flows import generate as generate_firms

    settings = Settings(
        firms=firms,
        seed=seed,
        countries=countries or ("CN",),
        **dict.fromkeys(dirt, True),  # type: ignore[arg-type]  # each switch is a bool by its name
    )
    kind: Literal["csv.gz", "parquet"] = "parquet" if file_format == "parquet" else "csv.gz"
    written = generate_firms(settings).write(out, kind)
    facts = {"firms": firms, "seed": seed, "files": {name: str(path) for name, path in written.items()}}
    say(output, facts, "\n".join(f"{name:9} {path}" for name, path in written.items()))
