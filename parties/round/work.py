"""What one run of a round holds on to at a party, whatever is trained: session, folder, clock, progress."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crypto.pool import Pool
from federation import files
from federation.ids import AGGREGATOR, PartyId
from federation.journal import FileJournal
from federation.message import Digest
from federation.messages.round import Progress, Receipt, Step
from federation.plan import Plan
from federation.session import Session
from parties import model_folder
from parties.governance.canaries import Canaries
from parties.home import PartyHome
from parties.round.acceptance import Accepted
from parties.round.memory import peak_memory_bytes


@dataclass
class Work:
    """What one run holds on to, and what it has spent so far.

    `opening` greets the other seats and gives the session; `training_round` notes the number of each round of
    training as it begins; `worker_seconds` and `worker_memory` (bytes) are
    of processes that work for this one and have ended.
    """

    home: PartyHome
    accepted: Accepted
    folder: Path
    journal: FileJournal
    opening: Callable[[], Session]
    training_round: Callable[[int], None] = lambda number: None
    canaries: Canaries | None = None  # What is planted in the table that this run reads.
    cpu_started: float = field(default_factory=lambda: _cpu_seconds())
    worker_seconds: float = 0.0
    worker_memory: int = 0
    seconds: dict[str, float] = field(default_factory=dict)  # step -> how long it took
    step_cpu_seconds: dict[str, float] = field(default_factory=dict)
    _session: Session | None = None
    _pool: Pool | None = None

    @property
    def plan(self) -> Plan:
        return self.accepted.order.plan

    @property
    def me(self) -> PartyId:
        return self.accepted.order.party

    @property
    def session(self) -> Session:
        """The open session; `open` comes first."""
        if self._session is None:
            raise RuntimeError("the session is not open yet")
        return self._session

    def open(self) -> Session:
        """Greet the other seats. Nothing has left this party before."""
        self._session = self.opening()
        return self._session

    def at(self, step: Step, iteration: int = 0) -> None:
        """Tell the aggregator where this party is."""
        if step is Step.TRAIN and iteration:
            self.training_round(iteration)
        self.session.send(AGGREGATOR, Progress(step, iteration, self._sent))

    @contextmanager
    def doing(self, step: Step) -> Iterator[None]:
        """Tell the aggregator that `step` begins, and keep how long it took."""
        self.at(step)
        started, cpu = time.monotonic(), self._cpu
        yield
        self.seconds[step.value] = time.monotonic() - started
        self.step_cpu_seconds[step.value] = self._cpu - cpu

    @contextmanager
    def workers(self) -> Iterator[Pool]:
        """Processes that work for this one meanwhile; what they spend is this party's."""
        with Pool() as pool:
            self._pool = pool
            yield pool
            if pool.process_ids:
                self.worker_memory = max(self.worker_memory, peak_memory_bytes(*pool.process_ids) or 0)
        self.worker_seconds, self._pool = self.worker_seconds + pool.cpu_seconds, None

    def finish(
        self,
        *,
        table_sha256: str | None,
        table_rows: int,
        rows: int,
        training_rows: int,
        columns: int,
        iterations: int,
        **spent: Any,
    ) -> None:
        """Keep what was spent in spent.json, with the further facts `spent`; put all figures under the
        model's hash, and send the receipt. `table_sha256`: the digest of the snapshot that was read."""
        self.at(Step.DONE)
        cpu, peak = self._cpu, peak_memory_bytes()
        files.write_json(
            self.folder / "spent.json",
            {
                "table_sha256": table_sha256,
                "table_rows": table_rows,
                "rows": rows,
                "training_rows": training_rows,
                "columns": columns,
                **spent,
                "seconds": self.seconds,
                "cpu_seconds": cpu,
                "step_cpu_seconds": self.step_cpu_seconds,
                "peak_memory_bytes": None if peak is None else peak + self.worker_memory,
                "bytes_sent": dict(self.session.egress.sent),
            },
        )
        model_folder.cover(self.folder)
        self.session.send(
            AGGREGATOR,
            Receipt(
                rows=rows,
                training_rows=training_rows,
                columns=columns,
                iterations=iterations,
                cpu_milliseconds=int(1000 * cpu),
                bytes_sent=self._sent,
                journal_head=Digest(self.journal.head),
            ),
        )

    @property
    def _cpu(self) -> float:
        """Processor seconds so far, of workers that have ended and of those that have not."""
        running = 0.0 if self._pool is None else self._pool.cpu_seconds
        return _cpu_seconds() - self.cpu_started + self.worker_seconds + running

    @property
    def _sent(self) -> int:
        return sum(self.session.egress.sent.values())


def _cpu_seconds() -> float:
    """Processor seconds of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
