"""`isthmus doctor`: what stands between this folder and a round, and what to do about each."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.homes import role_home
from cli.output import format_option, say
from cli.words import spoken

if TYPE_CHECKING:
    from federation.readiness.findings import Readiness

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(name="doctor")
@role_home
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Look at what this plan needs, too.",
)
@format_option
def command(home: Path, plan_file: Path | None, output: str) -> None:
    """Look at a party's folder, or the federation's: is it ready for a round, and if not, what next?

    Looks at the folder and its keys, certificates, disk and memory, the way to the aggregator in each step,
    clocks, versions, data, partners and grants. Changes nothing. Ends with 3 where something fails.
    """
    from federation.home import Home
    from federation.plan import load

    plan = None if plan_file is None else load(plan_file)
    now = dt.datetime.now(dt.UTC)
    if Home(home).of_coordinator:
        from federation.coordinator.home import CoordinatorHome
        from federation.readiness.coordinator import examine as examine_coordinator

        found = examine_coordinator(CoordinatorHome.open(home), plan, now)
    else:
        from parties.home import PartyHome
        from parties.readiness.examining import examine

        found = examine(PartyHome.open(home), plan, now)
    if output == "json":
        say(output, found.to_json(), "")
    else:
        _show(found)
    sys.exit(0 if found.ready else 3)


def _show(found: Readiness) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from cli.codes import label
    from cli.codes.sentences import in_language
    from federation.readiness.findings import AREAS

    language = spoken()
    console = Console(width=None if sys.stdout.isatty() else 100)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for area in AREAS:
        score = found.score(area)
        if score is None:
            continue
        table.add_row(f"[bold]{label(f'area_{area}', language)}[/]", f"[bold]{score}[/]", "")
        for each in (each for each in found.findings if each.area == area):
            mark = f"[{_COLOURS[each.severity]}]{label(each.severity, language)}[/]"
            step = (
                f"\n[bold]{label('next', language).strip()}[/] {escape(in_language(each.advice, language))}"
            )
            text = escape(in_language(each.what, language))
            table.add_row("", mark, text + (step if each.severity != "ok" else ""))
    console.print(table)
    verdict = label("ready" if found.ready else "not_ready", language)
    console.print(label("score", language, role=found.role, verdict=verdict, score=found.score()))
