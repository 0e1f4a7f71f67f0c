"""How a service is at one moment: what health and metrics are told from. Names, counts and times, no data."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from crypto.certificates import expires
from federation.errors import IsthmusError
from federation.exchange.sessions import Traffic
from federation.home import Home

#: Below this a round is likely to end for want of space.
_LEAST_DISK = 1 << 30


@dataclass(frozen=True, slots=True)
class Vitals:
    """One service now.

    `connected`: for each thing that it needs whether it answers; None where it is not needed now.
    `certificate_ends` and `disk_free`: None where that cannot be found out. `relayed`: at the aggregator,
    what went from whom to whom. `members`, `sessions`: at the aggregator, how many are admitted and open.
    """

    role: Literal["party", "aggregator"]
    state: str
    connected: Mapping[str, bool | None]
    certificate_ends: dt.datetime | None
    disk_free: int | None
    relayed: Mapping[tuple[str, str], Traffic] = field(default_factory=dict)
    members: int | None = None
    sessions: int | None = None

    def troubles(self, now: dt.datetime) -> Iterator[str]:
        """Why it is not healthy, a sentence each; none when it is."""
        if self.state == "stopping":
            yield "it is stopping"
        for name, answers in self.connected.items():
            if answers is False:
                yield f"the {name} does not answer"
        if self.certificate_ends is None:
            yield "its certificate cannot be read"
        elif self.certificate_ends <= now:
            yield "its certificate has ended"
        if self.disk_free is None:
            yield "the disk of its folder cannot be looked at"
        elif self.disk_free < _LEAST_DISK:
            yield f"less than {_LEAST_DISK >> 30} GiB of its disk are free"

    def health(self, now: dt.datetime) -> dict[str, Any]:
        """For `/healthz`."""
        troubles = list(self.troubles(now))
        left = (
            None if self.certificate_ends is None else (self.certificate_ends - now).total_seconds() / 86400
        )
        return {
            "up": True,
            "healthy": not troubles,
            "role": self.role,
            "state": self.state,
            "connected": dict(self.connected),
            "certificate_days_left": None if left is None else round(left, 2),
            "disk_free_bytes": self.disk_free,
            "troubles": troubles,
        }


def certificate_end(home: Home) -> dt.datetime | None:
    """When the role's certificate ends; None where it cannot be read."""
    try:
        return expires(home.tls_certificate())
    except IsthmusError:
        return None


def disk_free(home: Home) -> int | None:
    """Free bytes where the folder lies; None where that cannot be found out."""
    try:
        return shutil.disk_usage(home.folder).free
    except OSError:
        return None
