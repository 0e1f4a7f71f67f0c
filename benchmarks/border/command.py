"""`isthmus bench border`: parses, runs scenarios and violations, or judges a plan, prints."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.border import options
from benchmarks.progress import shown
from cli.output import format_option, say
from cli.paths import OUT_FOLDER
from crypto.errors import UsageError

if TYPE_CHECKING:
    from benchmarks.border.links import Conditions
    from benchmarks.border.results import Border

#: What the compliance research asks for.
CLEAN_RUNS = 200
_OUT = Path("isthmus-border")


@click.command()
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option("--fast", is_flag=True, help="In memory, without processes and network; with violations.")
@click.option(
    "--clean",
    type=click.IntRange(0),
    help=f"With --fast: so many clean rounds; {CLEAN_RUNS}, or none where scenarios are named.",
)
@click.option("--first", type=click.IntRange(0), default=0, show_default=True, help="The first one's number.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=lambda: os.cpu_count() or 1,
    show_default="one for each core",
    help="With --fast: processes that share the work.",
)
@options.plan_options
@options.far_options
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Of the made-up firms.")
@click.option(
    "--out",
    type=OUT_FOLDER,
    help="Where everything is written; an earlier one there is replaced. With --fast: nowhere unless given; "
    f"else {_OUT}.",
)
@format_option
def border(
    scenarios: tuple[str, ...],
    fast: bool,
    clean: int | None,
    first: int,
    workers: int,
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
    out: Path | None,
    output: str,
) -> None:
    """Run plans across borders, judge them by the rule packs, and count what seeded violations come to.

    SCENARIOs (all by default) are played by real processes, or with --fast in memory. With --fast and no
    SCENARIO every violation of egress, minimisation, rights, borders and audit is seeded besides, the quick
    attacks are made, and clean rounds played; a violation counts as detected by the rule that must stop or
    find it, and by no other. With --plan your own plan is judged before it runs, and nothing is played. Ends
    with 1 where a violation was missed, a clean round raised an alarm, a verdict is not the expected one, or
    an attack's control failed; with --plan where a control fails. Not legal advice.
    """
    options.refuse_papers_without_plan(plan, homes, manifests, grants, attestations)
    if plan is not None:
        options.judge_plan(plan, homes, manifests, grants, attestations, lang, output)
        return
    files: dict[str, str] = {}
    if fast:
        _refuse_ways(latency, bandwidth, loss)
        found = _in_memory(scenarios, clean, first, seed, workers, out)
    else:
        far = options.conditions(latency, bandwidth, loss)
        found, files = _by_processes(scenarios, seed, out or _OUT, far)
    if out is not None or not fast:
        from benchmarks.border.report.writing import write

        write(found, (out or _OUT) / "report")
    fields = {**found.to_json(), "packed": files} if files else found.to_json()
    say(output, fields, told(found, files))
    if not found.passed:
        raise SystemExit(1)


def _refuse_ways(latency: tuple[int, ...], bandwidth: float, loss: float) -> None:
    """In memory nothing is far: `UsageError`."""
    if latency or bandwidth or loss:
        raise UsageError(
            "a round in memory crosses no border that could be far",
            field="--fast",
            advice="Leave --latency, --bandwidth and --loss out, or play by processes.",
        )


def _in_memory(
    names: tuple[str, ...], clean: int | None, first: int, seed: int, workers: int, out: Path | None
) -> Border:
    from benchmarks.border.scenarios import chosen
    from benchmarks.border.whole import Order, in_a_folder

    rounds = (0 if names else CLEAN_RUNS) if clean is None else clean
    order = Order(tuple(each.id for each in chosen(names)), seed, not names, not names, rounds, first)
    with shown("running plans across borders") as progress:
        return in_a_folder(order, workers, progress, out)


def _by_processes(
    names: tuple[str, ...], seed: int, out: Path, far: Sequence[Conditions]
) -> tuple[Border, dict[str, str]]:
    from benchmarks.border.results import Border

    with shown("playing scenarios across borders") as progress:
        played, packed = options.play_scenarios(names, seed, out, far, progress)
    return Border(seed, "processes", played), {name: str(file) for name, file in packed.items()}


def told(found: Border, files: Mapping[str, str] | None = None) -> str:
    """For people: the tables, and how each judged run can be checked."""
    from benchmarks.border.report import table

    checks = [f"check {name} anywhere: isthmus ledger verify {file}" for name, file in (files or {}).items()]
    return "\n".join([table.told(found), *checks])
