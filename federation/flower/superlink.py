"""The SuperLink: Flower's hub at the aggregator, a child process on loopback.

One port serves the parties (fleet), the ServerApp (runtime) and the operator (control), and the last has
no authentication at all. So it listens on loopback; the parties come through the gate, and the runtime
interface asks for a secret. With the database a run survives the SuperLink's crash.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import time
from pathlib import Path

import httpx

from crypto.codes import Code
from federation.errors import PeerFailure, PeerSilent
from federation.files import write_private
from federation.flower.child import LOOPBACK, Child, check_port_free, free_port
from federation.flower.environment import flower_environment
from federation.flower.loopback import LoopbackTls
from federation.tls import trusting

_READY_POLL_SECONDS = 0.1


class SuperLink:
    """Owns `folder`: state.db, superlink.log, Flower's home, and a new certificate and secret per object.

    `port` 0 takes a free one. `now` (UTC) dates the certificate.
    """

    def __init__(self, folder: Path, now: dt.datetime, port: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._port = port or free_port()
        self._tls = LoopbackTls.create(folder, now)
        self._child: Child | None = None
        write_private(self.secret_file, secrets.token_bytes(32))

    @property
    def address(self) -> str:
        """Where it listens, for the executor, the client and the gate: `127.0.0.1:PORT`."""
        return f"{LOOPBACK}:{self._port}"

    @property
    def root_file(self) -> Path:
        """The certificate that its clients on this machine trust, and nothing else."""
        return self._tls.certificate_file

    @property
    def secret_file(self) -> Path:
        """What an executor must prove to know before it gets a task."""
        return self._folder / "superlink.secret"

    @property
    def log_file(self) -> Path:
        """Flower's own log of the last start."""
        return self._folder / "superlink.log"

    @property
    def running(self) -> bool:
        """Whether the child process is alive."""
        return self._child is not None and self._child.exit_code is None

    @property
    def pid(self) -> int | None:
        """The child's process id, None before `start`."""
        return None if self._child is None else self._child.pid

    def start(self, timeout: float = 60.0) -> None:
        """Start it and wait until it answers. Again after it ended: it goes on from its database.

        Raises `UsageError` when the port is taken, `PeerFailure` when it ends at once, and `PeerSilent`
        after `timeout` seconds; then nothing is left running.
        """
        if self.running:
            return
        self.stop()
        check_port_free(LOOPBACK, self._port, "the SuperLink")
        home = self._folder / "flower-home"
        home.mkdir(exist_ok=True, mode=0o700)
        self._child = Child(
            "flower-superlink", self._arguments(), flower_environment(home, os.environ), self.log_file
        )
        try:
            self._wait_ready(self._child, timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the child and whatever it started. Idempotent."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def _arguments(self) -> list[str]:
        return [
            *("--host", LOOPBACK, "--port", str(self._port)),
            *("--isolation", "process", "--superexec-auth-secret-file", str(self.secret_file)),
            *("--database", str(self._folder / "state.db")),
            "--enable-supernode-auth",
            *("--ssl-certfile", str(self._tls.certificate_file)),
            *("--ssl-keyfile", str(self._tls.key_file)),
            *("--ssl-ca-certfile", str(self._tls.certificate_file)),
        ]

    def _wait_ready(self, child: Child, timeout: float) -> None:
        until = time.monotonic() + timeout
        with httpx.Client(verify=trusting(self.root_file), timeout=5, trust_env=False) as client:
            while time.monotonic() < until:
                if child.wait(_READY_POLL_SECONDS):
                    raise PeerFailure(
                        f"the SuperLink ended with exit code {child.exit_code} before it was ready",
                        advice="Read flower/superlink.log in the federation's folder.",
                        code=Code.PROCESS_ENDED,
                    )
                try:
                    if client.get(f"https://{self.address}/health").status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    continue
        raise PeerSilent("the SuperLink", "its start", timeout)
