"""`isthmus bench governance` prints the counts, and ends with 1 where something was missed."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from benchmarks.border import command, corpus
from benchmarks.border.corpus import Counts, Judged
from cli.main import isthmus


def counts(missed: int, alarms: int) -> Counts:
    judged = Judged("no grant", "rights", "G-GRANT", ("G-GRANT",), "detected", "told")
    return Counts(2, 1, missed, 1, 3, alarms, (judged,), ("3 (logistic, 2 parties): told",) * alarms)


@pytest.mark.parametrize(("missed", "alarms", "code"), [(0, 0, 0), (1, 0, 1), (0, 1, 1)])
def test_the_exit_code_says_whether_governance_held(
    monkeypatch: pytest.MonkeyPatch, missed: int, alarms: int, code: int
) -> None:
    monkeypatch.setattr(corpus, "run_corpus", lambda clean, first, say: counts(missed, alarms))
    done = CliRunner().invoke(isthmus, ["bench", "governance", "--clean", "3", "--format", "json"])
    assert done.exit_code == code, done.output
    figures = json.loads(done.stdout)
    assert (figures["seeded"], figures["missed"], figures["false_alarms"]) == (2, missed, alarms)


def test_people_read_each_violation_and_the_counts() -> None:
    lines = command.told(counts(0, 1))
    assert lines[0].split() == ["no", "grant", "G-GRANT", "detected"]
    assert lines[-2:] == [
        "2 violations seeded: 1 detected, 0 missed, 1 declared limits",
        "3 clean rounds: 1 false alarms",
    ]
    assert lines[1] == "false alarm: 3 (logistic, 2 parties): told"
