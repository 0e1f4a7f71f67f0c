"""Which message left in which attempt; an attempt that ended before anything left owes nobody anything."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import pytest

from federation import files
from federation.ledger.findings import Report, State
from federation.ledger.reading import Reading
from federation.ledger.verify import verify
from tests.federation.ledger import world
from tests.federation.ledger.world import RoleInRun, fingerprints, joined

BEFORE = world.START - dt.timedelta(minutes=1)


class SecondAttempt(RoleInRun):
    """Its first attempt failed before anything left; all of the run is the second. `ended`: by a close."""

    ended = True

    def log(self, kind: str, at: dt.datetime, **fields: str | int | list[str]) -> None:
        if kind == "plan":
            super().log(kind, BEFORE, **{**fields, "attempt": 1})
            if self.ended:
                root = hashlib.sha256().hexdigest()
                told: dict[str, str | int] = {"lines": 0, "root": root, "bytes": 0, "state": "failed"}
                super().log("close", BEFORE, run=world.RUN, attempt=1, **told)
        super().log(kind, at, **({**fields, "attempt": 2} if "attempt" in fields else fields))


class AfterAKill(SecondAttempt):
    """Its first attempt was killed, so it closed nothing."""

    ended = False


def pack_of(insider: type[RoleInRun]) -> tuple[world.World, world.Pack]:
    made = world.made(2, insider=insider)
    seed = files.canonical_json({"2": {"seed": made.roles["bank"].seed.hex()}})
    return made, made.pack("bank", {"canaries.json": seed})


@pytest.mark.parametrize("insider", [SecondAttempt, AfterAKill])
def test_an_attempt_that_let_nothing_leave_needs_no_cosignature_and_no_opening(
    insider: type[RoleInRun],
) -> None:
    made, pack = pack_of(insider)
    report = verify([pack], fingerprints())
    assert report.state is State.PASS, report.to_json()
    assert {number: len(frames) for number, frames in Reading(pack).sent.items()} == {
        1: 0,
        2: len(made.roles["bank"].frames),
    }


def test_an_attempt_of_which_something_left_still_needs_both() -> None:
    made, _ = pack_of(SecondAttempt)
    role = made.roles["bank"]
    lines = [line for line in role.lines if b'"attempt":1' in line or b'"attempt"' not in line]
    closes = [json.loads(line) for line in role.lines if b'"kind":"close"' in line]
    failed = {**closes[1], "attempt": 1, "state": "failed"}
    lines = [*(line for line in lines if b'"kind":"close"' not in line), files.canonical_json(failed)]
    report = verify([made.pack("bank", {"log.jsonl": joined(lines)})], fingerprints())
    states = {check.id: check.state for check in report.checks}
    assert (states["canaries"], states["cosigned"]) == (State.UNKNOWN, State.UNKNOWN)


def test_numbers_that_begin_again_within_an_attempt_are_found() -> None:
    made = world.made(2)
    frames = [json.loads(line) for line in made.roles["bank"].frames]
    for number, frame in enumerate(frames[5:]):
        frame["number"] = number
    report = verify([made.pack("bank", {"guard.jsonl": chained(frames)})], fingerprints())
    assert failed(report)["guard-numbers"].startswith("line 5 of the guard log has the number 0")


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"[" * 3000, b'{"size":1}'])
def test_a_guard_log_is_read_to_its_first_bad_line_and_no_further(line: bytes) -> None:
    made = world.made(2)
    frames = made.roles["bank"].frames
    pack = made.pack("bank", {"guard.jsonl": joined([*frames[:3], *[line] * 50, *frames[3:]])})
    assert len(Reading(pack).frames) == 4
    report = verify([pack], fingerprints())
    assert "guard-chain" in failed(report)
    undecided = {check.id for check in report.checks if check.state is State.UNKNOWN}
    assert undecided >= {"guard-roots", "guard-numbers", "verdicts"}


def failed(report: Report) -> dict[str, str]:
    return {check.id: check.outcome.told for check in report.checks if check.state is State.FAIL}


def chained(frames: list[dict[str, object]]) -> bytes:
    lines: list[bytes] = []
    for fields in frames:
        previous = hashlib.sha256(lines[-1]).hexdigest() if lines else bytes(32).hex()
        lines.append(world.frame(**{**fields, "previous": previous}))
    return joined(lines)
