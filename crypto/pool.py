"""A few processes for long arithmetic that holds the interpreter lock.

Why not `multiprocessing`: its spawned children import the caller's `__main__` again, so a worker of the
command line would load pandas, torch and Flower, and it pickles what it sends. These workers are plain
child processes that import one module under `crypto/` and speak raw bytes (`crypto.worker`).
"""

from __future__ import annotations

import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from crypto.codes import Code, parted
from crypto.errors import IsthmusError, Refusal, UsageError
from crypto.worker import ANSWER, DONE, REQUEST, Work

# -I: no PYTHON* variable and no user site; the caller's own import path comes as arguments instead.
_BOOTSTRAP = "import sys; sys.path[:] = sys.argv[1:]; from crypto.worker import serve; serve()"

#: An upper bound for one chunk, start-up included: 5,000 elements take a fifth of a second.
SECONDS_PER_CHUNK = 120.0
#: So long at most until an interrupt is noticed that the system handed to another thread.
_SLICE = 0.5


class WorkerLost(IsthmusError):
    """A worker process of this machine ended, or was ended because it did not answer in time."""

    code = Code.WORKER_LOST
    advice = "Check this machine's free memory and its log of ended processes; then run the command again."


class Pool:
    """Worker processes on this machine, started when first needed.

    A worker ends when the pool is closed, when it is collected and when this process ends, killed or not.
    The pool promises nothing about secrecy inside the machine: whoever may read this process's memory may
    read its workers' memory.
    """

    def __init__(self, workers: int = 2, *, seconds_per_chunk: float = SECONDS_PER_CHUNK) -> None:
        """`workers` processes; each chunk must be answered within `seconds_per_chunk` seconds."""
        if workers < 1:
            raise UsageError("a pool needs at least one worker", advice="Use two: one per processor core.")
        self._size = workers
        self._seconds = seconds_per_chunk
        self._workers: list[_Worker] = []
        self._one_map_at_a_time = threading.Lock()
        self._cpu_seconds = 0.0
        weakref.finalize(self, _end, self._workers)

    def __repr__(self) -> str:
        return f"Pool({self._size} workers)"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def cpu_seconds(self) -> float:
        """CPU time that the workers reported so far, their start-up included; `map` returns its share."""
        return self._cpu_seconds

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The running workers' process ids; empty before the first `map` and after `close`."""
        return tuple(worker.pid for worker in self._workers)

    def map(self, work: Work, argument: bytes, chunks: Sequence[bytes]) -> tuple[list[bytes], float]:
        """`work(argument, chunk)` for each chunk, in the chunks' order, and the CPU seconds it took.

        `work` is a top-level function of a module under `crypto/`. A `Refusal` that it raises is raised here
        too. Raises `WorkerLost` when a worker cannot start, ends or exceeds its time; the next call starts
        new ones.
        """
        name = _importable_name(work)
        with self._one_map_at_a_time:
            results = [b""] * len(chunks)
            todo = deque(enumerate(chunks))
            finished = False
            before = self._cpu_seconds
            with ThreadPoolExecutor(self._size, thread_name_prefix="pool") as threads:
                try:
                    feeds = [
                        threads.submit(_feed, worker, name, argument, todo, results)
                        for worker in self._started(min(self._size, len(chunks)))
                    ]
                    for feed in feeds:
                        self._cpu_seconds += _awaited(feed)
                    finished = True
                finally:
                    if not finished:
                        todo.clear()
                        _end(self._workers)
            return results, self._cpu_seconds - before

    def close(self) -> None:
        """End the workers. A later `map` starts new ones."""
        with self._one_map_at_a_time:
            _end(self._workers)

    def _started(self, wanted: int) -> list[_Worker]:
        while len(self._workers) < wanted:
            self._workers.append(_Worker(len(self._workers) + 1, self._seconds))
        return self._workers[:wanted]


