"""A service in the background: started, waited for until it is up, and left to itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.processes import ended, environment
from crypto.codes import Code
from federation import files
from federation.errors import PeerSilent, UsageError
from federation.home import Home
from federation.locks import holder

_PROGRAM = (sys.executable, "-P", "-m", "cli")
_LOOK_SECONDS = 0.1
_STOPPED_BY = {"party": "isthmus party stop", "federation": "isthmus federation stop"}
#: What a service that did not come up in time is given to stop in order.
_STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Detached:
    """A service that is up. `facts`: what it wrote down of itself."""

    pid: int
    facts: dict[str, Any]


def detach(
    what: str, arguments: Sequence[str], home: Home, lock: Path, ready: Path, patience: float
) -> Detached:
    """Start the program with `arguments` in a session of its own and wait until it has written `ready`.

    What it prints goes to the folder's `output_file`. Raises `UsageError` when another process holds the
    folder, what the service itself said when it ended instead, and `PeerSilent` after `patience` seconds;
    then nothing is left running.
    """
    running = holder(lock)
    if running is not None:
        raise UsageError(
            f"{what} runs already, as process {running}",
            file=str(home.folder),
            advice=f"Stop it with `{_STOPPED_BY[arguments[0]]}` before you start it again.",
            code=Code.FOLDER_HELD,
        )
    process = _start(arguments, home)
    try:
        facts = _wait(process, what, home.output_file, ready, patience)
    except BaseException:
        _end(process)
        raise
    process.returncode = 0  # It lives on; without this Python would warn that nobody waited for it.
    return Detached(process.pid, facts)


def _start(arguments: Sequence[str], home: Home) -> subprocess.Popen[bytes]:
    output = home.output_file
    files.make_folder(output.parent, 0o700)
    if output.exists():
        output.replace(output.with_name(f"{output.name}.1"))
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603 - our own program and arguments.
            [*_PROGRAM, *arguments],
            cwd=home.folder,  # Not where the command was given: that folder may be unmounted.
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            umask=0o077,
        )
    finally:
        os.close(descriptor)


def _wait(
    process: subprocess.Popen[bytes], what: str, output: Path, ready: Path, patience: float
) -> dict[str, Any]:
    until = time.monotonic() + patience
    while True:
        code = process.poll()
        if code is not None:
            raise ended(what, output, code)
        facts = _facts(ready)
        if facts.get("pid") == process.pid:
            return facts
        if time.monotonic() > until:
            raise PeerSilent(what, "starting", patience)
        time.sleep(_LOOK_SECONDS)


def _facts(ready: Path) -> dict[str, Any]:
    """What the service, or one before it that was killed, wrote; it is replaced whole, never half-written."""
    try:
        return dict(json.loads(ready.read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5.0)
