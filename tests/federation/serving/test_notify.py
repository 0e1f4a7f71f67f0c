"""The service manager is told what it needs, by this process alone; without one nothing happens."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from federation.serving.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@isthmus-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(name.replace("@", "\0"))
        heard.settimeout(60)
        yield heard, name


def test_up_and_stopping_are_told(manager: tuple[socket.socket, str]) -> None:
    heard, name = manager
    environment = {"NOTIFY_SOCKET": name, "PATH": "/bin"}
    notifier = Notifier.from_environment(environment)
    assert environment == {"PATH": "/bin"}  # A child would otherwise speak for its parent.
    notifier.ready("bank is up\nMAINPID=1")
    assert heard.recv(4096).decode().splitlines() == ["READY=1", "STATUS=bank is up MAINPID=1"]
    notifier.stopping(90.0)
    told = heard.recv(4096).decode().splitlines()
    assert told == ["STOPPING=1", "STATUS=stopping", "EXTEND_TIMEOUT_USEC=90000000"]


def test_a_watchdog_is_fed_three_times_in_its_patience(manager: tuple[socket.socket, str]) -> None:
    heard, name = manager
    moments = iter([0.0, 5.0, 10.0, 10.0, 15.0, 20.5, 20.5])
    notifier = Notifier(name, 30.0, lambda: next(moments))
    for _ in range(4):  # at 5, 10, 15 and 20.5 s
        notifier.alive()
    heard.settimeout(0)
    assert [heard.recv(99) for _ in range(2)] == [b"WATCHDOG=1"] * 2
    with pytest.raises(BlockingIOError):
        heard.recv(99)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"NOTIFY_SOCKET": ""},
        {"NOTIFY_SOCKET": "/nowhere/notify"},
        {"NOTIFY_SOCKET": "vsock:2:1234"},
        {"NOTIFY_SOCKET": "/nowhere/notify", "WATCHDOG_USEC": "nonsense"},
    ],
)
def test_where_nobody_listens_nothing_fails(environment: dict[str, str]) -> None:
    notifier = Notifier.from_environment(environment)
    notifier.ready("up")
    notifier.alive()
    notifier.stopping(1)


def test_a_watchdog_of_another_process_is_not_fed(manager: tuple[socket.socket, str]) -> None:
    heard, name = manager
    theirs = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1", "WATCHDOG_PID": str(os.getpid() + 1)}
    Notifier.from_environment(theirs).alive()
    heard.settimeout(0)
    with pytest.raises(BlockingIOError):
        heard.recv(99)
