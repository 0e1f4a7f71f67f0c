"""What the verification of a pack comes to: checks, their state, and the first entry that is not right."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from federation.ledger.lines import UNREADABLE, Logged


class State(enum.Enum):
    """How a check ended. A pack is clean only where every check that applies passed."""

    PASS = "pass"  # noqa: S105 - a state, not a secret
    FAIL = "fail"
    UNKNOWN = "unknown"  # the pack does not hold what is needed to decide
    NOT_APPLICABLE = "not-applicable"


class Happened(enum.Enum):
    """What was done to the thing that a finding names."""

    DROPPED = "dropped"
    ADDED = "added"
    REORDERED = "reordered"
    REWRITTEN = "rewritten"
    FORKED = "forked"
    NOT_COVERED = "not covered"
    SIGNATURE_MISSING = "signature missing"
    SIGNATURE_WRONG = "signature not valid"
    CLOCK = "clock moved back"
    NOT_ALLOWED = "not allowed"
    CHANGED = "dropped, reordered or rewritten"  # the evidence does not tell which


@dataclass(frozen=True, slots=True)
class Finding:
    """What is not right, and where.

    index, kind, at: the ledger's entry concerned, counted from 0, where it is known; `until` (an index) where
    it is one of several, `index` to `until`. file: the file of the pack. line: a line of it, counted from 0.
    """

    happened: Happened
    what: str
    file: str = "log.jsonl"
    index: int | None = None
    until: int | None = None
    kind: str = ""
    at: str = ""
    line: int | None = None

    @property
    def where(self) -> str:
        """The place, in words."""
        if self.index is None:
            return self.file if self.line is None else f"{self.file}, line {self.line}"
        if self.until is not None and self.until > self.index:
            return f"one of the entries {self.index} to {self.until}"
        told = ", ".join(part for part in (self.kind, self.at) if part)
        return f"entry {self.index}" + (f" ({told})" if told else "")

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {
            "happened": self.happened.value,
            "what": self.what,
            "where": self.where,
            "file": self.file,
            "line": self.line,
            "entry": self.index,
            "until": self.until,
            "kind": self.kind,
            "at": self.at,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one check ended, in a sentence, and what it found."""

    state: State
    told: str
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one pack (or of several, `party` then empty)."""

    id: str
    party: str
    title: str
    outcome: Outcome

    @property
    def state(self) -> State:
        """How it ended."""
        return self.outcome.state

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        finding = self.outcome.finding
        return {
            "check": self.id,
            "party": self.party,
            "title": self.title,
            "state": self.state.value,
            "told": self.outcome.told,
            "finding": None if finding is None else finding.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of the packs of one run. `packs`: role -> the name of its file."""

    run: str
    federation: str
    packs: Mapping[str, str]
    checks: tuple[Check, ...]

    @property
    def state(self) -> State:
        """FAIL where any check failed, else UNKNOWN where any was not decided, else PASS."""
        found = {check.state for check in self.checks}
        return next((state for state in (State.FAIL, State.UNKNOWN) if state in found), State.PASS)

    @property
    def first(self) -> Check | None:
        """The failed check whose finding names the earliest entry; one that names it exactly goes first."""
        failed = [check for check in self.checks if check.state is State.FAIL]
        return min(failed, key=_exactness, default=None)

    def to_json(self) -> dict[str, Any]:
        """The report as one object."""
        first = self.first
        return {
            "run": self.run,
            "federation": self.federation,
            "state": self.state.value,
            "packs": dict(self.packs),
            "first": None if first is None else first.to_json(),
            "checks": [check.to_json() for check in self.checks],
        }


def passed(told: str) -> Outcome:
    """The check holds."""
    return Outcome(State.PASS, told)


def unknown(told: str) -> Outcome:
    """It cannot be decided, and why."""
    return Outcome(State.UNKNOWN, told)


def not_applicable(told: str) -> Outcome:
    """It is no question here, and why."""
    return Outcome(State.NOT_APPLICABLE, told)


def failed(finding: Finding) -> Outcome:
    """It does not hold."""
    return Outcome(State.FAIL, finding.what, finding)


def entry_finding(happened: Happened, what: str, entry: Logged) -> Finding:
    """A finding about one entry of the ledger."""
    kind = "" if entry.kind == UNREADABLE else entry.kind
    return Finding(happened, what, index=entry.index, kind=kind, at=entry.at)


def _exactness(check: Check) -> tuple[int, int]:
    finding = check.outcome.finding
    if finding is None or finding.index is None:
        return (2, 0)
    width = 0 if finding.until is None else finding.until - finding.index
    return (0 if width == 0 else 1, finding.index)