class _Worker:
    """One child process and the two pipes to it."""

    def __init__(self, number: int, seconds: float) -> None:
        self._name = f"worker process {number}"
        self._seconds = seconds
        if not sys.executable:
            raise UsageError(
                "this interpreter does not know its own path", advice="Run Isthmus with `python -m cli`."
            )
        path = [str(Path(entry).resolve()) for entry in sys.path]
        try:
            # The command is this interpreter, a constant and this process's import path.
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-c", _BOOTSTRAP, *path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError:
            raise WorkerLost(f"{self._name} could not be started") from None

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, name: str, argument: bytes, chunk: bytes) -> tuple[bytes, float]:
        """One request and its answer: the body and the CPU seconds. The wait is bounded by a timer."""
        late = threading.Event()
        timer = threading.Timer(self._seconds, self._kill_late, [late])
        timer.daemon = True
        timer.start()
        try:
            status, seconds, body = self._exchange(name.encode(), argument, chunk)
        except (OSError, EOFError):
            raise self._lost(name, late) from None
        finally:
            timer.cancel()
        if status != DONE:
            told, _, advice = body.decode().partition("\n")
            code, what = parted(told)
            raise Refusal(what, advice=advice, code=code)
        return body, seconds

    def end(self) -> None:
        """Kill the process, wait for it and close its pipes."""
        self._process.kill()
        self._process.wait(timeout=10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                _close(pipe)

    def _exchange(self, name: bytes, argument: bytes, chunk: bytes) -> tuple[int, float, bytes]:
        sink, source = self._process.stdin, self._process.stdout
        if sink is None or source is None:
            raise EOFError
        sink.write(REQUEST.pack(len(name), len(argument), len(chunk)))
        sink.write(name + argument)
        sink.write(chunk)
        sink.flush()
        status, seconds, length = ANSWER.unpack(_exactly(source, ANSWER.size))
        return status, seconds, _exactly(source, length)

    def _kill_late(self, late: threading.Event) -> None:
        late.set()
        self._process.kill()

    def _lost(self, name: str, late: threading.Event) -> WorkerLost:
        if late.is_set():
            return WorkerLost(f"{self._name} did not answer within {self._seconds:g} s ({name})")
        try:
            status = self._process.wait(timeout=2)  # Its pipe has ended, so it is ending.
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait(timeout=10)
        return WorkerLost(f"{self._name} ended with status {status} before it answered ({name})")


def _feed(
    worker: _Worker, name: str, argument: bytes, todo: deque[tuple[int, bytes]], results: list[bytes]
) -> float:
    """Give one worker chunk after chunk until none is left; returns its CPU seconds."""
    cpu_seconds = 0.0
    try:
        while True:
            try:
                index, chunk = todo.popleft()
            except IndexError:
                return cpu_seconds
            results[index], seconds = worker.ask(name, argument, chunk)
            cpu_seconds += seconds
    except IsthmusError:
        todo.clear()  # The other workers stop after the chunk that they are at.
        raise


def _awaited(feed: Future[float]) -> float:
    """The feed's result. In slices: a wait for a lock is not ended by a signal that another thread got."""
    while not wait([feed], timeout=_SLICE).done:
        pass  # Each chunk is bounded by its timer, so this ends.
    return feed.result()


def _importable_name(work: Work) -> str:
    module, name = work.__module__, work.__qualname__
    if not module.startswith("crypto.") or not name.isidentifier():
        raise UsageError(
            "a pool runs top-level functions of crypto/ only",
            advice="Move the function to a module under crypto/.",
        )
    return f"{module}:{name}"


def _exactly(source: IO[bytes], length: int) -> bytes:
    data = source.read(length)
    if len(data) < length:
        raise EOFError
    return data


def _end(workers: list[_Worker]) -> None:
    while workers:
        workers.pop().end()


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:
        return  # What was still buffered for a dead worker cannot be written; the descriptor is closed.
