from __future__ import annotations

import asyncio

import pytest

from federation.exchange.mailbox import Mailbox


def test_a_full_mailbox_holds_its_writer_until_the_reader_takes() -> None:
    async def scene() -> None:
        mailbox = Mailbox(limit=10)
        await mailbox.put(b"0123456789", 1)
        waiting = asyncio.create_task(mailbox.put(b"more", 5))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        assert mailbox.size == 10
        assert await mailbox.get() == b"0123456789"
        await waiting
        assert await mailbox.get() == b"more"
        assert mailbox.size == 0

    asyncio.run(scene())


def test_a_reader_that_takes_nothing_is_not_waited_for_without_end() -> None:
    async def scene() -> None:
        mailbox = Mailbox(limit=1)
        await mailbox.put(b"full", 1)
        with pytest.raises(TimeoutError):
            await mailbox.put(b"more", 0.02)

    asyncio.run(scene())


def test_a_slow_reader_is_waited_for_as_long_as_it_takes_something() -> None:
    async def scene() -> None:
        mailbox = Mailbox(limit=1)
        for number in range(5):
            mailbox.put_now(bytes([number]))
        waiting = asyncio.create_task(mailbox.put(b"last", 0.2))
        for number in range(5):
            await asyncio.sleep(0.1)  # Half a second in all, longer than the patience.
            assert await mailbox.get() == bytes([number])
        await waiting

    asyncio.run(scene())


def test_closing_drops_what_waits_but_for_the_last_word_and_frees_everyone() -> None:
    async def scene() -> None:
        mailbox = Mailbox(limit=1)
        await mailbox.put(b"dropped", 1)
        writer = asyncio.create_task(mailbox.put(b"dropped too", 5))
        await asyncio.sleep(0)
        mailbox.close(b"the end")
        mailbox.close(b"not this")
        await writer
        assert await mailbox.get() == b"the end"
        assert await mailbox.get() is None
        mailbox.put_now(b"after")
        assert await mailbox.get() is None

    asyncio.run(scene())


def test_a_waiting_reader_learns_that_the_mailbox_closed() -> None:
    async def scene() -> None:
        mailbox = Mailbox()
        reader = asyncio.create_task(mailbox.get())
        await asyncio.sleep(0)
        mailbox.close()
        assert await reader is None

    asyncio.run(scene())
