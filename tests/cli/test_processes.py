"""An interrupt ends what waits, though the code that it reached has lost it."""

from __future__ import annotations

import contextlib
import signal
import threading

import pytest

from cli.live import heeding
from cli.processes import stopping


def lose_an_interrupt() -> None:
    """As a callback of a C library does that it reaches."""
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_lost_interrupt_is_raised_at_the_end() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stopping([]):
        lose_an_interrupt()
    assert signal.getsignal(signal.SIGINT) is before
    with stopping([]):
        pass  # It is not raised twice.


def test_a_lost_interrupt_ends_a_wait_for_a_round() -> None:
    updates = iter(["status"] * 3)
    with pytest.raises(KeyboardInterrupt), stopping([]):
        lose_an_interrupt()
        for _ in heeding(updates):  # type: ignore[arg-type]
            pytest.fail("an update came after the interrupt")
    assert len(list(updates)) == 2


def test_a_thread_leaves_signals_alone() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with stopping([]):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert seen == [before]
