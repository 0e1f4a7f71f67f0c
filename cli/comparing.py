"""Partners' fingerprints, compared by people: `--trust NAME=FINGERPRINT`, or a question at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from federation.ids import PartyId
    from federation.roster import Roster
    from parties.home import PartyHome


def compare(
    home: PartyHome, members: Roster, said: Mapping[str, str], only: frozenset[str] | None
) -> list[str]:
    """Pin the partners that were compared: those in `said`, and those that somebody here says yes to.

    only: whom to ask about; None for all. Who was not compared is returned, by name; nothing is pinned by
    default. Raises `IdentityRefused` where a fingerprint that was read out is not the roster's.
    """
    from federation.ids import party_id
    from parties.joining import pin_compared, unpinned

    pin_compared(home, {party_id(name): fingerprint for name, fingerprint in said.items()}, members)
    left = []
    for name, fingerprint in unpinned(home, members).items():
        if only is not None and name not in only:
            continue
        if sys.stdin.isatty() and _same(name, fingerprint):
            home.pin(name, fingerprint)
        else:
            left.append(str(name))
    return left


def compare_named(home: PartyHome, names: frozenset[str], said: Mapping[str, str]) -> None:
    """Pin those of `names` that are not pinned yet; the coordinator is asked only where somebody can answer.

    Who is still not pinned afterwards is refused by what comes next, which says why it needs the pin.
    """
    from federation.ids import AGGREGATOR, party_id
    from parties.joining import pin_compared, roster

    pin_compared(home, {party_id(name): fingerprint for name, fingerprint in said.items()}, None)
    missing = names - set(home.pins()) - {AGGREGATOR, home.name()}
    if missing and sys.stdin.isatty():
        compare(home, roster(home), {}, frozenset(missing))


def _same(name: PartyId, fingerprint: str) -> bool:
    click.echo(f"The coordinator says that {name}'s fingerprint is\n  {fingerprint}", err=True)
    try:
        return click.confirm(f"Did {name} itself read out the same one?", err=True)
    except click.Abort:
        click.echo(err=True)
        return False
