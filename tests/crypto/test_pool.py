"""The pool of worker processes, and what happens when one of them does not do its part."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.errors import Refusal, UsageError
from crypto.pool import Pool, WorkerLost
from crypto.x25519 import again_points, check_points, context_name, first_points, pack_identifiers

ROOT = Path(__file__).parents[2]
SCALAR = bytes(range(200, 232))
POINTS = first_points(SCALAR + context_name(b"run-1"), pack_identifiers([bytes([i]) for i in range(10)]))

needs_proc = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads /proc")
needs_stop = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="stops a process by signal")


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool(seconds_per_chunk=30) as running:
        yield running


def test_results_come_in_the_order_of_the_chunks(pool: Pool) -> None:
    # The first chunk is the longest, so it is finished last.
    chunks = [POINTS * 50, *(POINTS[at : at + 32] for at in range(0, len(POINTS), 32)), b""]
    results, _ = pool.map(again_points, SCALAR, chunks)
    assert results == [again_points(SCALAR, chunk) for chunk in chunks]


def test_no_chunks_need_no_process(pool: Pool) -> None:
    assert pool.map(again_points, SCALAR, []) == ([], 0.0)
    assert pool.process_ids == ()


def test_workers_are_kept_until_the_pool_is_closed(pool: Pool) -> None:
    pool.map(again_points, SCALAR, [POINTS] * 2)
    before = pool.process_ids
    pool.map(again_points, SCALAR, [POINTS] * 2)
    assert pool.process_ids == before
    pool.close()
    assert pool.process_ids == ()
    pool.map(again_points, SCALAR, [POINTS])
    assert not set(pool.process_ids) & set(before)


def test_the_workers_cpu_time_is_told(pool: Pool) -> None:
    _, first = pool.map(again_points, SCALAR, [POINTS * 20] * 4)
    _, second = pool.map(again_points, SCALAR, [POINTS * 20] * 4)
    # 800 multiplications, none of them faster than a microsecond.
    assert first > 800e-6
    assert second > 800e-6
    assert pool.cpu_seconds == pytest.approx(first + second)


def test_a_refusal_in_a_worker_is_the_callers(pool: Pool) -> None:
    with pytest.raises(Refusal, match="low order") as refused:
        pool.map(check_points, b"", [POINTS, POINTS + (1).to_bytes(32, "little"), POINTS])
    assert refused.value.advice.startswith("Ask that party")
    assert pool.map(check_points, b"", [POINTS])[0] == [b""]


def test_a_worker_that_crashes_is_an_error_and_not_a_hang(
    pool: Pool, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(WorkerLost, match=r"worker process \d ended with status 1 .*again_points") as lost:
        pool.map(again_points, b"not a scalar", [POINTS] * 8)
    assert "not a scalar" not in str(lost.value) + capfd.readouterr().err
    assert pool.process_ids == ()
    assert pool.map(again_points, SCALAR, [POINTS])[0] == [again_points(SCALAR, POINTS)]


@needs_stop
def test_a_worker_that_is_killed_while_it_works_is_an_error_and_not_a_hang(pool: Pool) -> None:
    pool.map(again_points, SCALAR, [POINTS] * 2)
    victim = pool.process_ids[1]
    os.kill(victim, signal.SIGSTOP)  # So that it is certainly at work when it dies.
    killer = threading.Timer(0.3, os.kill, [victim, signal.SIGKILL])
    killer.start()
    with pytest.raises(WorkerLost, match="worker process 2 ended with status -9"):
        pool.map(again_points, SCALAR, [POINTS] * 8)
    killer.join()


@needs_stop
def test_a_worker_that_died_between_two_calls_is_an_error_and_not_a_hang(pool: Pool) -> None:
    pool.map(again_points, SCALAR, [POINTS] * 2)
    os.kill(pool.process_ids[0], signal.SIGKILL)
    with pytest.raises(WorkerLost, match="worker process 1 ended with status -9"):
        pool.map(again_points, SCALAR, [POINTS * 500] * 8)


@needs_stop
def test_a_worker_that_does_not_answer_is_named_and_ended() -> None:
    with Pool(seconds_per_chunk=2.0) as pool:
        pool.map(again_points, SCALAR, [POINTS] * 2)
        os.kill(pool.process_ids[0], signal.SIGSTOP)
        with pytest.raises(WorkerLost, match="worker process 1 did not answer within 2 s"):
            pool.map(again_points, SCALAR, [POINTS] * 8)
        assert pool.process_ids == ()


def test_a_worker_that_cannot_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Pool() as pool, pytest.raises(WorkerLost, match="could not be started"):
        pool.map(again_points, SCALAR, [POINTS])
    monkeypatch.setattr(sys, "executable", "")
    with Pool() as pool, pytest.raises(UsageError, match="own path"):
        pool.map(again_points, SCALAR, [POINTS])


def test_only_functions_of_crypto_are_run(pool: Pool) -> None:
    def inner(argument: bytes, chunk: bytes) -> bytes:
        return argument + chunk

    inner.__module__ = "crypto.x25519"
    for work in (os.path.join, json.loads, hashlib.sha256, inner, lambda a, c: a + c):
        with pytest.raises(UsageError, match="top-level functions of crypto/"):
            pool.map(work, b"", [b""])  # type: ignore[arg-type]


@needs_proc
def test_a_worker_holds_no_rows_and_shows_no_secret(pool: Pool) -> None:
    pool.map(again_points, SCALAR, [POINTS])
    process = Path("/proc") / str(pool.process_ids[0])
    libraries = (process / "maps").read_text()
    assert "gmpy2" in libraries
    for absent in ("numpy", "pandas", "torch", "grpc", "arrow", "tenseal"):
        assert absent not in libraries
    shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    assert b"crypto.worker" in shown
    assert SCALAR not in shown
    assert SCALAR.hex().encode() not in shown


# Without `if __name__ == "__main__"`: a pool whose workers import __main__ would run this in each of them.
SCRIPT = """
import os, signal, sys
from crypto.pool import Pool
from crypto.x25519 import again_points
print("main", flush=True)
pool = Pool()
results, _ = pool.map(again_points, bytes(range(32)), [(9).to_bytes(32, "little")] * 2)
print(results[0].hex(), len(pool.process_ids), flush=True)
if sys.argv[1:] == ["die"]:
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[1:] == ["interrupted"]:
    import threading
    signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell's background jobs inherit "ignored".
    threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()
    pool.map(again_points, bytes(range(32)), [(9).to_bytes(32, "little") * 1000] * 100_000)
