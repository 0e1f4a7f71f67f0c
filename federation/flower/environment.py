"""What every Flower process is told before it starts: stay on this machine, install nothing.

By default Flower 1.41 reports telemetry, asks for updates, installs a run's dependencies and may fetch
apps from its hub. All four are off here, and so is whatever the operator's own shell says about Flower
or about a proxy: the processes of this room only ever speak to loopback.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

#: Nothing listens on the discard port (RFC 863) of loopback: a look-up that Flower still tries ends there.
_NOWHERE = "http://127.0.0.1:9/v1"

_SWITCHES = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "FLWR_SUPERGRID_API_URL": _NOWHERE,
    "FLWR_SUPERGRID_ADDRESS": "127.0.0.1:9",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONUNBUFFERED": "1",
}
#: Inherited, these would change what Flower does (a gRPC interface on every address, for one) or send
#: loopback traffic to a proxy.
_DROPPED_PREFIXES = ("FLWR_", "RAY_")
_DROPPED = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})


def flower_environment(home: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a Flower child process whose own files live in `home` (FLWR_HOME)."""
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith(_DROPPED_PREFIXES) and name.upper() not in _DROPPED
    }
    return {**kept, **_SWITCHES, "FLWR_HOME": str(home)}


def quieten_this_process(home: Path) -> None:
    """Set the same switches here. Call it before the first import of `engine` in a role's process.

    Flower reads some of them once, when it is imported. Proxy settings stay: the executors and the
    tunnel ignore them by themselves, and other libraries of the process may need them.
    """
    os.environ.update({**_SWITCHES, "FLWR_HOME": str(home)})
