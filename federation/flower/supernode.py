"""The SuperNode: a party's end of Flower, a child process that is kept alive.

Flower refuses a SuperNode that comes back after a crash for about a minute, because the old one still
counts as online (two heartbeats of 30 s); the process ends then. So a supervisor starts it again, with
growing pauses, for two minutes.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from federation.errors import PeerFailure, PeerSilent
from federation.files import write_private
from federation.flower.child import LOOPBACK, Child, check_port_free, free_port
from federation.flower.environment import flower_environment
from federation.flower.loopback import LoopbackTls
from federation.tls import trusting

#: Seconds without having joined, counted from the first end of the process, before giving up.
_GIVE_UP_SECONDS = 120.0
_FIRST_PAUSE = 2.0
_LONGEST_PAUSE = 15.0
_POLL_SECONDS = 0.1
#: A SuperNode asks every 3 s, and at least every 25 s while nobody answers (20 s between tries, 5 s for one).
#: One that sends nothing for longer has lost its main loop, which Flower's process can outlive.
_SILENT_SECONDS = 45.0
#: What Flower logs once the SuperLink has taken the node in.
_JOINED = re.compile(rb"SuperNode ID: (\d+)")


class SuperNode:
    """Owns `folder`: supernode.log, Flower's home and a new secret per object.

    `tunnel_address` is where the party's tunnel listens, with the certificate of `tls`, which also
    serves the runtime interface that the executor speaks to. `key_file` holds the private key
    (`keys.new_supernode_key`). `tell` gets one sentence whenever something changed that a person may
    want to know; it is called from the supervisor's thread. `port` 0 takes a free one. `silence` gives the
    seconds since the SuperNode last sent a request; a joined one that is silent too long is started again.
    """

    def __init__(
        self,
        folder: Path,
        tunnel_address: str,
        key_file: Path,
        tls: LoopbackTls,
        tell: Callable[[str], None],
        port: int = 0,
        silence: Callable[[], float] = lambda: 0.0,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._tunnel_address = tunnel_address
        self._key_file = key_file
        self._tls = tls
        self._tell = tell
        self._silence = silence
        self._port = port or free_port()
        self._stopping = threading.Event()
        self._joined = threading.Event()
        self._over = threading.Event()
        self._node_id: int | None = None
        self._child: Child | None = None
        self._thread: threading.Thread | None = None
        write_private(self.secret_file, secrets.token_bytes(32))

    @property
    def runtime_address(self) -> str:
        """Where the party's executor finds it: `127.0.0.1:PORT`."""
        return f"{LOOPBACK}:{self._port}"

    @property
    def root_file(self) -> Path:
        """The certificate that the executor trusts."""
        return self._tls.certificate_file

    @property
    def secret_file(self) -> Path:
        """What the executor must prove to know before it gets a task."""
        return self._folder / "supernode.secret"

    @property
    def log_file(self) -> Path:
        """Flower's own log of the last start."""
        return self._folder / "supernode.log"

    @property
    def node_id(self) -> int | None:
        """The node id while the SuperNode is joined, otherwise None."""
        return self._node_id if self._joined.is_set() else None

    @property
    def running(self) -> bool:
        """Whether the child process is alive now."""
        child = self._child
        return child is not None and child.exit_code is None

    @property
    def pid(self) -> int | None:
        """The child's process id, None before `start`."""
        child = self._child
        return None if child is None else child.pid

    def start(self, timeout: float = 60.0) -> None:
        """Start it and wait until its runtime interface answers; joining goes on in the background.

        Raises `UsageError` when the port is taken, `PeerFailure` when the supervisor gave up, and
        `PeerSilent` after `timeout` seconds; then nothing is left running.
        """
        if self._thread is not None:
            return
        check_port_free(LOOPBACK, self._port, "the SuperNode")
        self._stopping.clear()
        self._over.clear()
        self._thread = threading.Thread(target=self._supervise, name="supernode-supervisor", daemon=True)
        self._thread.start()
        try:
            self._wait_ready(timeout)
        except BaseException:
            self.stop()
            raise

    def wait_joined(self, timeout: float) -> int:
        """The node id once the SuperLink has taken the node in. Raises `PeerSilent` after `timeout`
        seconds and `PeerFailure` when the supervisor gave up."""
        until = time.monotonic() + timeout
        while not self._joined.wait(_POLL_SECONDS):
            self.check()
            if time.monotonic() > until:
                raise PeerSilent("the aggregator", "taking in this party's SuperNode", timeout)
        if self._node_id is None:
            raise PeerFailure("the SuperNode joined without a node id", advice="Read flower/supernode.log.")
        return self._node_id

    def check(self) -> None:
        """Raise `PeerFailure` when the supervisor has given up."""
        if self._over.is_set() and not self._stopping.is_set():
            raise PeerFailure(
                f"the SuperNode could not join the federation in {_GIVE_UP_SECONDS:g} s",
                advice="Check the aggregator's address, this machine's clock and that the party is "
                "admitted; then read flower/supernode.log and start the party again.",
            )

    def stop(self) -> None:
        """End the supervisor, the child and whatever it started. Idempotent."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(30)
            self._thread = None
        self._joined.clear()

    def _supervise(self) -> None:
        pause = _FIRST_PAUSE
        trouble_since: float | None = None
        try:
            while not self._stopping.is_set():
                joined = self._live_once()
                if self._stopping.is_set():
                    return
                now = time.monotonic()
                if joined or trouble_since is None:
                    trouble_since, pause = now, _FIRST_PAUSE
                if now - trouble_since > _GIVE_UP_SECONDS:
                    self._tell("the SuperNode could not join the federation; it is not started again")
                    return
                self._tell(
                    f"the SuperNode ended; it is started again in {pause:g} s (Flower may refuse it for "
                    "about a minute after a crash)"
                )
                self._stopping.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
        finally:
            self._over.set()

    def _live_once(self) -> bool:
        """Start the child, watch it to its end; whether it had joined."""
        home = self._folder / "flower-home"
        home.mkdir(exist_ok=True, mode=0o700)
        child = Child(
            "flower-supernode", self._arguments(), flower_environment(home, os.environ), self.log_file
        )
        self._child = child
        joined = False
        try:
            while not self._stopping.is_set() and not child.wait(_POLL_SECONDS):
                if not joined and (found := _JOINED.search(self.log_file.read_bytes())):
                    joined = True
                    self._node_id = int(found[1])
                    self._joined.set()
                    self._tell("the SuperNode has joined the federation")
                if joined and self._silence() > _SILENT_SECONDS:
                    self._tell(f"the SuperNode has sent nothing for {_SILENT_SECONDS:g} s")
                    break
        finally:
            self._joined.clear()
            child.stop()
        return joined

    def _arguments(self) -> list[str]:
        return [
            *("--superlink", self._tunnel_address),
            *("--root-certificates", str(self._tls.certificate_file)),
            *("--auth-supernode-private-key", str(self._key_file)),
            *("--host", LOOPBACK, "--port", str(self._port)),
            *("--isolation", "process", "--superexec-auth-secret-file", str(self.secret_file)),
            *("--ssl-certfile", str(self._tls.certificate_file)),
            *("--ssl-keyfile", str(self._tls.key_file)),
            *("--ssl-ca-certfile", str(self._tls.certificate_file)),
        ]

    def _wait_ready(self, timeout: float) -> None:
        until = time.monotonic() + timeout
        with httpx.Client(verify=trusting(self.root_file), timeout=5, trust_env=False) as client:
            while time.monotonic() < until:
                self.check()
                try:
                    if client.get(f"https://{self.runtime_address}/health").status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    self._stopping.wait(_POLL_SECONDS)
        raise PeerSilent("the SuperNode", "its start", timeout)
