"""The label party holds another's points where that party's own configuration agrees, and never else."""

from __future__ import annotations

import pytest

from crypto.sealed import WireRefused
from federation.ids import AGGREGATOR, PartyId
from federation.message import Role
from federation.messages.export import PointsTable, SharedPoints
from parties.export.sharing import give_points, shared_points, take_points
from tests.parties.export.cards import card, firms, tables
from tests.seats import run_seats

ROLES = {"bank": Role.LABEL, "platform": Role.HELPER, "public": Role.FEATURE, AGGREGATOR: Role.AGGREGATOR}
OTHERS = (PartyId("platform"), PartyId("public"))
COLUMNS = card(tables(firms()), 0).characteristics[3:]


def test_points_are_held_of_those_who_agree_alone() -> None:
    found = run_seats(
        ROLES,
        {
            "bank": take_points,
            "platform": lambda session: give_points(session, COLUMNS, agreed=True),
            "public": lambda session: give_points(session, COLUMNS, agreed=False),
            AGGREGATOR: lambda session: None,
        },
    )
    assert [*found["bank"]] == ["points-platform.json"]
    assert shared_points(found["bank"], OTHERS) == (COLUMNS, ("public",))
    sent = found["sessions"]["public"].egress.sent
    assert sent["export/points"] < 300 < found["sessions"]["platform"].egress.sent["export/points"]


@pytest.mark.parametrize("data", [b"[]", b"{}", b"[{}]", b"\xff", b"[" * 100000])
def test_what_is_no_table_of_points_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(WireRefused) as refused:
        run_seats(
            ROLES,
            {
                "bank": take_points,
                "platform": lambda session: session.send(PartyId("bank"), SharedPoints(PointsTable(data))),
                "public": lambda session: give_points(session, COLUMNS, agreed=False),
                AGGREGATOR: lambda session: None,
            },
        )
    assert refused.value.party == "platform"


def test_a_party_shares_its_own_columns_and_nobody_elses() -> None:
    with pytest.raises(WireRefused, match="another party"):
        run_seats(
            ROLES,
            {
                "bank": take_points,
                "platform": lambda session: give_points(session, COLUMNS, agreed=False),
                "public": lambda session: give_points(session, COLUMNS, agreed=True),
                AGGREGATOR: lambda session: None,
            },
        )