"""


def run_script(folder: Path, source: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run SCRIPT from `folder`; returns when it *and its workers*, which hold its stderr, have ended."""
    (folder / "main.py").write_text(SCRIPT)
    return subprocess.run(
        [sys.executable, "main.py", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_workers_do_not_import_the_program_that_uses_them(tmp_path: Path) -> None:
    done = run_script(tmp_path, ROOT)
    expected = again_points(bytes(range(32)), (9).to_bytes(32, "little")).hex()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["main", f"{expected} 2"]


def test_workers_find_the_copy_that_is_installed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "crypto", tmp_path / "_isthmus" / "crypto")
    installed = tmp_path / "_isthmus" / "crypto" / "x25519.py"
    installed.write_text(installed.read_text() + "\n\ndef again_points(_, chunk):\n    return b'installed'\n")
    done = run_script(tmp_path, tmp_path / "_isthmus")
    assert done.stdout.splitlines()[1] == f"{b'installed'.hex()} 2"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process by signal")
def test_workers_do_not_outlive_a_killed_program(tmp_path: Path) -> None:
    started = time.monotonic()
    done = run_script(tmp_path, ROOT, "die")
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.splitlines()[1].endswith(" 2")
    assert time.monotonic() - started < 30  # `run` waits for every holder of the pipes, so for the workers.


@pytest.mark.skipif(os.name != "posix", reason="interrupts a process by signal")
def test_an_interrupt_ends_the_work_at_once(tmp_path: Path) -> None:
    done = run_script(tmp_path, ROOT, "interrupted")  # Twenty minutes of work.
    assert done.returncode == -signal.SIGINT
    assert done.stderr.strip().endswith("KeyboardInterrupt")


@pytest.mark.skipif(os.name != "posix", reason="interrupts a process by signal")
def test_an_interrupt_at_the_terminal_is_left_to_the_program(pool: Pool) -> None:
    pool.map(again_points, SCALAR, [POINTS] * 2)
    before = pool.process_ids
    for worker in before:
        os.kill(worker, signal.SIGINT)  # A terminal sends it to the workers as well.
    assert pool.map(again_points, SCALAR, [POINTS] * 2)[0] == [again_points(SCALAR, POINTS)] * 2
    assert pool.process_ids == before


def test_a_pool_that_is_forgotten_ends_its_workers() -> None:
    pool = Pool()
    pool.map(again_points, SCALAR, [POINTS])
    process = pool._workers[0]._process
    del pool
    assert process.poll() is not None
