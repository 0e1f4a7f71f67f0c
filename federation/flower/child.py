"""A Flower command as a child process that cannot be left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from crypto.codes import Code
from crypto.errors import UsageError

_LAUNCH = Path(__file__).with_name("launch.py")
LOOPBACK = "127.0.0.1"


class Child:
    """One of Flower's console commands, in its own session, with a log file instead of a pipe.

    Its own session: Ctrl-C in a terminal reaches the supervisor alone, which then stops it in order, and
    `stop` can end whatever it started. A file, because a grandchild that inherits a pipe holds it open.
    """

    def __init__(
        self, command: str, arguments: Sequence[str], environment: Mapping[str, str], log_file: Path
    ) -> None:
        self.log_file = log_file
        log_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a fixed script; the arguments are ours.
                [sys.executable, "-P", str(_LAUNCH), command, *arguments],
                stdin=subprocess.PIPE,
                stdout=descriptor,
                stderr=descriptor,
                env=dict(environment),
                start_new_session=True,
                umask=0o077,
            )
        finally:
            os.close(descriptor)

    @property
    def pid(self) -> int:
        """Its process id, which is also its process group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> bool:
        """Whether it ended within `seconds`."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, grace: float = 10.0) -> None:
        """Ask it to end, wait up to `grace` seconds, then end its whole process group. Idempotent."""
        if self.exit_code is None:
            self._process.terminate()
            self.wait(grace)
        # Also when it has ended by itself: something it started might live on in the group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(5)
        if self._process.stdin is not None:
            self._process.stdin.close()


def free_port() -> int:
    """A TCP port of loopback that is free now, for a program that must be told its port."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def check_port_free(host: str, port: int, purpose: str) -> None:
    """Raise `UsageError` naming the port when another program has it."""
    listen(host, port, purpose).close()


def listen(host: str, port: int, purpose: str) -> socket.socket:
    """A listening socket (`port` 0 takes any free one). Raises `UsageError` naming the port."""
    try:
        return socket.create_server((host, port), backlog=128)
    except OSError:
        raise UsageError(
            f"port {port} on {host} cannot be opened for {purpose}",
            advice=f"See what uses it (`ss -ltnp 'sport = :{port}'`), or configure another port.",
            code=Code.PORT_TAKEN,
        ) from None
