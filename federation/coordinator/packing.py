"""The coordinator's evidence pack of one run: of the aggregator's ledger and guard log."""

from __future__ import annotations

import datetime as dt

from federation.coordinator.home import CoordinatorHome
from federation.ids import AGGREGATOR, RunId
from federation.ledger import pack
from federation.ledger.collecting import collect


def packed(home: CoordinatorHome, run: RunId, now: dt.datetime) -> bytes:
    """The pack of `run` at the coordinator, made at `now`. `UsageError` where there is nothing to show."""
    return pack.build(collect(home, run, AGGREGATOR, home.settings().name, now, {}))
