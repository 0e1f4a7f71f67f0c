"""One signal asks a service to stop in order, a second one to stop at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import service
from cli.service import stop_holder, stop_on_signal
from crypto.errors import PeerFailure, UsageError


@pytest.fixture
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_is_another_one(number: signal.Signals) -> None:
    at_once = threading.Event()
    stop = stop_on_signal(at_once=at_once)
    signal.raise_signal(number)
    assert (stop.is_set(), at_once.is_set()) == (True, False)
    signal.raise_signal(number)
    assert at_once.is_set()


class Process:
    """A service that holds a folder until it has had enough signals."""

    def __init__(self, enough: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.signals: list[tuple[int, int]] = []
        self._enough = enough
        monkeypatch.setattr(os, "kill", lambda pid, number: self.signals.append((pid, number)))
        monkeypatch.setattr(service, "_AGAIN_SECONDS", 0.0)

    def holder(self, lock: Path) -> int | None:
        return 4711 if len(self.signals) < self._enough else None


def test_stopping_sends_one_signal_and_stopping_at_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = Process(1, monkeypatch)
    assert stop_holder(patient.holder, tmp_path, "the node", 60) == 4711
    hasty = Process(3, monkeypatch)
    assert stop_holder(hasty.holder, tmp_path, "the node", 60, at_once=True) == 4711
    assert patient.signals == [(4711, signal.SIGTERM)]
    assert hasty.signals == [(4711, signal.SIGTERM)] * 3


def test_one_that_does_not_stop_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PeerFailure, match=r"the node \(process 4711\) did not stop in 0.2 s"):
        stop_holder(Process(2, monkeypatch).holder, tmp_path, "the node", 0.2)
    with pytest.raises(UsageError, match="is not running"):
        stop_holder(Process(0, monkeypatch).holder, tmp_path, "the node", 0.2)
