"""The time of day, as statuses hold it."""

from __future__ import annotations

import datetime as dt


def timestamp() -> str:
    """Now, in UTC, to the second (ISO 8601)."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
