"""Starting many things and stopping them in reverse: what the aggregator's and the party's services share."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from federation.errors import IsthmusError

_LOOK_SECONDS = 1.0


class Service(ABC):
    """Runs between `start` and `stop`, or inside `with`. `tell` gets a sentence for people.

    A subclass starts its parts in `_start` and pushes how to stop each onto `_stack`; `_stopping` is set
    before anything is stopped.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._stopping = threading.Event()
        self._stack = ExitStack()
        self._failure: IsthmusError | None = None  # of a thread that could not go on
        self._troubles: dict[str, str | None] = {}

    @abstractmethod
    def _start(self) -> None: ...

    def start(self) -> None:
        """Start everything, or raise and leave nothing behind."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything, in reverse. Idempotent."""
        self._stopping.set()
        self._stack.close()

    def run_until(self, stop: threading.Event) -> None:
        """Keep going until `stop` is set. Raises what a part of the service could not go on after."""
        while not stop.wait(_LOOK_SECONDS):
            if self._failure is not None:
                raise self._failure
            self._look()

    @abstractmethod
    def _look(self) -> None:
        """Called about once a second: check the parts, and tell of troubles that came or went."""

    def _tell_trouble(self, of: str, trouble: str | None) -> None:
        """Tell once when `of` gets into trouble, when the trouble changes, and when it is over."""
        if trouble != self._troubles.get(of):
            self._troubles[of] = trouble
            self._tell(trouble if trouble is not None else f"{of} answers again")

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
