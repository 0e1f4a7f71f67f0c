"""A round's folder is one attempt's at a time, and one plan's for ever."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import threading
from pathlib import Path
from typing import Literal

import pytest

from benchmarks.faults.durable import Durable
from crypto.identity import Identity
from federation.errors import PeerSilent, PlanRefused, Refusal, UsageError
from federation.ids import PartyId, RunId
from federation.journal import read
from federation.order import Order
from federation.plan import Plan, PlanParty
from federation.roster import Roster
from federation.session import Seating
from federation.transport.interface import Transport
from parties import participation
from parties.dataset import DatasetConfig
from parties.errors import DatasetError
from parties.home import PartyHome
from parties.participation import AlreadyRan, stop_part, take_part
from parties.round.acceptance import Accepted
from tests.governed import allowed

BANK = PartyId("bank")


def nobody_there(accepted: Accepted) -> Transport:
    raise PeerSilent("the exchange", "answering", 1)


def accepted(
    attempt: int, purpose: str = "credit", shape: Literal["vertical", "horizontal"] = "vertical"
) -> Accepted:
    """An attempt at one run; a horizontal one may have several, with a third party, which is away."""
    parties = {"bank": PlanParty(role="label"), "plant": PlanParty()}
    if shape == "horizontal":
        parties = {name: PlanParty() for name in ("bank", "plant", "mill")}
    plan = Plan(name="p", purpose=purpose, shape=shape, parties=parties)
    order = Order(
        RunId("20260301-120000-abcdef"), attempt, BANK, plan, Roster("sme", {}), (BANK, PartyId("plant"))
    )
    identities = {party: Identity.generate().public for party in plan.roles()}
    seating = Seating(order.run, attempt, plan.digest, purpose, plan.roles(), identities, 1.0)
    dataset = DatasetConfig("data", Path("data.csv"), "id", label="default")
    return Accepted(order, seating, dataset, allowed(plan, BANK, dataset))


@pytest.fixture
def home(tmp_path: Path) -> PartyHome:
    return PartyHome.create(tmp_path / "bank", BANK)


def test_an_attempt_is_run_once(home: PartyHome) -> None:
    for attempt in (1, 2):
        with pytest.raises(PeerSilent):
            take_part(home, accepted(attempt, shape="horizontal"), nobody_there)
    with pytest.raises(AlreadyRan, match="attempt 1"):
        take_part(home, accepted(1, shape="horizontal"), nobody_there)


class Told:
    """A transport of which only the end is looked at."""

    def __init__(self) -> None:
        self.cause = ""

    def send(self, to: PartyId, envelope: bytes) -> None:
        raise AssertionError("nothing is sent")

    def receive(self, sender: PartyId, timeout: float) -> bytes:
        raise AssertionError("nothing is heard")

    def end(self, cause: str) -> None:
        self.cause = cause

    def close(self) -> None:
        return None


def test_the_others_are_told_no_column_and_what_they_are_told_is_written_down(
    home: PartyHome, tmp_path: Path
) -> None:
    (tmp_path / "data.csv").write_text("id,default,hiv_test_day\nf1,0,1\n")
    order = accepted(1)
    dataset = dataclasses.replace(
        order.dataset, file=tmp_path / "data.csv", exclude=("debts_sub_prime",), party="bank"
    )
    transport = Told()
    with pytest.raises(DatasetError, match="debts_sub_prime") as refused:
        take_part(home, dataclasses.replace(order, dataset=dataset), lambda accepted: transport)
    assert transport.cause == refused.value.cause
    assert transport.cause.startswith("IST-2000: party bank: its dataset") and "debts" not in transport.cause
    (line,) = read(home.round_folder(order.order.run) / "told.jsonl")
    assert (line.type, line.form, line.size) == ("session/end", "control", len(transport.cause))
    assert line.sha256 == hashlib.sha256(transport.cause.encode()).hexdigest()


def test_what_cannot_be_written_down_is_not_told(home: PartyHome, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, accepted: Accepted, cause: str) -> None:
        raise OSError(28, "No space left on device")

    transport = Told()
    monkeypatch.setattr("parties.participation._note_told", full)
    with pytest.raises(Refusal) as refused:  # The coordinator is told the same.
        take_part(home, accepted(1), lambda accepted: transport)
    assert transport.cause == "IST-5001: party bank: cannot write or read: No space left on device"
    assert refused.value.cause == transport.cause
    assert isinstance(refused.value.__cause__, UsageError)


def test_a_claim_outlasts_a_power_loss(home: PartyHome, tmp_path: Path) -> None:
    durable = Durable(home.folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("os.fsync", os.fsync)
        durable.follow()
        with pytest.raises(PeerSilent):
            take_part(home, accepted(1, shape="horizontal"), nobody_there)
    durable.leave(tmp_path / "after")
    with pytest.raises(AlreadyRan, match="attempt 1"):
        take_part(PartyHome(tmp_path / "after"), accepted(1, shape="horizontal"), nobody_there)


def test_a_round_does_not_come_back_under_another_plan(home: PartyHome) -> None:
    with pytest.raises(PeerSilent):
        take_part(home, accepted(1, shape="horizontal"), nobody_there)
    kept = home.round_folder(accepted(1).order.run) / "plan.json"
    before = kept.read_bytes()
    with pytest.raises(PlanRefused, match="under another plan"):
        take_part(home, accepted(2, purpose="marketing", shape="horizontal"), nobody_there)
    assert kept.read_bytes() == before
    with pytest.raises(PeerSilent):  # The refused attempt is not spent.
        take_part(home, accepted(2, shape="horizontal"), nobody_there)


def test_a_node_that_is_stopped_tells_the_others_and_writes_down_what(home: PartyHome) -> None:
    order, transport = accepted(1), Told()
    folder = home.round_folder(order.order.run)
    folder.mkdir(parents=True)
    stop_part(home, order, transport)  # type: ignore[arg-type]  # close is not looked at
    assert transport.cause == "IST-4014: bank stopped its node"
    (entry,) = read(folder / "told.jsonl")
    assert (entry.type, entry.sha256) == ("session/end", hashlib.sha256(transport.cause.encode()).hexdigest())


def test_a_stop_waits_for_the_rounds_own_words_to_be_written(home: PartyHome) -> None:
    order, transport = accepted(1), Told()
    folder = home.round_folder(order.order.run)
    folder.mkdir(parents=True)
    with participation._telling:
        stopping = threading.Thread(target=stop_part, args=(home, order, transport))
        stopping.start()
        stopping.join(0.2)
        assert transport.cause == ""
    stopping.join(60)
    assert transport.cause == "IST-4014: bank stopped its node"
