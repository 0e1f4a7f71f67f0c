"""`isthmus bench border` prints what it comes to, and ends with 1 where something was not as it must be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.border import command, corpus, options, whole
from benchmarks.border.corpus import Judged
from benchmarks.border.mutations import Found, Mutation
from benchmarks.border.results import Border
from benchmarks.border.whole import Order, counted
from cli.main import isthmus
from federation.errors import UsageError

DETECTED = Judged("no grant", "rights", "G-GRANT", ("G-GRANT",), "detected", "told")
MISSED = Judged("expired", "rights", "G-EXPIRED", (), "missed", "nothing was refused or found")
LIMIT = Judged("low bits", "egress", "T-EGRESS-CANARY", (), "declared limit", "nothing was refused or found")


def border(*judged: Judged, alarms: tuple[str | None, ...] = ()) -> Border:
    return counted(Order((), clean=len(alarms)), (), judged, alarms)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (border(DETECTED, LIMIT, alarms=(None, None)), 0),
        (border(DETECTED, MISSED), 1),
        (border(DETECTED, alarms=(None, "3 (logistic, 2 parties): told")), 1),
    ],
)
def test_the_exit_code_says_whether_all_was_as_it_must_be(
    monkeypatch: pytest.MonkeyPatch, found: Border, code: int
) -> None:
    monkeypatch.setattr(whole, "in_a_folder", lambda order, workers, say, out: found)
    done = CliRunner().invoke(isthmus, ["bench", "border", "--fast", "--format", "json"])
    assert done.exit_code == code, done.output
    figures = json.loads(done.stdout)
    assert figures["seeded"] == len(found.mutations) and figures["detected"] == 1
    assert figures["missed"] == [each["name"] for each in found.mutations if each["outcome"] == "missed"]
    assert (figures["clean_runs"], figures["false_alarms"]) == (found.clean_runs, len(found.alarms))


def test_people_read_what_was_missed_and_the_counts() -> None:
    found = border(DETECTED, MISSED, LIMIT, alarms=(None, "3 (logistic): told"))
    lines = command.told(found, {"S2": "S2.zip"}).splitlines()
    expected = [
        "Violations: 3 seeded, 1 detected, 1 missed, 1 declared limits",
        "  missed: expired (G-EXPIRED): nothing was refused or found",
        "  declared limit: low bits (T-EGRESS-CANARY): nothing was refused or found",
        "Clean rounds: 2, 1 false alarms",
        "  false alarm: 3 (logistic): told",
    ]
    assert [line for line in lines if line in expected] == expected
    assert lines[-2].startswith("Not legal advice")
    assert lines[-1] == "check S2 anywhere: isthmus ledger verify S2.zip"


def test_an_attack_whose_control_failed_is_no_success() -> None:
    assert border(DETECTED).passed
    assert not replace(border(DETECTED), attacks=({"verdict": "void"},)).passed
    assert replace(border(DETECTED), attacks=({"verdict": "fail"},)).passed


def test_scenarios_alone_are_run_without_violations_and_clean_rounds(tmp_path: Path) -> None:
    found = whole.run_border(Order(("S2b", "S8"), violations=False), tmp_path, 1)
    assert [each.id for each in found.scenarios] == ["S2b", "S8"] and found.passed
    assert (found.seeded, found.clean_runs) == (0, 0)
    unexpected = replace(found.scenarios[0], as_expected=False)
    assert not replace(found, scenarios=(unexpected,)).passed


def test_in_memory_no_border_is_far() -> None:
    done = CliRunner().invoke(isthmus, ["bench", "border", "S2b", "--fast", "--latency", "100"])
    assert isinstance(done.exception, UsageError) and done.exception.field == "--fast"


def test_without_fast_real_processes_play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def play(names: object, seed: int, out: Path, far: object, progress: object) -> tuple[object, ...]:
        asked.append((names, seed, out))
        return (), {}

    monkeypatch.setattr(options, "play_scenarios", play)
    done = CliRunner().invoke(isthmus, ["bench", "border", "S4", "--out", str(tmp_path), "--format", "json"])
    assert done.exit_code == 0 and json.loads(done.stdout)["mode"] == "processes"
    assert asked == [(("S4",), 7, tmp_path)]


def test_violations_and_clean_rounds_are_counted_with_scenarios(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nothing = Mutation("none", "egress", "T-EGRESS-TYPE", lambda world: Found((), "nothing"))
    monkeypatch.setattr(whole, "EVERYTHING", (nothing,))
    monkeypatch.setattr(corpus, "World", lambda folder: None)
    monkeypatch.setattr(
        whole, "false_alarm", lambda number, folder: f"{number}: told" if number == 4 else None
    )
    found = whole.run_border(Order((), clean=3, first=3), tmp_path, 1)
    assert (found.missed, found.clean_runs, found.alarms) == (("none",), 3, ("4: told",))
