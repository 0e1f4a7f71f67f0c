"""`isthmus bench governance`: parses, runs the corpus, prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from benchmarks.progress import shown
from cli.output import format_option, say

if TYPE_CHECKING:
    from benchmarks.border.corpus import Counts

#: What the compliance research asks for.
CLEAN_RUNS = 200


@click.command()
@click.option(
    "--clean", type=click.IntRange(0), default=CLEAN_RUNS, show_default=True, help="So many clean rounds."
)
@click.option("--first", type=click.IntRange(0), default=0, show_default=True, help="The first one's number.")
@format_option
def governance(clean: int, first: int, output: str) -> None:
    """Seed every violation of egress, rights and audit in a round, and play clean rounds beside them.

    A violation counts as detected by the rule that must stop or find it, and by no other. Ends with 1 where
    one was missed or a clean round raised an alarm.
    """
    from benchmarks.border.corpus import run_corpus

    with shown("playing rounds with and without a violation") as progress:
        counts = run_corpus(clean, first=first, say=progress)
    say(output, counts.to_json(), "\n".join(told(counts)))
    if counts.missed or counts.false_alarms:
        raise SystemExit(1)


def told(counts: Counts) -> list[str]:
    """For people: each violation with how it ended, then the counts."""
    width = max((len(each.name) for each in counts.mutations), default=0)
    lines = [f"{each.name:{width}}  {each.rule:18} {each.outcome}" for each in counts.mutations]
    lines += [f"false alarm: {alarm}" for alarm in counts.alarms]
    ended = f"{counts.detected} detected, {counts.missed} missed, {counts.declared_limits} declared limits"
    return [
        *lines,
        f"{counts.seeded} violations seeded: {ended}",
        f"{counts.clean_runs} clean rounds: {counts.false_alarms} false alarms",
    ]
