"""Before something is signed: it is shown, and somebody says yes."""

from __future__ import annotations

import click

from crypto.codes import Code
from crypto.errors import Refusal


def agree(text: str, what: str, party: str, advice: str) -> None:
    """Show it and ask; anything but yes, or nobody there to say it, signs nothing (`Refusal`)."""
    click.echo(text, err=True)
    try:
        agreed = click.confirm("Do you sign this?", err=True)
    except click.Abort:
        click.echo(err=True)
        agreed = False
    if not agreed:
        raise Refusal(
            f"{what} was not agreed to, so nothing was signed",
            party=party,
            advice=advice,
            code=Code.NOT_AGREED,
        )
