"""A plan played at one party on its own rows, with partners that do not exist (`parties.sandbox.imagined`).

The party, its keys and its federation are made anew in a folder of their own: no message leaves this process,
no grant is charged, no privacy budget is spent and nothing stands in the ledger. What the manifest keeps from
models stays out here too. Grants are signed for the occasion: whether the real ones cover the plan is what
`isthmus doctor --plan plan.toml` says.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crypto.errors import IsthmusError
from federation import files
from federation.addresses import Address
from federation.coordinator.record import RoundStatus
from federation.coordinator.rounds import new_run
from federation.errors import SessionEnded, UsageError
from federation.governance.terms import Use
from federation.ids import PartyId, RunId
from federation.journal import read
from federation.locks import held
from federation.plan import Plan
from parties.connectors import Snapshot
from parties.dataset import DatasetConfig
from parties.governance.shelf import Shelf
from parties.home import PartyHome
from parties.round.acceptance import own_dataset
from parties.sandbox import granting
from parties.sandbox.founding import Sandbox, found
from parties.sandbox.imagined import imagine
from parties.sandbox.rehearsing import rehearse

#: Nothing listens there, and nobody calls: a federation has addresses.
_NOWHERE = Address("127.0.0.1", 1), Address("127.0.0.1", 2)
_LOOK_SECONDS = 0.5

#: What is called with the state of the run each time it has changed.
Watch = Callable[[RoundStatus], None]


@dataclass(frozen=True, slots=True)
class DryRun:
    """How it went. seconds: on the wall. sent, received: message type -> sealed bytes, of this party."""

    party: PartyId
    plan: str
    rows: int
    features: int
    partners: tuple[PartyId, ...]
    seconds: float
    cpu_seconds: float
    sent: Mapping[str, int]
    received: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """For machines; cpu_seconds are of all roles together, as one process plays them."""
        return {
            "party": self.party,
            "plan": self.plan,
            "rows": self.rows,
            "features": self.features,
            "imagined": list(self.partners),
            "finished": True,
            "seconds": round(self.seconds, 2),
            "cpu_seconds": round(self.cpu_seconds, 2),
            "bytes_sent": sum(self.sent.values()),
            "bytes_received": sum(self.received.values()),
            "sent": dict(self.sent),
            "received": dict(self.received),
        }


def dry_run(
    home: PartyHome, plan: Plan, *, columns: int, seed: int, now: dt.datetime, watch: Watch
) -> DryRun:
    """Play `plan` to its end; `columns` as in `imagine`. Raises what would end the round at this party.

    Where an imagined partner ends it, a `UsageError` says so: the real one may do better.
    """
    me = home.name()
    if me not in plan.parties:
        raise UsageError(
            "the plan does not name this party",
            party=me,
            advice=f"It names {', '.join(plan.parties)}. Ask whoever wrote it.",
        )
    dataset = _permitted(home, own_dataset(home, plan.parties[me].dataset))
    snapshot = dataset.read()
    with _folder(home) as folder:
        datasets = {me: _in_a_file(dataset, snapshot, folder)}
        datasets |= imagine(dataset, snapshot, plan, folder, columns=columns, seed=seed)
        in_order = {name: datasets[name] for name in map(PartyId, plan.parties)}
        sandbox = found(folder, in_order, plan, *_NOWHERE, now, generated=True)
        run = new_run(now)
        began, used = time.monotonic(), time.process_time()
        errors = _play(sandbox, run, watch)
        seconds, cpu_seconds = time.monotonic() - began, time.process_time() - used
        _raise(errors, me)
        sent, received = _traffic(sandbox, run, me)
    return DryRun(
        me,
        plan.name,
        len(snapshot.frame),
        len(dataset.feature_columns(snapshot.present)),
        tuple(name for name in in_order if name != me),
        seconds,
        cpu_seconds,
        sent,
        received,
    )


def _permitted(home: PartyHome, dataset: DatasetConfig) -> DatasetConfig:
    """Without the columns that the signed manifest keeps from every model, where there is one."""
    shelf = Shelf(home)
    if not shelf.manifest_file(dataset.name).exists():
        return dataset
    fields = shelf.manifest(dataset.name).fields
    never = tuple(column for column, facts in fields.items() if facts.use is Use.NEVER)
    return granting.without(dataset, never)


def _in_a_file(dataset: DatasetConfig, snapshot: Snapshot, folder: Path) -> DatasetConfig:
    """The dataset as a file: its own, or its snapshot for as long as the dry run lasts (mode 0600)."""
    if dataset.file is not None:
        return replace(dataset, file=dataset.path.resolve())
    copy = folder / "snapshot.parquet"
    files.write_private(copy, snapshot.frame.to_parquet(index=False))
    return replace(dataset, file=copy.resolve(), origin=None)


@contextlib.contextmanager
def _folder(home: PartyHome) -> Iterator[Path]:
    """A folder in this party's own, empty at first and gone at the end; what a killed run left goes first."""
    folder = home.folder / "dry-run"
    files.make_folder(folder, 0o700)
    with held(home.folder / "dry-run.lock", "a dry run", "kill -INT of that process"):
        _empty(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    files.make_folder(folder, 0o700)


def _play(sandbox: Sandbox, run: RunId, watch: Watch) -> dict[PartyId, IsthmusError]:
    """All roles in threads; `watch` is called from this one."""
    with ThreadPoolExecutor(1, thread_name_prefix="dry-run") as pool:
        playing = pool.submit(rehearse, sandbox.coordinator, sandbox.parties, sandbox.plan, run)
        _watch(playing, sandbox.coordinator.round_folder(run), watch)
        return playing.result()


def _watch(playing: Future[Any], folder: Path, watch: Watch) -> None:
    last = None
    while wait([playing], _LOOK_SECONDS).not_done:
        if not (folder / "status.json").exists():
            continue
        status = RoundStatus.load(folder)
        if status != last:
            last = status
            watch(status)


def _raise(errors: Mapping[PartyId, IsthmusError], me: PartyId) -> None:
    """This party's own error before anybody else's; nothing where there is none."""
    first_hand = {name: error for name, error in errors.items() if not isinstance(error, SessionEnded)}
    if me in first_hand:
        raise first_hand[me]
    for name, error in first_hand.items():
        raise UsageError(
            f"{name}, as it was imagined, ended the run: {error.what}",
            party=me,
            field=error.field,
            advice=f"{error.advice} Or imagine fewer columns with --columns.",
        )
    if errors:
        raise next(iter(errors.values()))


def _traffic(sandbox: Sandbox, run: RunId, me: PartyId) -> tuple[dict[str, int], dict[str, int]]:
    """From the journals: what left this party and what was sent to it, by message type."""
    folders = {name: home.round_folder(run) for name, home in sandbox.parties.items()}
    journals = [folder / "journal.jsonl" for folder in folders.values()]
    journals.append(sandbox.coordinator.round_folder(run) / "journal.jsonl")
    sent: Counter[str] = Counter()
    received: Counter[str] = Counter()
    for journal in journals:
        mine = journal.parent == folders[me]
        for entry in read(journal):
            if mine:
                sent[entry.type] += entry.size
            elif entry.to == me:
                received[entry.type] += entry.size
    return dict(sorted(sent.items())), dict(sorted(received.items()))
