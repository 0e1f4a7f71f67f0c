"""What a service tells systemd: that it is up, that it stops, and that it still looks around (sd_notify(3)).

Datagrams to the socket that NOTIFY_SOCKET names. Nothing is sent, and nothing fails, where systemd did not
start this process; what systemd does not take is not sent again.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, MutableMapping


class Notifier:
    """Speaks to the service manager, or to nobody.

    `address`: the socket, None for nobody. `watchdog`: seconds after which the manager takes silence for a
    hang, None for never.
    """

    def __init__(
        self,
        address: str | None = None,
        watchdog: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._pause = None if watchdog is None else watchdog / 3
        self._clock = clock
        self._last = clock()

    @staticmethod
    def from_environment(environment: MutableMapping[str, str]) -> Notifier:
        """As systemd set it; taken out, so that no child of this process speaks for it."""
        address = environment.pop("NOTIFY_SOCKET", None)
        usec, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        mine = pid in ("", str(os.getpid()))
        watchdog = int(usec) / 1e6 if mine and usec.isdecimal() and int(usec) > 0 else None
        # A path or an abstract name; what else there may be (vsock) is not for a process on this machine.
        return Notifier(address if address and address[0] in "/@" else None, watchdog)

    def ready(self, status: str) -> None:
        """The service is up."""
        self._send(f"READY=1\nSTATUS={_line(status)}")

    def stopping(self, seconds: float) -> None:
        """It stops, which may take so long."""
        self._send(f"STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def alive(self) -> None:
        """The main loop goes round. Said three times in what the watchdog waits."""
        if self._pause is not None and self._clock() - self._last >= self._pause:
            self._last = self._clock()
            self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if self._address is None:
            return
        name = f"\0{self._address[1:]}" if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
                manager.settimeout(1.0)
                manager.sendto(text.encode(), name)
        except OSError:
            return


def _line(text: str) -> str:
    return " ".join(text.split())
