"""`isthmus bench governance` and `isthmus bench border`: parse, run, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.border import options
from benchmarks.progress import shown
from cli.output import format_option, say
from cli.paths import OUT_FOLDER

if TYPE_CHECKING:
    from benchmarks.border.corpus import Counts
    from benchmarks.border.results import Border

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


@click.command()
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@options.plan_options
@options.far_options
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the made-up firms.")
@click.option(
    "--out",
    type=OUT_FOLDER,
    default=Path("isthmus-border"),
    show_default=True,
    help="Where everything is written; an earlier one there is replaced.",
)
@format_option
def border(
    scenarios: tuple[str, ...],
    plan: Path | None,
    homes: tuple[Path, ...],
    manifests: Path | None,
    grants: tuple[Path, ...],
    attestations: Path | None,
    lang: str,
    latency: tuple[int, ...],
    bandwidth: float,
    loss: float,
    seed: int,
    out: Path,
    output: str,
) -> None:
    """Play SCENARIOs (all by default) across borders with real processes, and judge them by law.

    With --plan your own plan is judged before it runs, and nothing is played. Ends with 1 where a verdict is
    not the expected one, or with --plan where a control fails. Not legal advice.
    """
    options.refuse_papers_without_plan(plan, homes, manifests, grants, attestations)
    if plan is not None:
        options.judge_plan(plan, homes, manifests, grants, attestations, lang, output)
        return
    from benchmarks.border.results import Border

    far = options.conditions(latency, bandwidth, loss)
    with shown("playing scenarios across borders") as progress:
        played, packed = options.play_scenarios(scenarios, seed, out, far, progress)
    found = Border(seed, "processes", played)
    files = {name: str(file) for name, file in packed.items()}
    say(output, {**found.to_json(), "packed": files}, "\n".join(told_scenarios(found, files)))
    if not found.passed:
        raise SystemExit(1)


def told_scenarios(found: Border, files: dict[str, str]) -> list[str]:
    """For people: each scenario, how long its rounds took, and how to check its file elsewhere."""
    lines = []
    for each in found.scenarios:
        verdict = each.judgement.verdict().value
        lines.append(f"{each.id:4} {'as expected' if each.as_expected else 'NOT as expected'}: {each.why}")
        lines.append(f"     R1 {verdict}; {each.title.en}")
        for link in each.links:
            how = f"{link.bandwidth_mbit:g} Mbit/s, " if link.bandwidth_mbit else ""
            lost = f"{link.loss:.1%} lost, " if link.loss else ""
            lines.append(
                f"     {link.latency_ms:4} ms: {link.wall_seconds:.1f} s a round ({how}{lost}by {link.by})"
            )
        if each.id in files:
            lines.append(f"     check it anywhere: isthmus ledger verify {files[each.id]}")
    return lines
