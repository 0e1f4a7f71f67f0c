"""What was spent under a grant is written before anything leaves, and nobody takes it back."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from federation.governance.limits import Spent
from federation.governance.needing import Cost
from federation.ids import PartyId, RunId
from federation.journal import Entry, FileJournal
from parties.governance.spending import Spending, SpendingRefused
from parties.home import PartyHome
from tests.parties.governance.world import bank

NOW = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
RUN, OTHER = RunId("20260301-120000-abcdef"), RunId("20260302-120000-abcdef")
COST = Cost(rounds=3, psi_runs=1, epsilon=2.0, equations_per_row=0.02)


@pytest.fixture
def home(tmp_path: Path) -> PartyHome:
    return bank(tmp_path / "bank")


def reserve(home: PartyHome, run: RunId, attempt: int, *grants: str, cost: Cost = COST) -> None:
    with Spending(home, "bank").reserving(grants, run) as reservation:
        reservation.write(run, attempt, grants, cost, NOW)


def send(home: PartyHome, run: RunId, *sizes: int) -> None:
    folder = home.round_folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    journal = FileJournal(folder / "journal.jsonl")
    for size in sizes:
        journal.append(Entry("x", PartyId("platform"), size, "0" * 64, "p"))
    journal.close()


def spent(home: PartyHome, grant: str = "one", but_for: RunId | None = None) -> Spent:
    return Spending(home, "bank").spent([grant], but_for)[grant]


def test_nothing_is_spent_where_nothing_was_reserved(home: PartyHome) -> None:
    assert spent(home) == Spent()


def test_a_reservation_counts_at_once_and_after_a_restart(home: PartyHome) -> None:
    reserve(home, RUN, 1, "one", "two")
    for grant in ("one", "two"):
        found = spent(PartyHome.open(home.folder), grant)
        assert found == Spent(runs=1, rounds=3, psi_runs=1, epsilon=2.0, equations_per_row=0.02)
    assert spent(home, "three") == Spent()


def test_the_same_attempt_is_charged_once_and_another_attempt_again(home: PartyHome) -> None:
    reserve(home, RUN, 1, "one")
    reserve(home, RUN, 1, "one")
    assert spent(home).rounds == 3
    reserve(home, RUN, 2, "one")
    assert spent(home) == Spent(runs=1, rounds=6, psi_runs=2, epsilon=2.0, equations_per_row=0.04)


def test_the_run_that_asks_leaves_itself_out_where_it_counts_once(home: PartyHome) -> None:
    reserve(home, RUN, 1, "one")
    reserve(home, OTHER, 1, "one")
    found = spent(home, but_for=RUN)
    assert (found.runs, found.epsilon, found.rounds) == (1, 2.0, 6)


def test_bytes_are_those_of_the_journal(home: PartyHome) -> None:
    reserve(home, RUN, 1, "one")
    send(home, RUN, 100, 23)
    assert spent(home).egress_bytes == 123  # Not settled, as after a crash.
    Spending(home, "bank").settle(RUN, 1)
    assert spent(home).egress_bytes == 123
    reserve(home, RUN, 2, "one")
    send(home, RUN, 1000)
    Spending(home, "bank").settle(RUN, 2)
    assert spent(home).egress_bytes == 1123


def test_what_was_settled_stays_when_the_rounds_folder_is_gone(home: PartyHome) -> None:
    reserve(home, RUN, 1, "one")
    send(home, RUN, 500)
    Spending(home, "bank").settle(RUN, 1)
    (home.round_folder(RUN) / "journal.jsonl").unlink()
    reserve(home, RUN, 2, "one")
    assert spent(home).egress_bytes == 500


def test_a_frame_whose_journal_line_is_torn_never_left(home: PartyHome) -> None:
    reserve(home, RUN, 1, "one")
    send(home, RUN, 40)
    with (home.round_folder(RUN) / "journal.jsonl").open("a") as file:
        file.write('{"previous": "00", "type": "x", "si')
    assert spent(home).egress_bytes == 40
    Spending(home, "bank").settle(RUN, 1)
    assert spent(home).egress_bytes == 40


def test_a_journal_that_cannot_be_read_lets_no_limit_on_bytes_be_passed(home: PartyHome) -> None:
    reserve(home, RUN, 1, "one")
    send(home, RUN, 40)
    (home.round_folder(RUN) / "journal.jsonl").write_text("{}\n")
    with pytest.raises(SpendingRefused, match="journal"):
        spent(home)


def test_settling_what_was_never_reserved_writes_nothing(home: PartyHome) -> None:
    Spending(home, "bank").settle(RUN, 1)
    assert spent(home) == Spent()


def test_settling_twice_counts_once(home: PartyHome) -> None:
    reserve(home, RUN, 1, "one")
    send(home, RUN, 7)
    for _ in range(2):
        Spending(home, "bank").settle(RUN, 1)
    assert len((home.folder / "governance" / "spent.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("damage", ["changed", "shortened", "lost", "head lost", "foreign line"])
def test_a_record_that_is_not_what_was_written_is_refused(home: PartyHome, damage: str) -> None:
    reserve(home, RUN, 1, "one")
    reserve(home, OTHER, 1, "one")
    file, head = (home.folder / "governance" / f"spent.{ending}" for ending in ("jsonl", "head"))
    text = file.read_text()
    if damage == "changed":
        file.write_text(text.replace('"rounds":3', '"rounds":0', 1))
    elif damage == "shortened":
        file.write_text(text.splitlines(keepends=True)[0])
    elif damage == "lost":
        file.unlink()
    elif damage == "head lost":
        head.unlink()
    else:
        last = json.dumps({"kind": "refund", "previous": json.loads(head.read_text())["head"]})
        file.write_text(f"{text}{last}\n")
    with pytest.raises(SpendingRefused, match="grants have spent") as raised:
        spent(home)
    assert raised.value.party == "bank" and raised.value.file == str(file)


def test_a_line_that_a_crash_left_torn_was_never_acted_on(home: PartyHome) -> None:
    reserve(home, RUN, 1, "one")
    with (home.folder / "governance" / "spent.jsonl").open("a") as file:
        file.write('{"kind":"reserve","run":')
    assert spent(home).runs == 1
    reserve(home, OTHER, 1, "one")
    assert spent(home).runs == 2
