"""`isthmus bench attacks`: parses, attacks, prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from benchmarks.progress import shown
from cli.output import format_option

if TYPE_CHECKING:
    from benchmarks.attacks.figures import Control, Found

_NAMES = (
    "labels",
    "credit",
    "reconstruction",
    "membership",
    "scores",
    "sums",
    "matching",
    "poisoning",
    "keys",
)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(_NAMES), metavar="[ATTACK]...")
@click.option("--weakened", is_flag=True, help="Attack the textbook's protocols: there they must succeed.")
@click.option("--quick", is_flag=True, help="Small sizes, no scorecard and no trees: half a minute.")
@click.option(
    "--firms", type=click.IntRange(2400), help="How many to generate for vertical runs.  [default: 6000]"
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--strict", is_flag=True, help="End with 1 too where an attack exceeds its control's bound.")
@format_option
def attacks(
    names: tuple[str, ...],
    weakened: bool,
    quick: bool,
    firms: int | None,
    seed: int,
    strict: bool,
    output: str,
) -> None:
    """Attack what each role sees of the product's protocols, and say what was found.

    ATTACK: labels, credit, reconstruction, membership, scores, sums, matching, poisoning, keys; by default
    all. Each runs where it must succeed too, and where nothing is to be found. Ends with 1 where one of these
    controls fails; with --strict also where an attack found more than its control allows, or might have.
    """
    from benchmarks.attacks.setting import FULL, QUICK, sized
    from benchmarks.attacks.suite import run

    size = sized(QUICK if quick else FULL, firms)
    with shown("attacking the textbook's protocols" if weakened else "attacking recorded runs") as progress:
        results = run(names, size, seed=seed, weakened=weakened, say=progress)
    if output == "json":
        click.echo(json.dumps([each.to_json() for each in results], ensure_ascii=False, allow_nan=False))
    else:
        click.echo("\n".join(told(results)))
    if not all(each.controls_ok for each in results):
        raise SystemExit(1)
    if strict and any(each.verdict != "pass" for each in results):
        raise SystemExit(1)


def told(results: list[Found]) -> list[str]:
    """For people: each attack with what it found, its bound and its controls."""
    lines = []
    for each in results:
        found = each.found
        interval = f"{found.value:.3f} ({found.lower:.3f} to {found.upper:.3f}, n = {found.n:,})"
        protocol = "textbook" if each.weakened else "product"
        lines += [
            f"{each.verdict.upper():8} {each.attack}: {each.name}  [{each.control}, {protocol}]",
            f"         seen by {each.view}",
            f"         this attack found {each.unit} {interval}",
            f"         baseline {each.baseline:.3f}, allowed {each.bound:.3f}",
            f"         {each.told}",
            f"         must succeed: {_control(each.positive)}",
            f"         must find nothing: {_control(each.negative)}",
        ]
    weakened = any(each.weakened for each in results)
    verdicts = [each.verdict for each in results]
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in ("pass", "fail", "unknown", "void"))
    return [
        *lines,
        f"{len(results)} attacks: {counts}",
        "pass: no more was found than the control allows; unknown: too few rows to tell; void: a control",
        "failed, so the figure says nothing.",
        *(["Against the textbook's protocols: there each is to fail."] if weakened else []),
        "What no attack here found, another may.",
    ]


def _control(control: Control) -> str:
    return f"{'yes' if control.ok else 'NO'}, {control.value:.3f} ({control.told})"
