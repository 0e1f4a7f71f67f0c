"""What a party's ledger says of a round, whatever becomes of it: nothing leaves before it is written down."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pytest

from federation import files
from federation.errors import PeerSilent, SessionEnded, UsageError
from federation.governance.guard.party import Evidence
from federation.ids import PartyId
from federation.ledger.checks.canaries import commitment
from federation.ledger.entries import parsed
from federation.ledger.keeping import CANARIES, ground_digest
from federation.ledger.log import Ledger, LedgerCorrupt
from federation.ledger.run import RunLog
from federation.messages.round import Step
from federation.session import Session
from parties import participation
from parties.governance.canaries import Canaries
from parties.governance.evidence import ENTITIES, POLICY
from parties.governance.notary import Notary
from parties.home import PartyHome
from parties.model_folder import SavedModel
from parties.participation import take_part
from parties.round.work import Work
from tests.parties.test_participation import BANK, accepted


class Alone:
    """A transport to nobody. It notes what the ledger said when something left."""

    def __init__(self, home: PartyHome) -> None:
        self.home = home
        self.logged_before: list[list[str]] = []
        self.ended: list[str] = []

    def send(self, to: PartyId, envelope: bytes) -> None:
        self.logged_before.append(kinds(self.home))

    def receive(self, sender: PartyId, timeout: float) -> bytes:
        raise PeerSilent(sender, "greeting", timeout)

    def end(self, cause: str) -> None:
        self.ended.append(cause)

    def close(self) -> None:
        pass


def entries(home: PartyHome) -> list[dict[str, Any]]:
    return [parsed(line) for line in home.ledger().entries()]


def kinds(home: PartyHome) -> list[str]:
    return [entry["kind"] for entry in entries(home)]


@pytest.fixture
def home(tmp_path: Path) -> PartyHome:
    return PartyHome.create(tmp_path / "bank", BANK)


def playing(monkeypatch: pytest.MonkeyPatch, side: Callable[[Work], None]) -> None:
    """Let a party's side of every plan be `side`."""
    monkeypatch.setattr(participation, "_side_of", lambda plan: side)


def opened(work: Work) -> None:
    """Read a table, as every side does before it opens the session."""
    assert work.canaries is not None
    dataset = work.accepted.dataset
    work.canaries.plant(pd.DataFrame({dataset.key: ["firm-1", "firm-2"]}), dataset)
    work.open()


