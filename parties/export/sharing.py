"""Whether the label party may hold the points of every party, so that the scorecard scores without them.

    F -> L    the points table of F's columns where `share_points = true` stands in F's own configuration of
              the dataset, else that it does not                              (federation.messages.export)

The plan cannot ask for it and the label party cannot: the answer is F's alone.

What each role learns:
    L             of a party that agrees: its columns' names, the edges and levels of their bins and each
                  bin's points, for good. Of one that does not: that it does not.
    others        nothing
    aggregator    the size of a sealed envelope, so whether a table was in it
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from crypto.sealed import WireRefused
from federation import files
from federation.ids import PartyId
from federation.message import Role
from federation.messages.export import PointsTable, SharedPoints
from federation.session import Session
from parties.export.card import Characteristic

#: What another party shared, beside the label party's own part in its model's folder.
_NAME = "points-{}.json"


def give_points(session: Session, own: Sequence[Characteristic], *, agreed: bool) -> None:
    """At a party without the label: its table, where it `agreed`."""
    saved = PointsTable(files.canonical_json([each.to_dict() for each in own])) if agreed else None
    session.send(session.seating.playing(Role.LABEL), SharedPoints(saved))


def take_points(session: Session) -> dict[str, bytes]:
    """At the label party: what agreeing parties shared, as files to be kept beside its own part.

    `WireRefused` names a party whose table is none, or is of another party's columns.
    """
    others = session.others(Role.HELPER, Role.FEATURE)
    found = {}
    for party, message in session.gather(others, SharedPoints).items():
        if message.table is not None:
            if {each.party for each in _parsed(message.table.data, party)} != {party}:
                raise WireRefused("PointsTable: of columns of another party", party=party)
            found[_NAME.format(party)] = message.table.data
    return found


def shared_points(
    beside: Mapping[str, bytes], others: Sequence[PartyId]
) -> tuple[tuple[Characteristic, ...], tuple[PartyId, ...]]:
    """From the files that `take_points` gave: the characteristics that are shared, and who did not agree."""
    kept = {party: beside.get(_NAME.format(party)) for party in others}
    shared = [each for party, data in kept.items() if data is not None for each in _parsed(data, party)]
    return tuple(shared), tuple(party for party, data in kept.items() if data is None)


def _parsed(data: bytes, party: PartyId) -> list[Characteristic]:
    try:
        saved: list[Mapping[str, Any]] = json.loads(data)
        found = [Characteristic.from_dict(each) for each in saved]
        if not found:
            raise ValueError("no column")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise WireRefused("PointsTable: not points of columns", party=party) from None
    return found
