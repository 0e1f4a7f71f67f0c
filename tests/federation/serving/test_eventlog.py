"""The service's log is bounded, for its owner only, one line for each event, and outlives a full disk."""

from __future__ import annotations

import ast
import datetime as dt
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from federation.errors import UsageError
from federation.serving.eventlog import Event, EventLog, log_files
from federation.serving.reading import Following, last, shown, since_when

NOON = dt.datetime(2026, 11, 27, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log" / "node.jsonl"


def test_a_line_says_when_what_and_of_which_round(path: Path) -> None:
    passed: list[str] = []
    log = EventLog(path, passed.append, lambda: NOON)
    log.note(Event("round-ended", "r1 ended: bank left", "error", "r1", "bank", {"frames": 3}, "IST-4014"))
    (line,) = last(path, 10)
    assert line == {
        "time": "2026-11-27T12:00:00.000Z",
        "level": "error",
        "event": "round-ended",
        "code": "IST-4014",
        "run": "r1",
        "peer": "bank",
        "counts": {"frames": 3},
        "sentence": "r1 ended: bank left",
    }
    assert [json.loads(each) for each in passed] == [line]
    assert shown(line) == "2026-11-27 12:00:00 UTC  round-ended         error: r1 ended: bank left"


def test_it_is_for_its_owner_only(path: Path) -> None:
    before = os.umask(0)
    try:
        EventLog(path).note(Event("up", "bank is up"))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_a_peer_says_cannot_forge_a_line_or_steer_a_terminal(path: Path) -> None:
    EventLog(path).note(Event("note", 'left\n{"event": "up"}\x1b[2J' + "x" * 9000))
    assert path.read_bytes().count(b"\n") == 1
    (line,) = last(path, 10)
    assert "\x1b" not in line["sentence"] and "\n" not in line["sentence"]
    assert len(line["sentence"]) <= 500


def test_its_files_are_bounded_and_the_newest_lines_stay(path: Path) -> None:
    log = EventLog(path, most_bytes=1000)
    for number in range(200):
        log.note(Event("note", f"line {number}"))
    assert [file.name for file in log_files(path)] == [
        "node.4.jsonl",
        "node.3.jsonl",
        "node.2.jsonl",
        "node.1.jsonl",
        "node.jsonl",
    ]
    assert all(file.stat().st_size <= 1000 for file in path.parent.iterdir())
    assert len(list(path.parent.iterdir())) == 5
    assert [line["sentence"] for line in last(path, 12)] == [f"line {number}" for number in range(188, 200)]


def test_lines_that_a_full_disk_did_not_take_are_told_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, write = EventLog(path), os.write
    log.note(Event("up", "bank is up"))

    def half(descriptor: int, data: bytes) -> int:
        return write(descriptor, data[:7])

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    for refuse in (half, full):
        monkeypatch.setattr(os, "write", refuse)
        log.note(Event("note", "lost"))
    monkeypatch.setattr(os, "write", write)
    log.note(Event("stopping", "stopping"))
    assert [line["event"] for line in last(path, 10)] == ["up", "lines-lost", "stopping"]
    assert last(path, 10)[1]["counts"] == {"lines": 2}
    assert log.lost == 2


def test_a_line_that_is_no_event_is_passed_over(path: Path) -> None:
    log = EventLog(path)
    log.note(Event("up", "bank is up"))
    with path.open("ab") as file:
        file.write(b'{"time": 3}\nnonsense\n[]\n\xff\n')
    log.note(Event("stopping", "stopping"))
    assert [line["event"] for line in last(path, 10)] == ["up", "stopping"]


def test_what_came_before_is_left_out(path: Path) -> None:
    for hour in range(6):
        EventLog(path, clock=lambda hour=hour: NOON + dt.timedelta(hours=hour)).note(Event("note", str(hour)))  # type: ignore[misc]
    now = NOON + dt.timedelta(hours=5)
    for text, expected in (
        ("2h", "345"),
        ("120m", "345"),
        ("2026-11-28T00:00:00+08:00", "45"),
        ("7d", "012345"),
    ):
        assert "".join(line["sentence"] for line in last(path, 9, since_when(text, now))) == expected, text


@pytest.mark.parametrize("text", ["", "2", "h", "0h", "-2h", "yesterday", "2026-11-27", "2026-11-27T12:00"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--since"):
        since_when(text, NOON)


def test_lines_are_followed_over_a_change_of_files(path: Path) -> None:
    log = EventLog(path, most_bytes=700)
    log.note(Event("note", "before"))
    following, seen = Following(path), list[str]()
    todo = list(range(12))

    def more() -> bool:
        for number in todo[:3]:
            log.note(Event("note", str(number)))
        del todo[:3]
        return bool(todo)

    # A file takes four or five lines: one is put aside between two looks, now and then.
    seen.extend(line["sentence"] for line in following.lines(more))
    assert seen == [str(number) for number in range(9)]
    assert len(log_files(path)) > 1


def test_a_log_that_is_made_later_is_followed_from_its_beginning(path: Path) -> None:
    following, looks = Following(path), iter([True, False])

    def more() -> bool:
        EventLog(path).note(Event("up", "bank is up"))
        return next(looks)

    found: list[dict[str, Any]] = list(following.lines(more))
    assert [line["event"] for line in found] == ["up"]


def codes(tree: ast.AST) -> Iterator[str]:
    """The event codes that a program gives to `tell` and to `Event`."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        place = {"tell": 1, "Event": 0}.get(name)
        if place is not None and len(call.args) > place and isinstance(call.args[place], ast.Constant):
            yield call.args[place].value


def test_the_operations_page_lists_every_event() -> None:
    root = Path(__file__).parents[3]
    files = [path for room in ("federation", "parties", "cli") for path in (root / room).rglob("*.py")]
    found = {code for file in files for code in codes(ast.parse(file.read_text(encoding="utf-8")))}
    page = (root / "docs" / "operations.md").read_text(encoding="utf-8")
    (row,) = (line for line in page.splitlines() if line.startswith("| `event` |"))
    assert found == set(re.findall(r"`([a-z-]+)`", row)) - {"event"}
