"""Which replies are a sign of the node that they are about."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from federation.flower.server_app import Control


class Grid:
    """A SuperLink's end with replies waiting in it: message id -> Flower's number for an error."""

    def __init__(self, waiting: dict[str, int]) -> None:
        self._waiting = waiting

    def pull_messages(self, message_ids: list[str]) -> list[Any]:
        return [
            SimpleNamespace(
                metadata=SimpleNamespace(reply_to_message_id=name),
                has_error=lambda: True,
                error=SimpleNamespace(code=self._waiting[name], reason="the round ended"),
            )
            for name in message_ids
            if name in self._waiting
        ]


def test_a_node_is_back_when_it_answers_and_not_when_flower_says_that_it_went_away() -> None:
    grid: Any = Grid({"of-bank": 104, "of-platform": 5})
    control = Control(grid, 1, "run", threading.Event())
    control._waiting = {"of-bank": 7, "of-platform": 8, "of-public": 9}
    control.forget()
    assert control.returned() == {7}
    assert control._forgotten == {"of-public": 9}
