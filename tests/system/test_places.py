"""A federation over several machines: network namespaces on a bridge, each role in its own.

Where namespaces are not allowed (they need root), three loopback addresses take their place: less is shown
then, since a process could reach every address.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.federation import Federation, descendants
from tests.system.sockets import End, listening, speaking_to
from tests.system.tables import write_tables

PARTIES = ("bank", "platform")
ROLES = ("federation", *PARTIES)


@dataclass(frozen=True)
class Street:
    """Where each role lives. `spaces` is empty where namespaces are not allowed."""

    gate: str
    exchange: str
    spaces: dict[str, str]

    def prefix(self, role: str) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.spaces[role]) if self.spaces else ()


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with ExitStack() as undo:
        try:
            spaces = _build(undo) if os.geteuid() == 0 and shutil.which("ip") else {}
        except subprocess.CalledProcessError:
            undo.close()
            spaces = {}
        yield Street("10.77.0.1", "10.77.0.1", spaces) if spaces else Street("127.0.0.2", "127.0.0.3", {})


def _build(undo: ExitStack) -> dict[str, str]:
    """A bridge in a namespace of its own, a cable from it to each role. This machine's own is not touched."""
    tag = f"ist{secrets.token_hex(3)}"
    hub = f"{tag}-hub"
    for name in (hub, *(f"{tag}-{role}" for role in ROLES)):
        _ip("netns", "add", name)
        undo.callback(_ip, "netns", "del", name)
        _ip("-n", name, "link", "set", "lo", "up")
    _ip("-n", hub, "link", "add", "bridge", "type", "bridge")
    _ip("-n", hub, "link", "set", "bridge", "up")
    for number, role in enumerate(ROLES, start=1):
        space, port = f"{tag}-{role}", f"port{number}"
        _ip("-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("-n", hub, "link", "set", port, "master", "bridge", "up")
        _ip("-n", space, "addr", "add", f"10.77.0.{number}/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "eth0", "up")
    return {role: f"{tag}-{role}" for role in ROLES}


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def sent_nowhere(pid: int) -> int:
    """How often a process of `pid`'s namespace tried an address that no route leads to."""
    names, values = (line.split() for line in Path(f"/proc/{pid}/net/snmp").read_text().splitlines()[:2])
    return int(dict(zip(names, values, strict=True))["OutNoRoutes"])


@pytest.mark.long
def test_a_round_over_separate_networks_needs_the_two_doors_and_nothing_else(
    street: Street, tmp_path: Path
) -> None:
    written = write_tables(tmp_path / "data")
    tables = [table for table in written if (table.party in PARTIES, table.name) == (True, "data")]
    within = {role: street.prefix(role) for role in ROLES} if street.spaces else None
    with Federation(tmp_path, tables, hosts=(street.gate, street.exchange), within=within) as federation:
        gate, exchange = (
            End(host, int(port))
            for host, port in (a.split(":") for a in (federation.gate, federation.exchange))
        )
        trees = {role: descendants(federation.pid(role)) for role in ROLES}
        met: dict[str, set[End]] = {role: set() for role in ROLES}
        with ThreadPoolExecutor(1) as pool:
            launching = pool.submit(federation.launch, federation.plan())
            while not launching.done():
                for role in PARTIES:
                    met[role] |= speaking_to(descendants(federation.pid(role)))
                time.sleep(0.1)
        done = launching.result()
        assert (done.exit_code, done.facts["state"]) == (0, "finished"), done.err
        for party in PARTIES:
            beyond = {end for end in met[party] if end.host not in ("127.0.0.1", "::1")}
            assert beyond == {gate, exchange}
            assert all(end.is_loopback for end in listening(trees[party]))
        host, port = federation.desk.split(":")
        doors = {gate, exchange, End(host, int(port))}
        assert listening({federation.pid("federation")}) == doors
        assert {end.host for end in listening(trees["federation"]) - doors} == {"127.0.0.1"}
        if street.spaces:
            _check_nobody_tried_another_address(street, federation)


def _check_nobody_tried_another_address(street: Street, federation: Federation) -> None:
    """No default route leads out of a namespace: telemetry or a name server would be counted."""
    assert {role: sent_nowhere(federation.pid(role)) for role in ROLES} == dict.fromkeys(ROLES, 0)
    probe = "import socket; socket.socket().connect_ex(('192.0.2.1', 443))"
    subprocess.run([*street.prefix("bank"), "python3", "-c", probe], check=True)
    assert sent_nowhere(federation.pid("bank")) > 0  # The count counts.
