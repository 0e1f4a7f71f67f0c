"""An attempt's entries stand in their order, and say of the guard log what the guard log says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from crypto.identity import Identity
from crypto.merkle import Tree, leaf_hash
from federation.ids import PartyId, RunId
from federation.journal import Entry, FileJournal
from federation.ledger.entries import parsed
from federation.ledger.log import Ledger, origin
from federation.ledger.run import NOTHING, GuardLog, RunLog
from federation.messages.round import Prepared
from federation.session import Session
from tests.seats import TWO, run_seats

RUN = RunId("20260301-120000-abcdef")
PLAN = {
    "plan": "1" * 64,
    "order": "2" * 64,
    "verdict": "3" * 64,
    "grants": ["g1"],
    "manifest": NOTHING,
    "commitment": NOTHING,
}


@pytest.fixture
def journal(tmp_path: Path) -> FileJournal:
    return FileJournal(tmp_path / "journal.jsonl")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger", origin("sme", "bank"))


@pytest.fixture
def log(ledger: Ledger, journal: FileJournal) -> RunLog:
    return RunLog(ledger, Identity.generate(), "sme", RUN, 2, journal.path)


def sent(journal: FileJournal, *sizes: int) -> None:
    for size in sizes:
        journal.append(Entry("round/progress", PartyId("plant"), size, "0" * 64, "credit"))


def test_the_entries_of_an_attempt(ledger: Ledger, log: RunLog, journal: FileJournal) -> None:
    log.begin(PLAN)
    sent(journal, 100, 23)
    log.round(1)
    sent(journal, 7)
    log.add("model", sha256="4" * 64)
    log.close("finished")
    found = [parsed(line) for line in ledger.entries()]
    assert [entry["kind"] for entry in found] == ["plan", "round", "model", "close"]
    assert {(entry["run"], entry["attempt"]) for entry in found} == {(RUN, 2)}
    assert found[0] == {"kind": "plan", "at": found[0]["at"], "run": RUN, "attempt": 2, **PLAN}
    lines = journal.path.read_bytes().splitlines()
    roots = [Tree(map(leaf_hash, lines[:size])).root().hex() for size in (2, 3)]
    assert (found[1]["number"], found[1]["lines"], found[1]["root"]) == (1, 2, roots[0])
    assert (found[3]["lines"], found[3]["root"], found[3]["bytes"]) == (3, roots[1], 130)


def test_an_attempt_is_closed_once_and_only_where_it_began(ledger: Ledger, log: RunLog) -> None:
    log.close("failed")
    assert ledger.size == 0
    log.begin(PLAN)
    log.close("failed")
    log.close("finished")
    assert [parsed(line).get("state") for line in ledger.entries()] == [None, "failed"]


def test_the_guard_log_goes_on_from_an_earlier_attempt(journal: FileJournal) -> None:
    sent(journal, 5, 6)
    again = GuardLog(journal.path)
    again.update()
    sent(journal, 7)
    again.update()
    assert (again.lines, again.bytes) == (3, 18)
    assert again.root == Tree(map(leaf_hash, journal.path.read_bytes().splitlines())).root().hex()


def test_half_a_line_of_the_guard_log_is_left_for_later(journal: FileJournal) -> None:
    sent(journal, 5)
    whole = journal.path.read_bytes()
    with journal.path.open("ab") as file:
        file.write(whole[:20])
    log = GuardLog(journal.path)
    log.update()
    assert log.lines == 1
    with journal.path.open("ab") as file:
        file.write(whole[20:])
    log.update()
    assert (log.lines, log.bytes) == (2, 10)


def test_nothing_is_the_digest_of_no_bytes(tmp_path: Path) -> None:
    assert hashlib.sha256(b"").hexdigest() == NOTHING
    empty = GuardLog(tmp_path / "none")
    empty.update()
    assert (empty.lines, empty.root) == (0, NOTHING)


def test_what_came_from_each_other_role_is_written_down_before_the_close(tmp_path: Path) -> None:
    """Its digest is the one that the sender's own guard log gives: a line left out there is missed."""
    frames: dict[tuple[str, str], list[bytes]] = {}
    logs: dict[str, Ledger] = {}

    def part(session: Session) -> None:
        me = session.me
        log = RunLog(
            logs.setdefault(me, Ledger(tmp_path / me, origin("sme", me))),
            identities[me],
            "sme",
            RUN,
            1,
            tmp_path / f"{me}.jsonl",
        )
        log.begin(PLAN)
        log.witnessed(session)
        if me == "bank":
            for number in range(3):
                session.send(PartyId("platform"), Prepared(number))
        if me == "platform":
            for _ in range(3):
                session.receive(PartyId("bank"), Prepared)
        log.close("finished")

    identities = {name: Identity.generate() for name in TWO}
    run_seats(
        TWO,
        dict.fromkeys(TWO, part),
        tap=lambda sender, to, frame: frames.setdefault((sender, to), []).append(frame),
        identities=identities,
    )
    for me, ledger in logs.items():
        found = [parsed(line) for line in ledger.entries()]
        assert [entry["kind"] for entry in found][-3:] == ["received", "received", "close"]
        for entry in found[-3:-1]:
            sent = frames[entry["party"], me]
            digests = [hashlib.sha256(frame).digest() for frame in sent]
            assert entry["count"] == len(sent) >= 4
            assert entry["digest"] == hashlib.sha256(b"".join(digests)).hexdigest()
    assert len(frames["bank", "platform"]) == 4 + 3


def test_an_attempt_whose_session_never_opened_received_nothing(ledger: Ledger, log: RunLog) -> None:
    log.begin(PLAN)
    log.close("failed")
    assert [parsed(line)["kind"] for line in ledger.entries()] == ["plan", "close"]
