"""The supervisor of a SuperNode: it comes back after a crash, and says when it gives up."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from crypto.errors import PeerFailure, UsageError
from federation.errors import PeerSilent
from federation.flower import supernode as module
from federation.flower.child import free_port
from federation.flower.loopback import LoopbackTls
from federation.flower.supernode import SuperNode


class FakeChild:
    """A SuperNode that lives for `lives` seconds each time, and joins when `joins`."""

    lives = 0.0
    joins = False
    started: list[list[str]]

    def __init__(
        self, command: str, arguments: Sequence[str], environment: Mapping[str, str], log_file: Path
    ) -> None:
        self.started.append([command, *arguments])
        self.ends = time.monotonic() + self.lives
        log_file.write_bytes(b"INFO:      SuperNode ID: 42\n" if self.joins else b"refused [2004]\n")

    pid = 1

    @property
    def exit_code(self) -> int | None:
        return None if time.monotonic() < self.ends else 1

    def wait(self, seconds: float) -> bool:
        time.sleep(min(seconds, max(0.0, self.ends - time.monotonic())))
        return self.exit_code is not None

    def stop(self, grace: float = 10.0) -> None:
        self.ends = 0.0


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeChild]:
    class Fresh(FakeChild):
        started: list[list[str]] = []  # noqa: RUF012

    monkeypatch.setattr(module, "Child", Fresh)
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(module, "_LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(SuperNode, "_wait_ready", lambda self, timeout: None)
    return Fresh


def made(folder: Path, tell: Callable[[str], None], port: int = 0) -> SuperNode:
    import datetime as dt

    tls = LoopbackTls.create(folder, dt.datetime.now(dt.UTC))
    return SuperNode(folder, "127.0.0.1:1", folder / "key", tls, tell, port)


def test_it_gives_up_after_its_time_and_says_so(
    tmp_path: Path, fake: type[FakeChild], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GIVE_UP_SECONDS", 0.5)
    told: list[str] = []
    supernode = made(tmp_path, told.append)
    supernode.start()
    with pytest.raises(PeerFailure, match="could not join") as caught:
        supernode.wait_joined(10)
    assert "supernode.log" in caught.value.advice
    assert len(fake.started) > 3
    assert "started again" in told[0]
    assert "not started again" in told[-1]
    supernode.stop()


def test_one_that_had_joined_gets_the_whole_time_again(
    tmp_path: Path, fake: type[FakeChild], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GIVE_UP_SECONDS", 0.4)
    fake.lives, fake.joins = 0.25, True
    supernode = made(tmp_path, lambda text: None)
    supernode.start()
    assert supernode.wait_joined(60) == 42
    until = time.monotonic() + 60
    while len(fake.started) < 4 and time.monotonic() < until:
        time.sleep(0.05)
    supernode.check()
    supernode.stop()
    assert len(fake.started) >= 4
    assert supernode.node_id is None


def test_a_wait_that_runs_out_names_the_aggregator(tmp_path: Path, fake: type[FakeChild]) -> None:
    fake.lives = 30.0
    supernode = made(tmp_path, lambda text: None)
    supernode.start()
    with pytest.raises(PeerSilent, match=r"waited 0\.2 s for the aggregator"):
        supernode.wait_joined(0.2)
    supernode.stop()


def test_one_that_lives_on_without_its_main_loop_is_started_again(
    tmp_path: Path, fake: type[FakeChild]
) -> None:
    fake.lives, fake.joins = 30.0, True
    silent = [module._SILENT_SECONDS + 1, 0.0]
    told: list[str] = []
    supernode = made(tmp_path, told.append)
    supernode._silence = lambda: silent[0] if len(fake.started) == 1 else silent[1]
    supernode.start()
    until = time.monotonic() + 60
    while not (len(fake.started) == 2 and supernode.node_id) and time.monotonic() < until:
        time.sleep(0.02)
    assert supernode.node_id == 42
    assert "the SuperNode has sent nothing for 45 s" in told
    supernode.stop()


def test_it_is_started_with_every_safeguard(tmp_path: Path, fake: type[FakeChild]) -> None:
    fake.lives = 30.0
    supernode = made(tmp_path, lambda text: None)
    supernode.start()
    until = time.monotonic() + 60
    while not fake.started and time.monotonic() < until:
        time.sleep(0.02)
    supernode.stop()
    (command,) = fake.started
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert command[0] == "flower-supernode"
    assert options["--isolation"] == "process"
    assert options["--host"] == "127.0.0.1"
    assert options["--superexec-auth-secret-file"] == str(supernode.secret_file)
    assert options["--root-certificates"] == options["--ssl-certfile"] == str(supernode.root_file)
    assert "--insecure" not in command
    assert len(supernode.secret_file.read_bytes()) == 32


def test_a_taken_port_is_named(tmp_path: Path, cluster: Any) -> None:
    port = int(cluster.superlink.address.rpartition(":")[2])
    with pytest.raises(UsageError, match=f"port {port}"):
        made(tmp_path, lambda text: None, port).start()


def test_a_real_one_waits_for_a_gate_that_is_away_and_leaves_no_process(tmp_path: Path, cluster: Any) -> None:
    identity = cluster.parties["bank-a"].identity
    tls = cluster.parties["bank-a"].supernode._tls
    supernode = SuperNode(
        tmp_path, f"127.0.0.1:{free_port()}", identity.supernode_key_file, tls, lambda text: None
    )
    supernode.start()
    pid = supernode.pid
    assert pid is not None
    assert supernode.running
    # Its runtime interface is there, on loopback, with TLS, and hands nothing to whoever asks.
    with httpx.Client(verify=False, trust_env=False) as client:
        answer = client.post(
            f"https://{supernode.runtime_address}/v1/runtime/acquire-task",
            headers={"content-type": "application/protobuf", "accept": "application/protobuf"},
        )
    assert answer.status_code == 401
    with pytest.raises(PeerSilent):
        supernode.wait_joined(0.5)
    supernode.stop()
    with pytest.raises(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
