"""What a credit model costs as firms grow in number: three parties as processes of their own, over TLS."""

from __future__ import annotations

import datetime as dt
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from benchmarks.progress import Say, silent
from benchmarks.speed.footprint import Footprint
from benchmarks.speed.measuring import Figures
from cli.playing import loopback, play
from crypto.errors import UsageError
from federation import files
from federation.coordinator.record import RoundStatus
from federation.credit import Boosting
from federation.ids import AGGREGATOR, PartyId
from federation.plan import Plan
from federation.tables import Deadlines, Model
from parties.dataset import DatasetConfig
from parties.four_flows import Settings
from parties.sandbox.account import bytes_sent, sent_by_all
from parties.sandbox.founding import Sandbox, clear, found, generated, vertical_plan

Kind = Literal["logistic", "scorecard", "boosting"]

SIZES = (30_000, 100_000, 300_000, 1_000_000)
KINDS: tuple[Kind, ...] = ("scorecard", "boosting")

#: Three parties share this machine's cores, so a message may take as long as all of them need.
_DEADLINES = Deadlines(message_seconds=7200, run_seconds=2 * 86400)
_MEGABYTE = 1e6
_FEWEST = 3000


def sizes_of(text: str) -> list[int]:
    """The sizes in "30000,100000", ascending. `UsageError` for anything else."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) >= _FEWEST for part in parts):
        raise UsageError(
            f"--sizes are whole numbers from {_FEWEST:,} up, with commas between them",
            advice="Write --sizes 30000,100000 for instance.",
        )
    return sorted({int(part) for part in parts})


def measure(
    sizes: Sequence[int] = SIZES,
    kinds: Sequence[Kind] = KINDS,
    trees: int = 5,
    *,
    seed: int = 0,
    folder: Path | None = None,
    say: Say = silent,
) -> Figures:
    """Generate firms for a bank, a platform and a public-data holder, and let them make a model of each kind.

    `sizes`: borrowers, the rows of the bank's table. `features`: the columns of each party's table that every
    model may use, and of all. Of each kind and size: rows aligned and trained on, columns of all parties that
    are in the model (encoded) and in the fit, iterations (gradients or trees), and by role cpu_s, bytes
    (sealed messages), work_memory_mb (the most that the process which computes held, with its workers) and
    memory_mb (the most that all processes of the role held together, looked at four times a second); by step
    the CPU seconds of all parties and the longest wall time. `growth`: between neighbouring sizes, the
    exponent with which CPU seconds and bytes grow; 1 is linear. Nothing is left behind, except in `folder`
    when one is given.
    """
    figures: Figures = {"trees": trees, "seed": seed}
    with tempfile.TemporaryDirectory(prefix="isthmus-scale-") as temporary:
        for size in sizes:
            say(f"{size:,} firms, generating")
            place = (folder or Path(temporary)) / str(size)
            clear(place / "data")
            datasets, _ = generated(place / "data", Settings(firms=size, seed=seed))
            figures["features"] = features(datasets)
            for kind in kinds:
                say(f"{size:,} firms, {kind}")
                clear(place / kind)
                figures.setdefault(kind, {})[str(size)] = _played(place / kind, datasets, kind, trees)
    figures["growth"] = {kind: growth(figures[kind], sizes) for kind in kinds}
    return figures


def features(datasets: Mapping[PartyId, DatasetConfig]) -> dict[str, int]:
    """How many features each party's table has, neither the key nor the label among them, and `all`."""
    found = {
        str(party): len(dataset.feature_columns(dataset.present())) for party, dataset in datasets.items()
    }
    return {**found, "all": sum(found.values())}


def _played(folder: Path, datasets: Mapping[PartyId, DatasetConfig], kind: Kind, trees: int) -> Figures:
    changes: dict[str, Any] = {"model": Model(kind=kind), "deadlines": _DEADLINES}
    if kind == "boosting":
        changes["boosting"] = Boosting(trees=trees)
    plan = Plan.model_validate(vertical_plan(datasets).model_dump(exclude_unset=True) | changes)
    sandbox = found(folder, datasets, plan, *loopback(), dt.datetime.now(dt.UTC), generated=True)
    homes = {
        str(AGGREGATOR): sandbox.coordinator.folder,
        **{str(name): home.folder for name, home in sandbox.parties.items()},
    }
    started = time.monotonic()
    with Footprint(homes) as seen:
        status = play(sandbox)
    return _figures(sandbox, status, time.monotonic() - started, seen.peaks)


def _figures(sandbox: Sandbox, status: RoundStatus, wall: float, held: dict[str, int]) -> Figures:
    folders = {name: home.round_folder(status.run) for name, home in sandbox.parties.items()}
    spent = {str(name): files.read_json(folder / "spent.json") for name, folder in folders.items()}
    evaluation = files.read_json(folders[sandbox.label] / "evaluation.json")
    one = next(iter(spent.values()))
    cpu = {name: each["cpu_seconds"] for name, each in spent.items()}
    work = {name: each["peak_memory_bytes"] for name, each in spent.items() if each["peak_memory_bytes"]}
    return {
        "rows": one["rows"],
        "training_rows": one["training_rows"],
        "encoded_columns": sum(each.get("encoded_columns", each["columns"]) for each in spent.values()),
        "columns": sum(each["columns"] for each in spent.values()),
        "iterations": (status.parties[sandbox.label].receipt or {}).get("iterations", 0),
        "auc_bank_only": evaluation["bank_only"]["auc"],
        "auc": evaluation["fused"]["auc"],
        "wall_s": wall,
        "cpu_s": {**cpu, str(AGGREGATOR): status.cpu_seconds},
        "bytes": {str(role): size for role, size in bytes_sent(sent_by_all(sandbox, status)).items()},
        "work_memory_mb": {name: size / _MEGABYTE for name, size in work.items()},
        "memory_mb": {role: size / _MEGABYTE for role, size in sorted(held.items())},
        "steps": {step: _step(list(spent.values()), step) for step in one["seconds"]},
    }


def _step(spent: list[dict[str, Any]], step: str) -> Figures:
    return {
        "cpu_s": sum(each["step_cpu_seconds"].get(step, 0.0) for each in spent),
        "wall_s": max(each["seconds"].get(step, 0.0) for each in spent),
    }


def growth(by_size: Figures, sizes: Sequence[int]) -> Figures:
    """From each size to the next, the exponents of all roles' CPU seconds and bytes."""
    return {
        f"{small} to {large}": {
            name: _exponent(by_size[str(small)], by_size[str(large)], name, large / small)
            for name in ("cpu_s", "bytes")
        }
        for small, large in pairwise(sorted(sizes))
    }


def _exponent(small: Figures, large: Figures, name: str, ratio: float) -> float:
    return math.log(sum(large[name].values()) / sum(small[name].values())) / math.log(ratio)
