"""A round's folder is one attempt's at a time, and one plan's for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from crypto.identity import Identity
from federation.errors import PeerSilent, PlanRefused
from federation.ids import PartyId, RunId
from federation.order import Order
from federation.plan import Plan, PlanParty
from federation.roster import Roster
from federation.session import Seating
from federation.transport.interface import Transport
from parties.dataset import DatasetConfig
from parties.home import PartyHome
from parties.round.acceptance import Accepted
from parties.round.participation import AlreadyRan, take_part

BANK = PartyId("bank")


def nobody_there(accepted: Accepted) -> Transport:
    raise PeerSilent("the exchange", "answering", 1)


def accepted(attempt: int, purpose: str = "credit") -> Accepted:
    plan = Plan(name="p", purpose=purpose, parties={"bank": PlanParty(role="label"), "plant": PlanParty()})
    order = Order(RunId("20260301-120000-abcdef"), attempt, BANK, plan, Roster("sme", {}))
    identities = {party: Identity.generate().public for party in plan.roles()}
    seating = Seating(order.run, attempt, plan.digest, purpose, plan.roles(), identities, 1.0)
    return Accepted(order, seating, DatasetConfig("data", Path("data.csv"), "id", label="default"))


@pytest.fixture
def home(tmp_path: Path) -> PartyHome:
    return PartyHome.create(tmp_path / "bank", BANK)


def test_an_attempt_is_run_once(home: PartyHome) -> None:
    for attempt in (1, 2):
        with pytest.raises(PeerSilent):
            take_part(home, accepted(attempt), nobody_there)
    with pytest.raises(AlreadyRan, match="attempt 1"):
        take_part(home, accepted(1), nobody_there)


def test_a_round_does_not_come_back_under_another_plan(home: PartyHome) -> None:
    with pytest.raises(PeerSilent):
        take_part(home, accepted(1), nobody_there)
    kept = home.round_folder(accepted(1).order.run) / "plan.json"
    before = kept.read_bytes()
    with pytest.raises(PlanRefused, match="under another plan"):
        take_part(home, accepted(2, purpose="marketing"), nobody_there)
    assert kept.read_bytes() == before
    with pytest.raises(PeerSilent):  # The refused attempt is not spent.
        take_part(home, accepted(2), nobody_there)
