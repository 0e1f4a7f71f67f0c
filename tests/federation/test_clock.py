"""Times in statuses say when, to the second, in one zone."""

from __future__ import annotations

import datetime as dt

from federation.clock import timestamp


def test_a_timestamp_is_now_in_utc_to_the_second() -> None:
    read = dt.datetime.fromisoformat(timestamp())
    assert read.utcoffset() == dt.timedelta(0) and read.microsecond == 0
    assert abs(dt.datetime.now(dt.UTC) - read) < dt.timedelta(minutes=1)
