"""Who takes part in an attempt, when another one begins, and when a late party is let in."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from crypto.codes import Code, coded
from federation import files
from federation.coordinator import conducting
from federation.coordinator.home import CoordinatorHome
from federation.coordinator.record import PartyStatus, Recorder, RoundStatus
from federation.errors import PeerFailure, PeerSilent, SessionEnded, UsageError
from federation.flower.replies import FailedReply, Reply
from federation.ids import PartyId, RunId
from federation.order import TAKEN_BEFORE
from federation.plan import Plan, PlanParty
from federation.tables import Deadlines

NAMES = tuple(map(PartyId, ("north", "south", "east", "west")))
NODES = {party: number for number, party in enumerate(NAMES, start=1)}


class Nodes:
    """What Flower tells: who is online since when, and whose forgotten reply came."""

    plan_id, run_id = "run", 1

    def __init__(self, online: Mapping[int, str]) -> None:
        self.now = dict(online)
        self.came_back: frozenset[int] = frozenset()

    def online(self) -> Mapping[int, str]:
        return self.now

    def deliver(self, node_id: int, payload: bytes) -> None:
        raise AssertionError("nothing is delivered here")

    def collect(self, timeout: float) -> dict[int, Reply]:
        return {}

    def forget(self) -> None:
        return

    def returned(self) -> frozenset[int]:
        return self.came_back


class Seat:
    paused = 0

    def pause(self) -> None:
        self.paused += 1


def conducted(folder: Path, nodes: Nodes, *, shape: str = "horizontal", least: int | None = 3) -> Any:
    roles = {"north": PlanParty(role="label" if shape == "vertical" else "feature")}
    parties = {**dict.fromkeys(NAMES, PlanParty()), **roles}
    plan = Plan(
        name="banks",
        purpose="credit",
        shape=shape,
        parties=parties,
        minimum_parties=least if shape == "horizontal" else None,
        deadlines=Deadlines(join_seconds=0.5),
    )
    files.write(folder / "plan.json", plan.canonical())
    status = RoundStatus(RunId("run"), "banks", "", parties={party: PartyStatus() for party in NAMES})
    return conducting._Round(
        CoordinatorHome(folder), folder, Recorder(folder, status), nodes, lambda: NODES, lambda: False
    )


class Everybody:
    """A list of members on which everybody stands."""

    def check_admitted(self, names: object) -> None:
        return


def test_all_are_waited_for_and_then_enough_of_them_do(tmp_path: Path) -> None:
    nodes = Nodes({1: "t", 2: "t", 3: "t"})
    assert [*conducted(tmp_path, nodes)._wait_online(Everybody())] == [*NAMES[:3]]
    for few in (conducted(tmp_path, nodes, least=None), conducted(tmp_path, nodes, shape="vertical")):
        with pytest.raises(PeerSilent, match="west"):
            few._wait_online(Everybody())


def test_one_that_was_lost_is_back_when_its_node_is_new_or_has_answered(tmp_path: Path) -> None:
    nodes = Nodes(dict.fromkeys(NODES.values(), "t"))
    found = conducted(tmp_path, nodes)
    found._lost = {2: "t", 4: "t"}
    assert [*found._present()] == ["north", "east"]
    nodes.now[2] = "later"
    assert [*found._present()] == ["north", "south", "east"]
    nodes.came_back = frozenset({4})
    assert [*found._present()] == [*NAMES]


def test_a_late_party_lets_the_members_pause_once_and_not_at_the_end(tmp_path: Path) -> None:
    nodes = Nodes({1: "t", 2: "t", 3: "t"})
    found = conducted(tmp_path, nodes)
    found._seat, found._looked = Seat(), 0.0
    here = {party: NODES[party] for party in NAMES[:3]}
    found._welcome(here)
    assert found._seat.paused == 0
    nodes.now[4], found._looked = "t", 0.0
    found._recorder.update_party(NAMES[0], step="evaluating")
    found._welcome(here)
    assert found._seat.paused == 0
    found._recorder.update_party(NAMES[0], step="training")
    for _ in range(3):
        found._looked = 0.0
        found._welcome(here)
    assert found._seat.paused == 1 and "west has come" in found._joining


def test_only_a_loss_is_worth_another_attempt(tmp_path: Path) -> None:
    found = conducted(tmp_path, Nodes({}))
    lost = conducting._failure(NAMES[0], FailedReply(4, "waited 3 s for south"))
    refused = conducting._failure(NAMES[0], FailedReply(3, "the plan does not name this party"))
    broken = conducting._failure(NAMES[0], FailedReply(1, "internal error (ValueError)"))
    assert [found._resumable(error) for error in (lost, refused, broken)] == [True, False, False]
    assert found._resumable(SessionEnded("aggregator", "south left"))
    assert not found._resumable(conducting.Cancelled("the coordinator cancelled the round"))
    assert not conducted(tmp_path, Nodes({}), shape="vertical")._resumable(lost)
    found._recorder.update(attempt=found._plan.most_attempts)
    assert not found._resumable(lost)
    assert isinstance(lost, PeerFailure) and refused.exit_code == 3


class Lossy(Nodes):
    """A Flower that loses what it is told to: `answers` gives what each look at the replies finds."""

    def __init__(self, answers: list[dict[int, Reply]]) -> None:
        super().__init__({1: "t", 2: "t"})
        self.answers, self.delivered = answers, list[int]()

    def deliver(self, node_id: int, payload: bytes) -> None:
        self.delivered.append(node_id)

    def collect(self, timeout: float) -> dict[int, Reply]:
        return self.answers.pop(0) if self.answers else {}


class Line:
    """The exchange, as far as a watch over a round needs it."""

    def __init__(self, sitting: Future[None]) -> None:
        self.causes = list[str]()
        self._sitting = sitting

    def end(self, cause: str) -> None:
        self.causes.append(cause)
        self._sitting.set_exception(SessionEnded("aggregator", cause))


def watched(folder: Path, answers: list[dict[int, Reply]], sitting: Future[None]) -> tuple[Any, Lossy, Line]:
    flower, line = Lossy(answers), Line(sitting)
    found = conducted(folder, flower)
    found._orders = dict.fromkeys(NAMES, b"order")
    found._delivered = (1, 0.0)
    found._watch({NAMES[0]: 1, NAMES[1]: 2}, line, sitting)
    return found, flower, line


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_DELIVER_AGAIN_SECONDS", "_REPLY_SECONDS", "_FIRST_HAND_SECONDS"):
        monkeypatch.setattr(conducting, name, 0.0)


@pytest.mark.usefixtures("hasty")
def test_an_order_that_was_lost_on_the_way_is_delivered_again(tmp_path: Path) -> None:
    answers: list[dict[int, Reply]] = [{}, {1: b"done"}, {2: TAKEN_BEFORE}, {}, {}, {2: b"done"}]
    _, flower, line = watched(tmp_path, answers, Future())
    assert (flower.delivered, line.causes) == ([1, 2, 1, 2, 2], [])


@pytest.mark.usefixtures("hasty")
def test_a_reply_that_was_lost_is_not_waited_for_once_the_session_is_over(tmp_path: Path) -> None:
    sitting: Future[None] = Future()
    sitting.set_result(None)
    found, _, line = watched(tmp_path, [{1: b"done"}], sitting)
    assert line.causes == [] and found._lost.keys() == {2}


@pytest.mark.usefixtures("hasty")
def test_a_party_whose_node_was_stopped_is_away_until_it_comes_back_and_the_round_may_go_on(
    tmp_path: Path,
) -> None:
    flower = Lossy(
        [
            {2: FailedReply(4, coded(Code.NODE_STOPPED, "south stopped its node"))},
            {1: FailedReply(4, "south ended it")},
        ]
    )
    found = conducted(tmp_path, flower)
    found._orders, found._delivered = dict.fromkeys(NAMES, b"order"), (1, 0.0)
    sitting: Future[None] = Future()
    with pytest.raises(PeerFailure, match=r"^south stopped its node$") as stopped:
        found._watch({NAMES[0]: 1, NAMES[1]: 2}, Line(sitting), sitting)
    assert found._resumable(stopped.value)
    assert [*found._present()] == ["north"]  # Flower counts its node as online for a while.
    flower.now[2] = "later"
    assert [*found._present()] == ["north", "south"]


@pytest.mark.usefixtures("hasty")
def test_a_party_that_ran_every_copy_of_an_order_before_ends_the_round(tmp_path: Path) -> None:
    copies = [{1: TAKEN_BEFORE}] * conducting._MOST_DELIVERIES
    with pytest.raises(PeerFailure, match=r"attempt 0 at run was run at north before"):
        watched(tmp_path, copies, Future())


def test_the_end_of_a_round_is_written_down_once_a_full_disk_is_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path, RoundStatus(RunId("run"), "banks", ""))
    monkeypatch.setattr(conducting, "_LOOK_SECONDS", 0.0)
    tries, write = iter(range(3)), files.write_json

    def full(path: Path, value: Any) -> None:
        if next(tries, None) is not None:
            raise UsageError("cannot write: No space left on device", file=str(path), advice="Free space.")
        write(path, value)

    monkeypatch.setattr(files, "write_json", full)
    told: list[UsageError | None] = []
    conducting._write_end(recorder, lambda: False, told.append, state="failed", cause="the disk was full")
    assert RoundStatus.load(tmp_path).cause == "the disk was full"
    assert ["No space left" in str(error) for error in told] == [True, True, True, False]
    assert told[-1] is None, "and people hear when it is over"
    tries = iter(range(3))
    with pytest.raises(UsageError, match="No space left"):
        conducting._write_end(recorder, lambda: True, told.append, state="finished")


def test_a_party_that_does_not_come_back_ends_the_round_with_what_everybody_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = conducted(tmp_path, Nodes({}))
    raised = iter([SessionEnded("aggregator", "south left"), conducting._NobodyCame("south", "coming", 1)])

    def attempt() -> None:
        error = next(raised)
        if not isinstance(error, conducting._NobodyCame):
            found._recorder.update(attempt=found._recorder.status.attempt + 1)
        raise error

    monkeypatch.setattr(found, "_attempt", attempt)
    with pytest.raises(SessionEnded, match="south left"):
        found.conduct()
    assert [each.partition("south")[2] for each in found._recorder.status.interruptions] == [
        " left",
        ": waited 1 s for south (coming)",
    ]


def test_what_cannot_even_begin_is_tried_again_and_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As without the SuperLink, until it is started again."""
    found = conducted(tmp_path, Nodes({}))
    monkeypatch.setattr(conducting, "_LOOK_SECONDS", 0.0)
    raised = iter([PeerFailure("the SuperLink does not answer", advice="")] * 3)

    def attempt() -> None:
        for error in raised:
            raise error

    monkeypatch.setattr(found, "_attempt", attempt)
    found.conduct()
    assert found._recorder.status.interruptions == []


@pytest.mark.usefixtures("hasty")
def test_a_reply_that_flower_lost_is_no_failure_of_a_party_that_is_in_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conducting, "_REPLY_SECONDS", 1e6)
    sitting: Future[None] = Future()
    lost = FailedReply(4, "the party's SuperNode went away before it answered", lost=True)

    class Ending(dict[int, Reply]):
        """The look at the replies with which the session is over."""

        def items(self) -> Any:
            sitting.set_result(None)
            return super().items()

    _, _, line = watched(tmp_path, [{2: lost}, {}, Ending({1: b"done"})], sitting)
    assert line.causes == []
