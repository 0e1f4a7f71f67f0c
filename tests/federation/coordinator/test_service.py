"""The aggregator's service keeps its parts running."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from federation.coordinator.home import CoordinatorHome
from federation.coordinator.service import CoordinatorService


class Link:
    """A SuperLink, as far as its service looks at it."""

    running = False
    starts = 0

    def start(self) -> None:
        self.running, self.starts = True, self.starts + 1


def test_a_superlink_that_was_killed_is_started_again_once(tmp_path: Path) -> None:
    said = list[str]()
    service: Any = CoordinatorService(CoordinatorHome(tmp_path), said.append)
    service._superlink = link = Link()
    service._look()
    service._look()
    assert link.starts == 1
    assert said == ["the SuperLink ended; it is started again and goes on from its database"]
