"""Starting many things and stopping them in reverse: what the aggregator's and the party's services share."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self


class Service(ABC):
    """Runs between `start` and `stop`, or inside `with`. `tell` gets a sentence for people.

    A subclass starts its parts in `_start` and pushes how to stop each onto `_stack`; `_stopping` is set
    before anything is stopped.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._stopping = threading.Event()
        self._stack = ExitStack()

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

    def _run_in_thread(self, name: str, work: Callable[[], None]) -> None:
        """Run `work`, which ends by itself once `_stopping` is set."""
        thread = threading.Thread(target=work, name=name, daemon=True)
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
