"""What the packs of several roles show: a fork whose maker stays away, a message that was not logged."""

from __future__ import annotations

import json

import pytest

from federation.governance.guard.verdict import Judge
from federation.ledger.entries import entry
from federation.ledger.findings import Check, Happened, Report, State
from federation.ledger.verify import verify
from tests.federation.ledger import world
from tests.federation.ledger.world import RoleInRun, fingerprints, joined


def judged(made: world.World, *names: str) -> Report:
    return verify([made.pack(name) for name in names], fingerprints())


def of(report: Report, check: str) -> Check:
    return next(each for each in report.checks if each.id == check and not each.party)


def forked(owner: str, holder: str, lines: list[bytes]) -> list[bytes]:
    """Platform shows public another ledger than the others, of the same size, and signs both."""
    if (owner, holder) != ("platform", "public"):
        return lines
    return [entry("stop", "2026-11-27T08:00:00Z"), *lines[1:]]


def test_a_fork_comes_to_light_though_the_forker_withholds_its_pack() -> None:
    found = of(judged(world.made(2, shown=forked), "bank", "public"), "forks")
    assert found.state is State.FAIL
    assert found.outcome.finding is not None
    assert found.outcome.finding.happened is Happened.FORKED
    assert "platform's ledger was forked" in found.outcome.told
    assert "in the pack of bank" in found.outcome.told
    assert "that of public" in found.outcome.told


class Forgetful(RoleInRun):
    """Writes down no third message, which leaves all the same."""

    left = 0

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.all: list[bytes] = []

    def send(self, judge: Judge, kind: str, to: str, size: int) -> None:
        super().send(judge, kind, to, size)
        self.all.append(self.frames[-1])
        self.left += 1
        if self.left % 3 == 0:
            self.frames.pop()
            self.number -= 1


def forgetful(monkeypatch: pytest.MonkeyPatch) -> world.World:
    """The others count what came, bank logs less."""
    seen: dict[int, Forgetful] = {}
    came_from = world.came_from

    class Insider(Forgetful):
        def __init__(self, name: str) -> None:
            super().__init__(name)
            seen[id(self.frames)] = self

    def counted(frames: list[bytes], to: str) -> list[bytes]:
        insider = seen.get(id(frames))
        return came_from(frames if insider is None else insider.all, to)

    monkeypatch.setattr(world, "came_from", counted)
    return world.made(2, 6, insider=Insider)


def test_a_message_left_out_of_the_guard_log_is_found_by_who_received_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = forgetful(monkeypatch)
    assert judged(made, "bank").state is State.PASS  # Alone it tells a story of its own.
    found = of(judged(made, *world.ROLES), "received")
    assert found.state is State.FAIL
    assert found.outcome.finding is not None
    assert found.outcome.finding.file == "guard.jsonl of bank"
    assert "left out of the guard log" in found.outcome.told


def test_a_message_exchanged_for_another_in_the_guard_log_is_found() -> None:
    made = world.made(2)
    lines = made.roles["platform"].lines
    for place, line in enumerate(lines):
        if b'"received"' in line and b'"party":"bank"' in line:
            fields = {**json.loads(line), "digest": "0" * 64}
            kind, at = fields.pop("kind"), fields.pop("at")
            lines[place] = entry(kind, at, **fields)
    found = of(judged(made, "bank", "platform"), "received")
    assert found.outcome.finding is not None
    assert "are not those that platform received" in found.outcome.told
    bank = [json.loads(line) for line in made.roles["bank"].frames]
    assert found.outcome.finding.line == next(i for i, each in enumerate(bank) if each["to"] == "platform")


def test_what_left_after_the_last_count_is_no_fault() -> None:
    made = world.made(2)
    bank = made.roles["bank"]
    judge = Judge(bank.policy, bank.entities)
    counted = len(bank.frames)
    bank.send(judge, "logistic/gradient", "platform", 10)
    found = of(verify([made.pack("bank"), made.pack("platform")], fingerprints()), "received")
    assert len(bank.frames) == counted + 1
    assert found.state is State.PASS


def test_a_finished_attempt_that_does_not_count_what_came_is_not_decided() -> None:
    made = world.made(2)
    role = made.roles["public"]
    lines = [line for line in role.lines if b'"received"' not in line]
    pack = made.pack("public", {"log.jsonl": joined(lines)})
    found = of(verify([pack, made.pack("bank")], fingerprints()), "received")
    assert found.state is State.UNKNOWN
    assert "public of bank" in found.outcome.told
