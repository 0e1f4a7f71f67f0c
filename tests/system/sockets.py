"""What processes listen at and whom they speak to, as the kernel sees it (proc_pid_net(5))."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_LISTEN, _CLOSE = "0A", "07"
_TABLES = ("tcp", "tcp6", "udp", "udp6")


class End(NamedTuple):
    """An address and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        return ipaddress.ip_address(self.host).is_loopback


def listening(processes: Iterable[int]) -> set[End]:
    """Where any of the processes takes connections, or UDP from anybody."""
    return {
        local
        for protocol, local, _, state in _sockets(processes)
        if state == (_LISTEN, _CLOSE)[protocol == "udp"]
    }


def speaking_to(processes: Iterable[int]) -> set[End]:
    """The far ends of connections, those that are only tried among them."""
    return {far for _, _, far, state in _sockets(processes) if state != _LISTEN and far.port}


def _sockets(processes: Iterable[int]) -> Iterable[tuple[str, End, End, str]]:
    for pid in processes:
        inodes = _inodes(pid)
        for table in _TABLES:
            try:
                lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
            except OSError:
                continue  # It has ended meanwhile.
            for line in lines:
                fields = line.split()
                if fields[9] in inodes:
                    yield table.removesuffix("6"), _end(fields[1]), _end(fields[2]), fields[3]


def _inodes(pid: int) -> set[str]:
    found = set()
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            target = str(descriptor.readlink()) if descriptor.is_symlink() else ""
            if target.startswith("socket:["):
                found.add(target[len("socket:[") : -1])
    except OSError:
        return found
    return found


def _end(text: str) -> End:
    """`0100007F:1F90`: words of four bytes in the machine's order."""
    words, port = text.split(":")
    raw = bytes.fromhex(words)
    packed = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    address = ipaddress.ip_address(packed)
    # gRPC opens IPv4 addresses through IPv6 sockets.
    return End(str(getattr(address, "ipv4_mapped", None) or address), int(port, 16))
