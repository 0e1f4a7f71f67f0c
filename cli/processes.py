"""Child processes of a command: `isthmus` services in sessions of their own, stopped with their parent.

A child reads its standard input and stops in order when that ends, so it ends also when its parent is
killed and can stop nothing any more.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from cli.words import VARIABLE
from crypto.codes import Code, known
from federation.errors import IsthmusError, PeerFailure, PeerSilent

_ROOT = Path(__file__).resolve().parent.parent
_STOP_SECONDS = 20.0
#: How a command tells its error (`cli.output`).
_ERROR = re.compile(r"error\[(IST-\d{4})\]: (.*)")


class Service:
    """One running `isthmus` command; its output goes to `log`."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own program and arguments.
                [sys.executable, "-P", "-m", "cli", *arguments, "--until-stdin-ends"],
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait_for(self, file: Path, patience: float) -> None:
        """Until `file` exists. Raises what the service said when it ended instead."""
        until = time.monotonic() + patience
        while not file.exists():
            heed()
            if self._process.poll() is not None:
                raise self._ended()
            if time.monotonic() > until:
                raise PeerSilent(self.name, "starting", patience)
            time.sleep(0.05)

    def check(self) -> None:
        """Raise what the service said when it has ended."""
        if self._process.poll() is not None:
            raise self._ended()

    def ask_to_stop(self) -> None:
        """Tell it to stop; nothing is waited for."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait_stopped(self, patience: float) -> None:
        """Wait for its end; then kill it with everything that it started."""
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(5.0)

    def _ended(self) -> IsthmusError:
        return ended(self.name, self.log, self._process.returncode)


def ended(name: str, log: Path, exit_code: int) -> IsthmusError:
    """What ended the service `name`: its own error and next step in `log`, with its code and exit code."""
    lines = log.read_text("utf-8", "replace").splitlines()
    said = next((found for line in lines if (found := _ERROR.fullmatch(line))), None)
    what = None if said is None else said[2]
    advice = next((line.removeprefix("next:  ") for line in lines if line.startswith("next:  ")), None)
    error = PeerFailure(
        f"{name} ended: {what or 'see its log'}",
        file=None if what else str(log),
        advice=advice or f"Read {log}.",
        code=Code.PROCESS_ENDED if said is None else known(said[1]),
    )
    if exit_code in (2, 3, 4):
        error.exit_code = exit_code
    return error


#: Set by an interrupt. Its KeyboardInterrupt is lost where it meets code that may not raise, such as a
#: callback of a C library; so whoever waits asks `heed` as well.
_interrupted = threading.Event()


def heed() -> None:
    """Raise the KeyboardInterrupt of an interrupt that was lost on its way."""
    if _interrupted.is_set():
        _interrupted.clear()
        raise KeyboardInterrupt


@contextlib.contextmanager
def _heeding() -> Iterator[None]:
    """No interrupt is lost within; outside the main thread, which gets them all, nothing is changed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        _interrupted.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
        heed()
    finally:
        _interrupted.clear()
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def stopping(services: list[Service]) -> Iterator[None]:
    """Stop all `services` at the end, whatever happens: all are asked first, then waited for."""
    try:
        with _heeding():
            yield
    finally:
        for service in reversed(services):
            service.ask_to_stop()
        until = time.monotonic() + _STOP_SECONDS
        for service in reversed(services):
            service.wait_stopped(max(1.0, until - time.monotonic()))


def environment() -> dict[str, str]:
    """This process's, in which `python -m cli` finds the program."""
    path = os.environ.get("PYTHONPATH", "")
    root = f"{_ROOT}{os.pathsep}{path}" if path else str(_ROOT)
    # In English, whatever this command speaks: `ended` reads it, and nothing is translated twice.
    return {**os.environ, "PYTHONPATH": root, VARIABLE: "en"}
