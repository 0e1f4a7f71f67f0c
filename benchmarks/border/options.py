"""What `isthmus bench border` takes beside scenarios: somebody's own plan, and how far apart borders are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cli.output import say
from crypto.errors import UsageError

if TYPE_CHECKING:
    from benchmarks.border.links import Conditions
    from benchmarks.border.results import Scenario
    from benchmarks.progress import Say

F = TypeVar("F", bound=Callable[..., Any])

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_EITHER = click.Path(exists=True, path_type=Path)

_PLAN: tuple[Callable[[Any], Any], ...] = (
    click.option("--plan", type=_FILE, help="Judge this plan before it runs, by its papers; play nothing."),
    click.option(
        "--home", "homes", type=_FOLDER, multiple=True, help="With --plan: a party's folder. Once for each."
    ),
    click.option("--manifests", type=_FOLDER, help="With --plan: a folder of *.manifest.toml."),
    click.option(
        "--grants", type=_EITHER, multiple=True, help="With --plan: a grant, or a folder of *.dsse.json."
    ),
    click.option("--attestations", type=_FOLDER, help="With --plan: a folder of *.attestation.json."),
    click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of it."),
)
_FAR: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--latency",
        type=int,
        multiple=True,
        metavar="MS",
        help="Across borders, there and back. Several times: a round at each.",
    ),
    click.option(
        "--bandwidth", type=float, default=0.0, metavar="MBIT", help="Across borders, each way; 0 for any."
    ),
    click.option("--loss", type=float, default=0.0, metavar="SHARE", help="Of segments, such as 0.01."),
)


def plan_options(command: F) -> F:
    """`--plan`, `--home`, `--manifests`, `--grants`, `--attestations`, `--lang`."""
    for option in reversed(_PLAN):
        command = option(command)
    return command


def far_options(command: F) -> F:
    """`--latency`, `--bandwidth`, `--loss`."""
    for option in reversed(_FAR):
        command = option(command)
    return command


def judge_plan(
    plan: Path,
    homes: Sequence[Path],
    manifests: Path | None,
    grants: Sequence[Path],
    attestations: Path | None,
    lang: str,
    output: str,
) -> None:
    """Print what a plan comes to. Ends with 1 where a control fails."""
    from benchmarks.border.papering import Places
    from benchmarks.border.preflight import preflight

    places = Places(tuple(homes), manifests, tuple(grants), attestations)
    found = preflight(plan, places, dt.datetime.now(dt.UTC))
    say(output, found.to_json(), "\n".join(found.lines("zh" if lang == "zh" else "en")))
    if found.refused:
        raise SystemExit(1)


def refuse_papers_without_plan(plan: Path | None, *papers: object) -> None:
    """`--home` and the like say nothing of a scenario: `UsageError`."""
    if plan is None and any(papers):
        raise UsageError(
            "papers were given, and no plan that they are for",
            field="--plan",
            advice="Name the plan with --plan, or leave --home, --manifests, --grants, --attestations out.",
        )


def conditions(latency: Sequence[int], bandwidth: float, loss: float) -> tuple[Conditions, ...]:
    """One for each latency, 0 where none is named; `UsageError` for what no round could go by."""
    from benchmarks.border.links import Conditions

    return tuple(Conditions(each, bandwidth, loss) for each in dict.fromkeys(latency or (0,)))


def play_scenarios(
    names: Sequence[str], seed: int, out: Path, far: Sequence[Conditions], progress: Say
) -> tuple[tuple[Scenario, ...], dict[str, Path]]:
    """Scenarios by real processes below `out`, and the file that each was packed into."""
    from benchmarks.border.crossing import crossed
    from benchmarks.border.scenarios import chosen
    from parties.sandbox.founding import clear

    settings, out = chosen(names), out.resolve()
    clear(out)
    scenarios, packed = [], {}
    for setting in settings:
        title = setting.id

        def within(text: str, title: str = title) -> None:
            progress(f"{title}: {text}")

        scenario, file = crossed(setting, seed, out / setting.id, far, within)
        scenarios.append(scenario)
        if file is not None:
            packed[setting.id] = file
    return tuple(scenarios), packed
