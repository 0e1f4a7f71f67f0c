"""A service starts whole or not at all, tells of trouble once, and ends with what ended a part of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from federation.errors import IdentityRefused, UsageError
from federation.lifecycle import Operation, Service
from federation.serving.vitals import Vitals


class Made(Service):
    """Starts `parts`, noting what is stopped."""

    def __init__(self, *parts: Callable[[Made], None], operation: Operation | None = None) -> None:
        self.told: list[str] = []
        super().__init__(self.told.append, operation)
        self.stopped: list[int] = []
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
