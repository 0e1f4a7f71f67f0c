"""`isthmus party dry-run`: a plan on this party's own rows, with partners that do not exist."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.homes import party_home
from cli.live import size, watching
from cli.output import format_option, say

if TYPE_CHECKING:
    pass


@click.command(name="dry-run")
@click.argument("plan_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@party_home
@click.option(
    "--columns",
    type=click.IntRange(1, 500),
    default=8,
    show_default=True,
    help="Of each imagined partner, where the plan declares none.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of what is imagined.")
@format_option
def command(plan_file: Path, home: Path, columns: int, seed: int, output: str) -> None:
    """Play PLAN_FILE on this party's own rows, with partners that do not exist.

    Everything happens in this process: nothing leaves the machine, no grant is charged, nothing is kept. Says
    whether a round would get to its end here, how long it took and what this party would have sent.
    """
    from federation.plan import load
    from parties.home import PartyHome
    from parties.sandbox.dry_run import dry_run

    opened, plan = PartyHome.open(home), load(plan_file)
    with watching() as watch:
        done = dry_run(opened, plan, columns=columns, seed=seed, now=dt.datetime.now(dt.UTC), watch=watch)
    say(output, done.to_json(), _told(done.to_json()))


def _told(done: dict[str, Any]) -> str:
    own = f"{done['rows']:,} rows, {done['features']} columns of its own"
    sent, received = size(done["bytes_sent"]), size(done["bytes_received"])
    lines = [
        f"{done['plan']} ran to its end at {done['party']}: {own}",
        f"imagined: {', '.join(done['imagined'])}",
        f"{done['seconds']:,.0f} s, {done['cpu_seconds']:,.0f} CPU s for all roles in one process",
        f"{done['party']} would have sent {sent} and received {received}:",
    ]
    for kind in sorted({*done["sent"], *done["received"]}):
        out, back = done["sent"].get(kind, 0), done["received"].get(kind, 0)
        lines.append(f"  {kind:<28} {size(out):>10} out {size(back):>10} in")
    lines.append("Whether manifest and grants cover the plan says `isthmus doctor --plan plan.toml`.")
    return "\n".join(lines)
