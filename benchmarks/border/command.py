"""`isthmus bench border`: parses, runs scenarios and violations, prints."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.progress import shown
from cli.output import format_option, say
from federation.errors import UsageError

if TYPE_CHECKING:
    from benchmarks.border.results import Border

#: What the compliance research asks for.
CLEAN_RUNS = 200


@click.command()
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option("--fast", is_flag=True, help="In memory, without processes and network.")
@click.option(
    "--clean",
    type=click.IntRange(0),
    help=f"So many clean rounds: {CLEAN_RUNS}, or none where scenarios are named.",
)
@click.option("--first", type=click.IntRange(0), default=0, show_default=True, help="The first one's number.")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Of the made-up firms.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=lambda: os.cpu_count() or 1,
    show_default="one for each core",
    help="Processes that share the work.",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Keep the run's files here.")
@format_option
def border(
    scenarios: tuple[str, ...],
    fast: bool,
    clean: int | None,
    first: int,
    seed: int,
    workers: int,
    out: Path | None,
    output: str,
) -> None:
    """Run plans across borders, judge them by the rule packs, and count what seeded violations come to.

    Without SCENARIO: all of them, every violation of egress, minimisation, rights, borders and audit, and
    clean rounds beside them. A violation counts as detected by the rule that must stop or find it, and by no
    other. Ends with 1 where one was missed, a clean round raised an alarm, or a scenario was judged otherwise
    than it must be. Not legal advice.
    """
    from benchmarks.border.scenarios import chosen
    from benchmarks.border.whole import Order, in_a_folder

    settings = chosen(scenarios)
    if not fast:
        raise UsageError(
            "rounds by real processes are not played by this command yet",
            field="--fast",
            advice="Say --fast: the same rounds in memory.",
        )
    rounds = (0 if scenarios else CLEAN_RUNS) if clean is None else clean
    order = Order(tuple(each.id for each in settings), seed, not scenarios, rounds, first)
    with shown("running plans across borders") as progress:
        found = in_a_folder(order, workers, progress, out)
    say(output, found.to_json(), "\n".join(told(found)))
    if not found.passed:
        raise SystemExit(1)


def told(found: Border) -> list[str]:
    """For people: each scenario with how it ended, each violation that was not detected, then the counts."""
    lines = []
    for each in found.scenarios:
        right = "as expected" if each.as_expected else "NOT AS EXPECTED"
        lines.append(f"{each.id:4} {right:15} {each.title.en}: {each.why}")
        if each.judgement.failed():
            lines.append(f"{'':21}fails: {', '.join(each.judgement.failed())}")
        if each.attestations_missing:
            lines.append(f"{'':21}not signed: {', '.join(each.attestations_missing)}")
        lines += [
            f"{'':21}{level.protection}: AUC own {level.auc_local:.3f}, fused {level.auc_fused:.3f}, pooled "
            f"{level.auc_pooled:.3f}; {level.bytes_sent:,} bytes (tables: {level.raw_bytes:,}), "
            f"{level.cpu_seconds:.1f} s of processor (pooled: {level.plain_cpu_seconds:.2f} s)"
            for level in each.utility
        ]
    lines += [
        f"{each['name']}: {each['outcome']} ({each['rule']}): {each['told']}"
        for each in found.mutations
        if each["outcome"] != "detected"
    ]
    lines += [f"false alarm: {alarm}" for alarm in found.alarms]
    if found.seeded:
        ended = f"{found.detected} detected, {len(found.missed)} missed"
        lines.append(
            f"{found.seeded} violations seeded: {ended}, {len(found.declared_limits)} declared limits"
        )
    if found.clean_runs:
        lines.append(f"{found.clean_runs} clean rounds: {found.false_alarms} false alarms")
    return [*lines, "Not legal advice: a lawyer signs the rules before anybody relies on them."]
