"""Starting many things and stopping them in reverse: what the aggregator's and the party's services share."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from federation.errors import IsthmusError
from federation.serving.eventlog import Event, EventLog, Level

_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Operation:
    """How a service is run: by default for a test or a program that embeds it. `log`: its log, if any."""

    log: EventLog | None = None


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
        self._failure: IsthmusError | None = None  # of a thread that could not go on
        self._troubles: dict[str, str | None] = {}

    def tell(
        self,
        sentence: str,
        event: str = "note",
        *,
        level: Level = "info",
        run: str | None = None,
        peer: str | None = None,
        logged: str | None = None,
        **counts: float,
    ) -> None:
        """A sentence for people, and an event for the log.

        logged: what the log says instead, where the sentence holds more than others may read.
        """
        self._say(sentence)
        if self._operation.log is not None:
            said = sentence if logged is None else logged
            self._operation.log.note(Event(event, said, level, run, peer, counts))

    def _note_failure(self, error: BaseException) -> None:
        """What ends the service, for the log: whoever runs the service tells it to people."""
        if self._operation.log is not None and isinstance(error, Exception):
            cause = (
                error.cause if isinstance(error, IsthmusError) else f"internal error ({type(error).__name__})"
            )
            self._operation.log.note(Event("failed", cause, "error"))

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

    def stop(self) -> None:
        """Stop everything, in reverse. Idempotent."""
        self._stopping.set()
        self._stack.close()

    def run_until(self, stop: threading.Event) -> None:
        """Keep going until `stop` is set. Raises what a part of the service could not go on after."""
        try:
            while not stop.wait(_LOOK_SECONDS):
                if self._failure is not None:
                    raise self._failure
                self._look()
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
        self._stack.callback(lambda: thread.join(10.0))

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
