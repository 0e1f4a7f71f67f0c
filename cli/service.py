"""Running a service in the foreground until it is told to stop, and stopping one from outside."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from crypto.codes import Code
from crypto.errors import PeerFailure, UsageError

#: How long before its end a certificate is warned of.
_WARN_DAYS = 30
#: Between two signals to a service that is to stop at once.
_AGAIN_SECONDS = 0.5

until_stdin_ends = click.option(
    "--until-stdin-ends", is_flag=True, hidden=True, help="Stop when the standard input ends (for parents)."
)


def stop_on_signal(until_stdin_ends: bool = False, at_once: threading.Event | None = None) -> threading.Event:
    """An event that SIGTERM, SIGINT and, if asked, the end of the standard input set. A second signal sets
    `at_once`."""
    stop = threading.Event()
    if until_stdin_ends:
        threading.Thread(target=_watch_stdin, args=(stop,), name="stdin", daemon=True).start()

    def ask(number: int, frame: FrameType | None) -> None:
        if at_once is not None and stop.is_set():
            at_once.set()
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return stop


def _watch_stdin(stop: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    stop.set()


def tell(sentence: str) -> None:
    """One line with its time, for a person or a log."""
    click.echo(f"{time.strftime('%H:%M:%S')}  {sentence}")
    sys.stdout.flush()


def soon(ending: dt.datetime, now: dt.datetime) -> str:
    """What to say of a certificate that ends within 30 days, or has ended; "" of any other."""
    left = (ending - now).total_seconds() / 86400
    if left > _WARN_DAYS:
        return ""
    return f"the certificate {'ended' if left < 0 else 'ends'} on {ending:%Y-%m-%d %H:%M} UTC"


def running(holder: Callable[[Path], int | None], lock: Path, what: str) -> int:
    """The process that holds `lock`; `UsageError` where there is none to be stopped."""
    process = holder(lock)
    if process is None:
        raise UsageError(
            f"{what} is not running",
            file=str(lock.parent),
            advice="There is nothing to stop.",
            code=Code.NOT_RUNNING,
        )
    return process


def not_held(holder: Callable[[Path], int | None], lock: Path, what: str, stop_command: str) -> None:
    """`UsageError` where a process holds `lock`, as `federation.locks.held` would raise."""
    if holder(lock) is not None:
        raise UsageError(
            f"{what} in this folder is running already",
            file=str(lock.parent),
            advice=f"Stop it with `{stop_command}` first.",
            code=Code.FOLDER_HELD,
        )


def stop_holder(
    holder: Callable[[Path], int | None], lock: Path, what: str, patience: float, at_once: bool = False
) -> int:
    """Send SIGTERM to the process that holds `lock` and wait until it is gone; its process id.

    at_once: again and again, so that it does not wait for a round to end in order.
    """
    process = running(holder, lock, what)
    os.kill(process, signal.SIGTERM)
    until, again = time.monotonic() + patience, time.monotonic() + _AGAIN_SECONDS
    while holder(lock) is not None:
        if time.monotonic() > until:
            raise PeerFailure(
                f"{what} (process {process}) did not stop in {patience:g} s",
                file=str(lock.parent),
                advice=f"Look at its output; as a last resort `kill -9 {process}`.",
                code=Code.NOT_STOPPING,
            )
        if at_once and time.monotonic() > again:
            again = time.monotonic() + _AGAIN_SECONDS
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
        time.sleep(0.1)
    return process


def leave_behind() -> NoReturn:
    """End this process though a thread of it still works: it had its time, and what it writes is whole or
    absent. An orderly exit would tear down under it what it uses."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
