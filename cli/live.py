"""Live progress of a round: who is doing what, and how many bytes it has sent."""

from __future__ import annotations

import contextlib
import itertools
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.table import Table

    from federation.coordinator.home import CoordinatorHome
    from federation.coordinator.record import RoundStatus
    from federation.ids import RunId


def follow(home: CoordinatorHome, run: RunId, patience: float, show: bool) -> RoundStatus:
    """Wait for the end of `run`, showing progress on the standard error; its final status."""
    from rich.console import Console
    from rich.live import Live

    from federation.coordinator import rounds

    updates = heeding(rounds.follow(home, run, patience))
    status = next(updates)
    if not show:
        return [status, *updates][-1]
    if not sys.stderr.isatty():
        return _follow_in_lines(itertools.chain([status], updates))
    console = Console(stderr=True)
    with Live(_table(status), console=console, refresh_per_second=8) as live:
        for status in updates:
            live.update(_table(status))
    return status


@contextlib.contextmanager
def watching() -> Iterator[Callable[[RoundStatus], None]]:
    """What shows each status it is given, on the standard error, as long as the block lasts."""
    from rich.console import Console
    from rich.live import Live

    if sys.stderr.isatty():
        with Live(console=Console(stderr=True), refresh_per_second=8) as live:
            yield lambda status: live.update(_table(status))
        return
    said = [""]

    def tell(status: RoundStatus) -> None:
        if (line := _line(status)) != said[0]:
            click.echo(line, err=True)
            said[0] = line

    yield tell


def heeding(updates: Iterator[RoundStatus]) -> Iterator[RoundStatus]:
    """The same updates; an interrupt that was lost on its way ends them."""
    from cli.processes import heed

    for status in updates:
        heed()
        yield status


def _follow_in_lines(updates: Iterator[RoundStatus]) -> RoundStatus:
    said = ""
    for status in updates:
        if (line := _line(status)) != said:
            # Not through the console: it would break a log's lines at 80 columns.
            click.echo(line, err=True)
            said = line
    return status


def _line(status: RoundStatus) -> str:
    """One line for logs; iterations are left out, so it changes at each step only."""
    parties = ", ".join(f"{name}: {party.step or party.state}" for name, party in status.parties.items())
    attempt = f" (attempt {status.attempt})" if status.attempt > 1 else ""
    return f"{status.run} {status.state}{attempt} | {parties}"


def _table(status: RoundStatus) -> Table:
    from rich.table import Table

    attempt = f"  attempt {status.attempt}" if status.attempt > 1 else ""
    table = Table(
        title=f"{status.run}  {status.state}{attempt}", title_justify="left", box=None, padding=(0, 2)
    )
    for heading in ("party", "doing", "iteration"):
        table.add_column(heading)
    table.add_column("sent", justify="right")
    for name, party in status.parties.items():
        table.add_row(
            name,
            party.step or party.state,
            str(party.iteration) if party.iteration else "",
            size(party.bytes_sent),
        )
    return table


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} kB"
