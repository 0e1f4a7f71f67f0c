"""host:port, parsed once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from crypto.codes import Code
from federation.errors import UsageError

_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener is reached. IPv6 addresses stand in brackets."""

    host: str
    port: int

    @staticmethod
    def parse(text: str) -> Address:
        """An address from outside; `UsageError` when it is none."""
        host, _, port = text.rpartition(":")
        if not (_HOST.fullmatch(host) and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise UsageError(
                f"{text!r} is not an address",
                advice="Write host:port, such as fusion.example.org:7443.",
                code=Code.ADDRESS_MALFORMED,
            )
        return Address(host, int(port))

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def bare_host(self) -> str:
        """The host as sockets take it: without brackets."""
        return self.host.removeprefix("[").removesuffix("]")
