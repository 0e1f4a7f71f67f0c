"""The aggregator matches the sets of one consortium, and never those of two."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crypto.private import Private
from federation.coordinator.record import PartyStatus, Recorder, RoundStatus
from federation.coordinator.seat import AggregatorSeat
from federation.errors import PlanRefused
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.message import Digest, Role
from federation.messages.round import Receipt
from federation.plan import Plan
from federation.session import Session
from parties.alignment import align
from tests.seats import run_seats

PLAN = Plan.model_validate(
    {
        "name": "two",
        "purpose": "test",
        "shape": "hybrid",
        "parties": {
            f"{place}-{country}": {"consortium": country, "role": "label" if place == "bank" else "feature"}
            for country in "ab"
            for place in ("bank", "platform")
        },
        "alignment": {"minimum_intersection": 50},
        "columns": {"late": {"range": [0.0, 1.0]}},
        "privacy": {"unit": "party"},
    }
)


def match(tmp_path: Path, sets: dict[str, range]) -> dict[str, list[int]]:
    """Each party's firms that its consortium has in common."""
    homes = PLAN.consortia()

    def party(session: Session) -> list[int]:
        inside = session.among(session.seating.fellows(session.me), "alignment")
        own = sets[session.me]
        found = align(inside, Private([f"firm {number}".encode() for number in own]), 50)
        session.send(AGGREGATOR, Receipt(0, 0, 0, 0, 0, 0, Digest(bytes(32))))
        return [own[place] for place in found.open_locally()]

    def aggregator(session: Session) -> None:
        status = RoundStatus(RunId("r"), "two", "", parties=dict.fromkeys(homes, PartyStatus()))
        AggregatorSeat(session, PLAN, Recorder(tmp_path, status)).listen()

    parts: dict[str, Callable[[Session], Any]] = dict.fromkeys(map(str, homes), party)
    roles: dict[str, Role] = {str(name): role for name, role in PLAN.roles().items()}
    out = run_seats(
        roles,
        {**parts, AGGREGATOR: aggregator},
        see=lambda _, seats: dataclasses.replace(seats, consortia=homes),
    )
    return {PartyId(name): out[name] for name in homes}


def test_each_consortium_learns_its_own_common_firms(tmp_path: Path) -> None:
    """All four know firms 100 to 160; each consortium has further ones in common."""
    sets = {
        "bank-a": range(160),
        "platform-a": range(60, 200),
        "bank-b": range(100, 220),
        "platform-b": range(100, 260),
    }
    found = match(tmp_path, sets)
    assert found["bank-a"] == found["platform-a"] and sorted(found["bank-a"]) == [*range(60, 160)]
    assert found["bank-b"] == found["platform-b"] and sorted(found["bank-b"]) == [*range(100, 220)]


def test_the_smallest_intersection_is_that_of_each_consortium(tmp_path: Path) -> None:
    sets = {
        "bank-a": range(100),
        "platform-a": range(100),
        "bank-b": range(100),
        "platform-b": range(60, 200),
    }
    with pytest.raises(PlanRefused, match=r"fewer than 50 firms are common to bank-b, platform-b$"):
        match(tmp_path, sets)
