"""What a hybrid round costs: counted against counterparts that join hands, and never less than it tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crypto import accounting
from crypto.accounting import DiscreteGaussian, Gaussian
from crypto.identity import Identity
from federation.errors import PlanRefused
from federation.ids import PartyId, RunId
from federation.journal import FileJournal
from federation.order import Order
from federation.plan import Plan
from federation.roster import Roster
from federation.session import Seating, Session
from parties.dataset import DatasetConfig
from parties.dataset.budget import Budget
from parties.home import PartyHome
from parties.hybrid.privacy import crossing_events, reserve, settle
from parties.round.acceptance import Accepted
from parties.round.rows import OwnTable
from parties.round.work import Work
from tests.governed import allowed
from tests.parties.hybrid.world import plan_of, table

BANK = PartyId("bank-a")
NOISY = {"privacy": {"unit": "party", "noise_multiplier": 2.0, "epsilon": 20.0}}


def nothing() -> Session:
    raise AssertionError("no session was to be opened")


def work(folder: Path, plan: Plan, attempt: int = 1, budget: Budget | None = None) -> tuple[Work, OwnTable]:
    home = PartyHome.create(folder, BANK) if not folder.exists() else PartyHome.open(folder)
    file = folder / "loans.csv"
    file.write_text("firm,tenor\n")
    config = DatasetConfig("loans", file, "firm", label="defaulted", party=BANK, privacy=budget)
    run, members = RunId("20260301-120000-abcdef"), tuple(map(PartyId, plan.parties))
    order = Order(run, attempt, BANK, plan, Roster("two", {}), members)
    identities = {party: Identity.generate().public for party in plan.roles()}
    seating = Seating(run, attempt, plan.digest, "credit", plan.roles(), identities, 1.0, plan.consortia())
    accepted = Accepted(order, seating, config, allowed(plan, BANK, config))
    return Work(home, accepted, folder, FileJournal(folder / "journal.jsonl"), nothing), table(BANK, 60)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "privacy" / "ledger.jsonl").read_text().splitlines()]


def test_every_place_of_every_round_is_counted() -> None:
    """A party's rows move the changes of all places, and their counterparts may add up what they know."""
    (event,) = crossing_events(plan_of(2, **NOISY))
    assert isinstance(event, DiscreteGaussian) and event.count == 2 * 2
    assert event.noise_multiplier == pytest.approx(2.0, rel=1e-3) and event.noise_multiplier < 2.0
    assert accounting.epsilon([event], 1e-5) == pytest.approx(
        accounting.epsilon([Gaussian(2.0, 4)], 1e-5), rel=0.01
    )
    assert crossing_events(plan_of(3)) == ()


def test_the_charge_stands_before_anything_leaves_and_is_settled_after(tmp_path: Path) -> None:
    made, own = work(tmp_path / "bank", plan_of(2, **NOISY))
    cost = reserve(made, own)
    assert cost is not None and 0 < cost.epsilon < 20
    first, second = lines(tmp_path / "bank")
    assert (first["unit"], first["events"]) == ("none", []) and second["unit"] == "party" and second["events"]
    settle(made, own, cost)
    assert lines(tmp_path / "bank")[2]["kind"] == "settle"
    again, own = work(tmp_path / "bank", plan_of(2, **NOISY), attempt=2)
    other = reserve(again, own)
    assert other is not None and other.run != cost.run  # Another attempt draws other noise.


def test_a_plan_that_costs_more_than_it_allows_is_refused(tmp_path: Path) -> None:
    dear = plan_of(2, privacy={**NOISY["privacy"], "epsilon": 1.0})
    with pytest.raises(PlanRefused, match="the plan allows 1") as refused:
        reserve(*work(tmp_path / "bank", dear))
    assert refused.value.field == "privacy.epsilon"
    assert not (tmp_path / "bank" / "privacy" / "ledger.jsonl").exists()


@pytest.mark.parametrize("countries", [2, 3])
def test_a_data_set_with_a_budget_takes_no_part(tmp_path: Path, countries: int) -> None:
    """Noise at the border bounds nothing of what the own consortium is told."""
    made = work(tmp_path / "bank", plan_of(countries), budget=Budget(1e6, 1e-5))
    with pytest.raises(PlanRefused, match="privacy budget"):
        reserve(*made)
