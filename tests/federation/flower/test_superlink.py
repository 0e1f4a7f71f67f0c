"""The child processes: started, found ready, restarted, and never left behind."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crypto.errors import UsageError
from federation.errors import PeerFailure
from federation.flower.child import Child
from federation.flower.engine import SuperLinkClient
from federation.flower.keys import new_supernode_key, supernode_public_key
from federation.flower.superlink import SuperLink

NOW = dt.datetime.now(dt.UTC)
ROOT = Path(__file__).parents[3]


def gone(pid: int, seconds: float) -> bool:
    """Whether no process of the group `pid` is left (a zombie has left)."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.killpg(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.1)
    return False


def test_it_keeps_its_nodes_over_a_crash_and_leaves_no_process(tmp_path: Path) -> None:
    key = supernode_public_key(new_supernode_key())
    superlink = SuperLink(tmp_path, NOW)
    superlink.start()
    first = superlink.pid
    assert first is not None
    client = SuperLinkClient(superlink.address, superlink.root_file)
    try:
        node_id = client.register(key)
        os.kill(first, signal.SIGKILL)
        assert gone(first, 60)
        with pytest.raises(PeerFailure, match="no SuperLink answers"):
            client.nodes()
        # Its leader is a zombie before its last thread is gone, and can be waited for only then.
        assert superlink._child is not None and superlink._child.wait(60)
        assert not superlink.running
        superlink.start()
        assert superlink.pid != first
        assert client.register(key) == node_id
        second = superlink.pid
    finally:
        client.close()
        superlink.stop()
    superlink.stop()  # Again: nothing happens.
    assert second is not None
    assert gone(second, 30)
    for secret in ("superlink.secret", "loopback.key", "superlink.log", "state.db"):
        assert (tmp_path / secret).stat().st_mode & 0o077 == 0, secret


def test_it_does_not_outlive_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    code = (
        "import datetime, os, pathlib, sys, time\n"
        "from federation.flower.superlink import SuperLink\n"
        "link = SuperLink(pathlib.Path(sys.argv[1]), datetime.datetime.now(datetime.UTC))\n"
        "link.start()\n"
        "print(link.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        assert not gone(pid, 0.2)
        supervisor.kill()
    assert gone(pid, 60)


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        superlink = SuperLink(tmp_path, NOW, port)
        with pytest.raises(UsageError, match=f"port {port}"):
            superlink.start()
    assert superlink.pid is None


def test_one_that_ends_at_once_is_reported_with_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()  # No database can be opened here.
    superlink = SuperLink(tmp_path, NOW)
    with pytest.raises(PeerFailure, match="exit code") as caught:
        superlink.start()
    assert "superlink.log" in caught.value.advice
    assert not superlink.running


def test_a_child_that_does_not_listen_is_ended_all_the_same(tmp_path: Path) -> None:
    child = Child("flower-superlink", ["--help"], os.environ, tmp_path / "log")
    os.kill(child.pid, signal.SIGSTOP)  # Stopped, it does nothing about SIGTERM.
    child.stop(grace=0.2)
    assert child.exit_code in (-signal.SIGKILL, -signal.SIGTERM)
    assert gone(child.pid, 1)
