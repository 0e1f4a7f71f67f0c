"""Reading a service's log: its last lines, and those that come."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from crypto.codes import Code
from federation.clock import parse_timestamp
from federation.errors import UsageError
from federation.serving.eventlog import log_files

_SPAN = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def since_when(text: str, now: dt.datetime) -> dt.datetime:
    """A time (`2026-11-27T08:00:00+08:00`) or how long ago (`90s`, `15m`, `2h`, `7d`); else `UsageError`."""
    span = _SPAN.fullmatch(text)
    if span is not None:
        return now - dt.timedelta(seconds=int(span[1]) * _SECONDS[span[2]])
    try:
        return parse_timestamp(text)
    except ValueError:
        raise UsageError(
            "--since is neither a time with its zone nor how long ago",
            advice="Give it as 2h, 15m or 7d, or as 2026-11-27T08:00:00+08:00.",
            code=Code.DURATION_MALFORMED,
        ) from None


def last(path: Path, most: int, since: dt.datetime | None = None) -> list[dict[str, Any]]:
    """The newest lines of the log, at most `most`, the oldest first; only those from `since` on."""
    kept: deque[dict[str, Any]] = deque(maxlen=most)
    for file in log_files(path):
        try:
            with file.open("rb") as lines:
                kept.extend(_parsed(lines, since))
        except FileNotFoundError:
            continue  # It was the oldest, and another took its place.
    return list(kept)


class Following:
    """The lines that are written from now on, also when the log's file is put aside for a new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rest = b""
        self._file = self._opened()
        if self._file is not None:
            os.lseek(self._file, 0, os.SEEK_END)

    def lines(self, wait: Callable[[], bool]) -> Iterator[dict[str, Any]]:
        """Each line as it comes. `wait` pauses between two looks, and says whether to go on."""
        try:
            while True:
                yield from self._new()
                if not wait():
                    return
        finally:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _new(self) -> Iterator[dict[str, Any]]:
        yield from self._read()
        if self._moved():
            yield from self._read()  # What was written before it was put aside.
            if self._file is not None:
                os.close(self._file)
            self._rest, self._file = b"", self._opened()
            yield from self._read()

    def _opened(self) -> int | None:
        try:
            return os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None

    def _moved(self) -> bool:
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return False
        if self._file is None:
            return True
        then = os.fstat(self._file)
        return (now.st_dev, now.st_ino) != (then.st_dev, then.st_ino)

    def _read(self) -> Iterator[dict[str, Any]]:
        if self._file is None:
            return
        data = self._rest
        while piece := os.read(self._file, 1 << 16):
            data += piece
        whole, end, self._rest = data.rpartition(b"\n")
        if end:
            yield from _parsed(whole.split(b"\n"), None)


def shown(line: dict[str, Any]) -> str:
    """A line for people."""
    time = str(line["time"]).replace("T", " ").partition(".")[0]
    level = "" if line["level"] == "info" else f"{line['level']}: "
    return f"{time} UTC  {line['event']:<18}  {level}{line['sentence']}"


def _parsed(lines: Iterable[bytes], since: dt.datetime | None) -> Iterator[dict[str, Any]]:
    """Those that are whole. A line that a full disk or a lost machine left in part is passed over."""
    for raw in lines:
        try:
            line = json.loads(raw)
            at = parse_timestamp(str(line["time"]))
            _ = line["level"], line["event"], line["sentence"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if since is None or at >= since:
            yield line
