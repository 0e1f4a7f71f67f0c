"""Frames on their way to one seat, in memory and bounded."""

from __future__ import annotations

import asyncio
from collections import deque

#: Bytes that may wait for one seat before the streams of those who send to it are held up.
MAILBOX_BYTES = 8 << 20


class Mailbox:
    """A queue of frames bounded in bytes; for one reader, many writers, one event loop."""

    def __init__(self, limit: int = MAILBOX_BYTES) -> None:
        self._limit = limit
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._closed = False
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()

    @property
    def size(self) -> int:
        """Bytes that wait now."""
        return self._size

    async def put(self, frame: bytes, patience: float) -> None:
        """Add a frame when there is room; a closed mailbox drops it.

        Raises `TimeoutError` when the reader takes nothing at all for `patience` seconds.
        """
        while self._size >= self._limit and not self._closed:
            self._drained.clear()
            await asyncio.wait_for(self._drained.wait(), patience)
        self.put_now(frame)

    def put_now(self, frame: bytes) -> None:
        """Add a frame of the exchange's own, which is small, whatever waits; a closed mailbox drops it."""
        if not self._closed:
            self._frames.append(frame)
            self._size += len(frame)
            self._filled.set()

    async def get(self) -> bytes | None:
        """The next frame; None when the mailbox is closed and empty."""
        while not self._frames:
            if self._closed:
                return None
            self._filled.clear()
            await self._filled.wait()
        frame = self._frames.popleft()
        self._size -= len(frame)
        self._drained.set()
        return frame

    def close(self, last: bytes | None = None) -> None:
        """Take nothing more and drop what waits, but for one `last` frame. Idempotent."""
        if not self._closed:
            self._frames.clear()
            self._size = 0
            if last is not None:
                self.put_now(last)
            self._closed = True
        self._filled.set()
        self._drained.set()
