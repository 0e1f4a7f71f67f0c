"""At a party: what its data sets have spent of their privacy budgets."""

from __future__ import annotations

from pathlib import Path

import click

from cli.homes import party_home
from cli.output import format_option, say


@click.group(name="privacy")
def command() -> None:
    """At a party: what its data sets have spent of their privacy budgets."""


@command.command()
@click.argument("dataset", required=False)
@party_home
@format_option
def show(dataset: str | None, home: Path, output: str) -> None:
    """Show budget, charges and what is left, of DATASET or of every one that party.toml describes."""
    from parties.home import PartyHome
    from parties.privacy.overview import overview

    opened = PartyHome.open(home)
    found = overview(opened, dataset)
    facts = {"party": opened.name(), "datasets": [each.to_json() for each in found]}
    say(output, facts, "\n".join(line for each in found for line in each.lines()))
