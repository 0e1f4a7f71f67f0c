"""Scores of the rows that a plan opens: every other party says on which side of its splits each row is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crypto.sealed import RowMarks, WireRefused
from federation.ids import PartyId
from federation.message import Role
from federation.messages.boosting import ScoreSides
from federation.session import Session
from parties.boosting.growing import Marks


def send_sides(session: Session, sides: Marks) -> None:
    """From a party without the label: rows x own splits."""
    session.send(session.seating.playing(Role.LABEL), ScoreSides(RowMarks.of(sides.ravel())))


def receive_sides(session: Session, rows: int, splits: Mapping[PartyId, int]) -> dict[PartyId, Marks]:
    """At the label party: rows x splits of each other party."""
    found = {}
    for party, count in splits.items():
        marks = session.receive(party, ScoreSides).left.marks()
        if len(marks) != rows * count:
            raise WireRefused("ScoreSides: not one mark for each opened row and split", party=party)
        found[party] = np.asarray(marks.reshape(rows, count))
    return found
