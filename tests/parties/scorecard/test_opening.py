"""The label party sees totals, asks reasons for declined test rows alone, and is told no more than that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from crypto.private import Private
from crypto.sealed import RowMarks, WireRefused
from federation.message import Message
from federation.messages.scorecard import Explain, PointsLost, PointWords, Reasons
from federation.plan import Plan
from federation.session import Session
from parties.scorecard.opening import receive_points, send_points
from parties.scorecard.points import total
from tests.parties.scorecard.world import PARTIES, plan_of
from tests.seats import THREE, run_seats

ROWS = 300
TEST = np.arange(ROWS) % 3 != 0
CODES = {
    party: np.random.default_rng(at).integers(0, 3, (ROWS, 2)).astype(np.uint8)
    for at, party in enumerate(PARTIES)
}
POINTS = {"bank": ((9, -4, 0), (0, 3, 5)), "platform": ((-20, 0, 7), (1, 1, 1)), "public": ((2, 0, -2),) * 2}
UNITS = 600 + sum(total(CODES[party], POINTS[party]) for party in PARTIES)


def open_scores(
    plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
    tamper: Callable[[Message], Message] = lambda message: message,
) -> tuple[Any, list[tuple[str, Message]]]:
    sent: list[tuple[str, Message]] = []
    send = Session.send

    def noted(session: Session, to: Any, message: Message) -> None:
        sent.append((session.me, tamper(message)))
        send(session, to, tamper(message))

    monkeypatch.setattr(Session, "send", noted)

    def other(party: str) -> Callable[[Session], None]:
        return lambda session: send_points(session, Private(CODES[party]), POINTS[party], TEST, plan)

    def bank(session: Session) -> Any:
        return receive_points(session, Private(CODES["bank"]), POINTS["bank"], 600, TEST, plan)

    parts = {"bank": bank, "platform": other("platform"), "public": other("public")}
    return run_seats(THREE, {**parts, "aggregator": lambda session: None})["bank"], sent


def test_totals_are_exact_and_parts_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    (units, asked, explained), sent = open_scores(plan_of(scorecard={"cutoff": 585.0}), monkeypatch)
    assert np.array_equal(units.open_locally(), UNITS)
    assert np.array_equal(asked, TEST & (UNITS < 585))
    assert len(explained.open_locally().lost) == asked.sum() > 0
    words = [message.words.words() for _, message in sent if isinstance(message, PointWords)]
    assert all((each > 1 << 40).mean() > 0.9 for each in words)
    told = [message.lost.entries()[1] for _, message in sent if isinstance(message, Reasons)]
    assert all(each.shape == (asked.sum(), 4) for each in told)


def test_nobody_declined_is_nobody_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    (_, asked, explained), _ = open_scores(plan_of(scorecard={"cutoff": 0.0}), monkeypatch)
    assert not asked.any()
    assert explained.open_locally().lost.shape == (0, 4)


@pytest.mark.parametrize(
    ("kind", "change", "told"),
    [
        (Explain, lambda m: Explain(RowMarks.of(~TEST)), "not marks of test rows"),
        (PointWords, lambda m: PointWords(type(m.words)(m.words.data[:-8])), "not one word"),
        (PointWords, lambda m: PointWords(type(m.words)(b"\xee" * len(m.words.data))), "do not add up"),
        (Reasons, lambda m: Reasons(PointsLost(2, m.lost.data)), "not losses of the rows"),
    ],
)
def test_what_was_not_asked_or_does_not_fit_is_refused(
    kind: type[Message], change: Any, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WireRefused, match=told):
        open_scores(plan_of(), monkeypatch, lambda m: change(m) if isinstance(m, kind) else m)
