"""The time of day, as statuses and papers hold it."""

from __future__ import annotations

import datetime as dt


def timestamp(at: dt.datetime | None = None) -> str:
    """`at`, or now, in UTC, to the second (ISO 8601)."""
    moment = dt.datetime.now(dt.UTC) if at is None else at.astimezone(dt.UTC)
    return moment.isoformat(timespec="seconds")


def parse_timestamp(text: str) -> dt.datetime:
    """What `timestamp` wrote; `ValueError` for anything else, a time without a zone among it."""
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(dt.UTC)
