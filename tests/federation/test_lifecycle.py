"""A service starts whole or not at all, tells of trouble once, and ends with what ended a part of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from federation.errors import IdentityRefused, UsageError
from federation.lifecycle import Operation, Service
from federation.serving.eventlog import EventLog
from federation.serving.notify import Notifier
from federation.serving.reading import last
from federation.serving.vitals import Vitals


class Made(Service):
    """Starts `parts`, noting what is stopped."""

    def __init__(self, *parts: Callable[[Made], None], operation: Operation | None = None) -> None:
        self.told: list[str] = []
        super().__init__(self.told.append, operation)
        self.stopped: list[int] = []
        self.noted: list[list[int]] = []
        self._parts = parts

    def _start(self) -> None:
        for number, part in enumerate(self._parts):
            part(self)
            self._stack.callback(self.stopped.append, number)

    def vitals(self) -> Vitals:
        return Vitals("party", "idle", {}, None, None)

    def _look(self) -> None:
        self.looked = True

    def trouble(self, text: str | None) -> None:
        self._tell_trouble("the gate", text)

    def in_thread(self, work: Callable[[], None]) -> None:
        self._run_in_thread("part", work)


def fine(service: Made) -> None:
    pass


def failing(service: Made) -> None:
    raise UsageError("the port is taken", advice="Choose another.")


def test_parts_stop_in_reverse_and_only_once() -> None:
    service = Made(fine, fine, fine)
    with service:
        assert service.stopped == []
    service.stop()
    assert service.stopped == [2, 1, 0]


def test_a_part_that_does_not_start_stops_those_before_it() -> None:
    service = Made(fine, failing, fine)
    with pytest.raises(UsageError, match="the port is taken"):
        service.start()
    assert service.stopped == [0]


def test_a_thread_that_cannot_go_on_ends_the_service_with_its_error() -> None:
    def refuse() -> None:
        raise IdentityRefused("the secret is another one", advice="Start again.")

    with (
        Made(lambda service: service.in_thread(refuse)) as service,
        pytest.raises(IdentityRefused, match="another one"),
    ):
        service.run_until(threading.Event())


def test_it_keeps_going_until_it_is_told_to_stop() -> None:
    stop = threading.Event()
    with Made(fine) as service:
        threading.Timer(1.2, stop.set).start()
        service.run_until(stop)
    assert service.looked


def test_a_trouble_is_told_once_and_so_is_its_end() -> None:
    service = Made()
    for text in ("it is away", "it is away", None, None, "it is away"):
        service.trouble(text)
    assert service.told == ["it is away", "the gate answers again", "it is away"]


# -- stopping in order ---------------------------------------------------------------------------------------


def working(until: threading.Event) -> Callable[[Made], None]:
    """A part whose thread works until the test lets it go, whatever the service wants."""

    def part(service: Made) -> None:
        service.in_thread(lambda: until.wait(300) and None)

    return part


def test_what_works_has_its_grace_and_what_it_stands_on_stays_meanwhile() -> None:
    done = threading.Event()
    service = Made(fine, working(done), operation=Operation(grace=300))
    service.start()
    threading.Timer(0.5, lambda: (service.noted.append(list(service.stopped)), done.set())).start()
    service.stop()
    assert service.noted == [[]]  # Nothing was stopped before the work was over.
    assert service.stopped == [1, 0]
    assert not service.cut_off


def test_a_grace_ends_and_so_does_one_that_is_to_end_at_once() -> None:
    for operation in (Operation(grace=0.2), Operation(grace=300)):
        done = threading.Event()
        service = Made(fine, working(done), operation=operation)
        service.start()
        operation.at_once.set()
        service.stop()
        assert service.stopped == [1, 0]
        assert service.cut_off
        done.set()


def test_a_service_tells_its_manager_that_it_is_up_and_stops() -> None:
    class Manager(Notifier):
        def _send(self, text: str) -> None:
            told.append(text.splitlines()[0])

    told: list[str] = []
    with pytest.raises(UsageError):
        Made(failing, operation=Operation(notifier=Manager())).start()
    assert told == ["STOPPING=1"]  # One that did not start was never up.
    with Made(fine, operation=Operation(notifier=Manager())):
        assert told == ["STOPPING=1", "READY=1"]
    assert told[2:] == ["STOPPING=1"]


def test_what_ends_a_service_is_in_its_log_without_its_path(tmp_path: Path) -> None:
    def fail(service: Made) -> None:
        raise UsageError("cannot write", file="/secret/place", advice="Free space.")

    path = tmp_path / "node.jsonl"
    with pytest.raises(UsageError):
        Made(fail, operation=Operation(EventLog(path))).start()
    (line,) = last(path, 9)
    assert (line["event"], line["level"], line["sentence"]) == ("failed", "error", "cannot write")
    assert line["code"] == UsageError.code.value
    assert "/secret" not in path.read_text()