def test_the_plan_is_written_down_before_anything_leaves(
    home: PartyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    playing(monkeypatch, opened)
    transport = Alone(home)
    with pytest.raises(PeerSilent):
        take_part(home, accepted(1), lambda _: transport)
    assert transport.logged_before and all(logged == ["plan"] for logged in transport.logged_before)
    plan, opening, close = entries(home)
    (seed,) = files.read_json(home.round_folder(accepted(1).order.run) / CANARIES).values()
    assert plan["commitment"] == commitment(bytes.fromhex(seed["seed"]), plan["manifest"])
    assert opening["sha256"] == hashlib.sha256(bytes.fromhex(seed["seed"])).hexdigest()
    assert (opening["kind"], opening["hits"]) == ("opening", 0)
    order = accepted(1).order
    assert (plan["run"], plan["attempt"], plan["plan"]) == (order.run, 1, order.plan.digest.hex())
    assert plan["order"] == order.digest
    authorisation = accepted(1).authorisation
    assert plan["manifest"] == authorisation.manifest.digest
    assert plan["grants"] == [grant.id for grant in authorisation.grants] != []
    folder = home.round_folder(order.run)
    policy, (entities,) = (folder / POLICY).read_bytes(), (folder / ENTITIES).read_bytes().splitlines()
    assert plan["verdict"] == ground_digest(policy, entities)
    assert (close["kind"], close["state"]) == ("close", "failed")
    assert close["lines"] == len(transport.logged_before)


def test_nothing_leaves_when_the_plan_cannot_be_written_down(
    home: PartyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    playing(monkeypatch, opened)

    def full(self: Ledger, kind: str, **fields: Any) -> int:
        raise UsageError("cannot write the ledger", advice="Free space.")

    monkeypatch.setattr(Ledger, "append", full)
    transport = Alone(home)
    with pytest.raises(UsageError, match="cannot write the ledger"):
        take_part(home, accepted(1), lambda _: transport)
    assert transport.logged_before == []
    assert transport.ended == ["IST-1000: cannot write the ledger"]


def test_a_round_that_is_refused_before_it_opens_leaves_no_entry(
    home: PartyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(work: Work) -> None:
        raise UsageError("the budget is spent", advice="Ask its owner.")

    playing(monkeypatch, refuse)
    with pytest.raises(UsageError, match="budget"):
        take_part(home, accepted(1), lambda _: Alone(home))
    assert kinds(home) == []


def witnessing(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], float | None]]:
    """Let every exchange succeed; what the ledger said at each, and how long the others might take."""
    found: list[tuple[list[str], float | None]] = []

    def witnessed(self: RunLog, session: Session, patience: float | None = None) -> None:
        found.append(([parsed(line)["kind"] for line in self._ledger.entries()], patience))

    monkeypatch.setattr(RunLog, "witnessed", witnessed)
    return found


def test_a_finished_round_is_witnessed_at_its_opening_and_with_its_model_at_its_end(
    home: PartyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanges = witnessing(monkeypatch)
    taken = accepted(1)
    folder = home.round_folder(taken.order.run)
    notary = Notary(home, taken, folder, Canaries.draw("00" * 32))
    notary.begin(Evidence("permit(principal, action, resource);", b"[]", ()))
    notary.open(cast(Session, None))
    assert exchanges == [(["plan"], None)]
    notary.round(1)
    notary.round(2)
    digest = SavedModel("logistic", taken.order.run, BANK, taken.order.plan.digest.hex(), {}).save(folder)
    notary.finish(cast(Session, None))
    written = ["plan", "round", "round", "model", "opening", "close"]
    assert exchanges[1] == (written, taken.order.plan.deadlines.run_seconds)
    assert entries(home)[3]["sha256"] == digest
    notary.fail()  # What goes wrong after the end does not end it twice.
    assert kinds(home) == written


def test_each_training_round_is_written_down_as_it_begins(
    home: PartyHome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    noted: list[int] = []
    work = Work(home, accepted(1), tmp_path, cast(Any, None), cast(Any, None), noted.append)
    monkeypatch.setattr(Work, "session", property(lambda self: Silent()))
    for step, number in ((Step.PREPARE, 0), (Step.TRAIN, 0), (Step.TRAIN, 1), (Step.TRAIN, 2)):
        work.at(step, number)
    assert noted == [1, 2]


class Silent:
    """A session that says nothing to nobody."""

    class egress:  # noqa: N801
        sent: dict[str, int] = {}  # noqa: RUF012

    def send(self, to: PartyId, message: object) -> None:
        pass


def test_another_attempt_is_another_plan_and_close(home: PartyHome, monkeypatch: pytest.MonkeyPatch) -> None:
    playing(monkeypatch, opened)
    for attempt in (1, 2):
        with pytest.raises((PeerSilent, SessionEnded)):
            take_part(home, accepted(attempt, shape="horizontal"), lambda _: Alone(home))
    assert [(entry["kind"], entry["attempt"]) for entry in entries(home)] == [
        ("plan", 1),
        ("opening", 1),
        ("close", 1),
        ("plan", 2),
        ("opening", 2),
        ("close", 2),
    ]


def test_a_changed_ledger_stops_the_next_round_before_anything_leaves(
    home: PartyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    playing(monkeypatch, opened)
    ledger = home.ledger()
    ledger.append("grant", grant="g1", sha256="0" * 64)
    ledger.checkpoint(home.identity())
    ledger.file.write_bytes(ledger.file.read_bytes().replace(b"g1", b"g2"))
    transport = Alone(home)
    with pytest.raises(LedgerCorrupt, match="entry 0 was changed"):
        take_part(home, accepted(1), lambda _: transport)
    assert transport.logged_before == []
