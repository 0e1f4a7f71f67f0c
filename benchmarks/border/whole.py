"""The whole benchmark: scenarios, violations, attacks and clean rounds, shared out among processes.

Each scenario, all violations together, all attacks together, and each clean round is one piece of work; what
comes of it does not depend on how many processes there are, or on which of them did it.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.border import borders, lapsing, staging, volumes, worth
from benchmarks.border.corpus import EVERYTHING, Judged, false_alarm, judged
from benchmarks.border.results import Border, Scenario
from benchmarks.border.scenarios import SETTINGS
from benchmarks.progress import Say, silent

#: The scenario whose table of volumes is told, and those whose papers lapse in the middle.
_VOLUMES, _LAPSING = "S11", ("S12", "S12b")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run. violations: all of the corpus, or none; attacks: the quick ones, or none. clean: how
    many rounds, from `first` on."""

    scenarios: tuple[str, ...]
    seed: int = 7
    violations: bool = True
    attacks: bool = False
    clean: int = 0
    first: int = 0


def run_border(order: Order, folder: Path, workers: int, say: Say = silent) -> Border:
    """All of the order, in this process where `workers` is 1, else in as many of its own; in memory each."""
    pieces = list(_pieces(order, folder))
    done = dict(_done(pieces, workers, say))
    scenarios = tuple(done[name] for name in order.scenarios)
    alarms = [*done.get("thresholds", []), *(done[name] for name in done if name.startswith("clean round"))]
    border = counted(order, scenarios, done.get("violations", []), alarms)
    return replace(border, attacks=tuple(done.get("attacks", ())))


def counted(
    order: Order, scenarios: tuple[Scenario, ...], found: Sequence[Judged], alarms: Sequence[str | None]
) -> Border:
    """What it comes to. alarms: of each clean round what was refused or found in it, or None."""
    raised = tuple(alarm for alarm in alarms if alarm is not None)
    return Border(
        order.seed,
        "fast",
        scenarios,
        seeded=len(found),
        detected=sum(each.outcome == "detected" for each in found),
        missed=tuple(each.name for each in found if each.outcome == "missed"),
        declared_limits=tuple(each.name for each in found if each.outcome == "declared limit"),
        clean_runs=order.clean,
        false_alarms=len(raised),
        alarms=raised,
        mutations=tuple(asdict(each) for each in found),
    )


def scenario(name: str, seed: int, folder: Path) -> Scenario:
    """One scenario below `folder`, in this process."""
    setting = SETTINGS[name]
    if name in _LAPSING:
        return lapsing.interrupted(setting, seed, folder)
    played = staging.staged(setting, seed, folder)
    if played.as_expected and not played.refused:
        played = replace(played, utility=worth.utilities(setting, seed, folder / "levels"))
    return _with_volumes(played) if name == _VOLUMES else played


def _with_volumes(played: Scenario) -> Scenario:
    """The scenario with the table of volumes; as expected only where it is right at every point."""
    table = tuple(volumes.table(borders.clean_case(_VOLUMES)))
    wrong = [each for each in table if each.found != each.duty]
    points = f"{len(table) - len(wrong)} of {len(table)} points of the table of volumes are right"
    right = played.as_expected and not wrong
    return replace(played, volumes=table, as_expected=right, why=f"{played.why}; {points}")


def _violations(folder: Path) -> list[Judged]:
    """The whole corpus. By a name of its own: violations themselves cannot be handed to another process."""
    return judged(EVERYTHING, folder)


def _attacked(seed: int) -> list[dict[str, Any]]:
    """What the quick attacks find, as `isthmus bench attacks --quick` tells it."""
    from benchmarks.attacks.setting import QUICK  # Loads torch: in a process that attacks.
    from benchmarks.attacks.suite import run

    return [each.to_json() for each in run(size=QUICK, seed=seed)]


#: Its name, what makes it, and with what.
Piece = tuple[str, Callable[..., Any], tuple[Any, ...]]


def _pieces(order: Order, folder: Path) -> Iterator[Piece]:
    """The longest first, so that no process is left alone with it at the end."""
    if order.violations:
        yield "violations", _violations, (folder / "violations",)
        yield "thresholds", borders.false_alarms, ()
    if order.attacks:
        yield "attacks", _attacked, (order.seed,)
    for name in order.scenarios:
        yield name, scenario, (name, order.seed, folder / name)
    for number in range(order.first, order.first + order.clean):
        yield f"clean round {number}", false_alarm, (number, folder / f"clean-{number}")


def _done(pieces: Sequence[Piece], workers: int, say: Say) -> Iterator[tuple[str, Any]]:
    """Each piece's name and what came of it, in the order in which the pieces were given."""
    if workers == 1:
        for place, (name, make, given) in enumerate(pieces):
            say(f"{place + 1} of {len(pieces)}: {name}")
            yield name, make(*given)
        return
    with ExitStack() as stack:
        # A process of its own start: a fork would take locks of other threads along.
        spawned = multiprocessing.get_context("spawn")
        pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=spawned))
        futures: dict[Future[Any], str] = {pool.submit(make, *given): name for name, make, given in pieces}
        for count, future in enumerate(as_completed(futures), 1):
            future.result()  # What went wrong is raised as soon as it did.
            say(f"{count} of {len(pieces)} done, {futures[future]} last")
        yield from ((name, future.result()) for future, name in futures.items())


def in_a_folder(order: Order, workers: int, say: Say = silent, out: Path | None = None) -> Border:
    """`run_border` in a folder that is removed afterwards, or in `out`, which stays."""
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        return run_border(order, out, workers, say)
    with tempfile.TemporaryDirectory(prefix="isthmus-border-") as folder:
        return run_border(order, Path(folder), workers, say)
