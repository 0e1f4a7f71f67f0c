"""Starting many things and stopping them in reverse: what the aggregator's and the party's services share."""

from __future__ import annotations

import datetime as dt
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from federation.errors import IsthmusError
from federation.serving.eventlog import Event, EventLog, Level
from federation.serving.notify import Notifier
from federation.serving.tally import Tally
from federation.serving.vitals import Vitals

_LOOK_SECONDS = 1.0
#: What telling the others takes, where a service is told to stop at once.
_FAREWELL_SECONDS = 2.0
#: What stopping the parts may take after the round's grace: systemd is told, and deploy/ allows it.
_STOP_SECONDS = 60.0
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Operation:
    """How a service is run: by default for a test or a program that embeds it.

    `log`: its log, if any. `metrics_port`: where health and metrics are served on loopback (0 takes a free
    port), None for nowhere. `grace`: seconds that a round gets to end when the service stops in its midst;
    `at_once`, once set, cuts them short. `notifier`: who is told that the service is up, stops, or hangs.
    """

    log: EventLog | None = None
    metrics_port: int | None = None
    grace: float = 30.0
    at_once: threading.Event = field(default_factory=threading.Event)
    notifier: Notifier = field(default_factory=Notifier)


class Service(ABC):
    """Runs between `start` and `stop`, or inside `with`. `say` gets a sentence for people.

    A subclass starts its parts in `_start` and pushes how to stop each onto `_stack`; `_stopping` is set
    before anything is stopped.
    """

    def __init__(self, say: Callable[[str], None], operation: Operation | None = None) -> None:
        self._say = say
        self._operation = Operation() if operation is None else operation
        self._stopping = threading.Event()
        self._stack = ExitStack()
        self._threads: list[threading.Thread] = []
        self._failure: IsthmusError | None = None  # of a thread that could not go on
        self._troubles: dict[str, str | None] = {}
        self._tally = Tally()

    @property
    def cut_off(self) -> bool:
        """Whether a thread still works after `stop`: it was not over in time. The process should end."""
        return any(thread.is_alive() for thread in self._threads)

    def tell(
        self,
        sentence: str,
        event: str = "note",
        *,
        level: Level = "info",
        run: str | None = None,
        peer: str | None = None,
        logged: str | None = None,
        code: str | None = None,
        counts: Mapping[str, float] | None = None,
    ) -> None:
        """A sentence for people, and an event for the log.

        logged: what the log says instead, where the sentence holds more than others may read.
        """
        self._say(sentence)
        if self._operation.log is not None:
            said = sentence if logged is None else logged
            self._operation.log.note(Event(event, said, level, run, peer, counts or {}, code))

    def _note_failure(self, error: BaseException) -> None:
        """What ends the service, for the log: whoever runs the service tells it to people."""
        if self._operation.log is None or not isinstance(error, Exception):
            return
        event = Event("failed", f"internal error ({type(error).__name__})", "error")
        if isinstance(error, IsthmusError):
            event = Event("failed", error.told, "error", peer=error.party, code=error.told_code.value)
        self._operation.log.note(event)

    @abstractmethod
    def _start(self) -> None: ...

    def start(self) -> None:
        """Start everything, or raise and leave nothing behind."""
        try:
            self._start()
        except BaseException as error:
            self._note_failure(error)
            self.stop()
            raise
        self._operation.notifier.ready("up")

    @abstractmethod
    def vitals(self) -> Vitals:
        """How the service is now. Called from any thread."""

    def stop(self) -> None:
        """Stop everything, in reverse, after a round that runs has ended or had its grace. Idempotent."""
        if not self._stopping.is_set():
            self._operation.notifier.stopping(self._operation.grace + _STOP_SECONDS)
        self._stopping.set()
        try:
            self._finish_work()
        finally:
            self._stack.close()

    def _finish_work(self) -> None:
        """Wait for what runs in threads, which know that the service stops, for as long as the grace is."""
        operation = self._operation
        until = time.monotonic() + operation.grace
        hurried = False
        for thread in self._threads:
            while thread.is_alive() and time.monotonic() < until:
                if operation.at_once.is_set() and not hurried:
                    hurried, until = True, min(until, time.monotonic() + _FAREWELL_SECONDS)
                thread.join(0.1)

    def _open_pages(self) -> int | None:
        """Serve health and metrics where they were asked for; the port."""
        wanted = self._operation.metrics_port
        if wanted is None:
            return None
        from federation.local_pages import LocalPages
        from federation.serving.metrics import Metrics
        from federation.serving.pages import app

        def health() -> dict[str, Any]:
            return self.vitals().health(dt.datetime.now(dt.UTC))

        log = self._operation.log
        metrics = Metrics(self.vitals, self._tally.now, lambda: 0 if log is None else log.lost)
        pages = LocalPages(app(health, metrics.text), _LOOPBACK, wanted, "health and metrics")
        port = pages.start()
        self._stack.callback(pages.stop)
        return port

    def run_until(self, stop: threading.Event) -> None:
        """Keep going until `stop` is set. Raises what a part of the service could not go on after."""
        try:
            while not stop.wait(_LOOK_SECONDS):
                if self._failure is not None:
                    raise self._failure
                self._look()
                self._operation.notifier.alive()
        except BaseException as error:
            self._note_failure(error)
            raise

    @abstractmethod
    def _look(self) -> None:
        """Called about once a second: check the parts, and tell of troubles that came or went."""

    def _tell_trouble(self, of: str, trouble: str | None, logged: str | None = None) -> None:
        """Tell once when `of` gets into trouble, when the trouble changes, and when it is over. `logged`: as
        of `tell`."""
        if trouble != self._troubles.get(of):
            self._troubles[of] = trouble
            if trouble is not None:
                self.tell(trouble, "trouble", level="warning", logged=logged)
            else:
                self.tell(f"{of} answers again", "trouble-over")

    def _run_in_thread(self, name: str, work: Callable[[], None]) -> None:
        """Run `work`, which ends by itself once `_stopping` is set. What it raises ends the service."""

        def run() -> None:
            try:
                work()
            except IsthmusError as error:
                self._failure = error

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
