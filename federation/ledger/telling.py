"""A ledger and a report in plain words, for people who read neither code nor hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from federation.ledger.findings import Report, State
from federation.ledger.lines import Logged

#: What a check's state is called.
STATES: Mapping[State, str] = {
    State.PASS: "holds",
    State.FAIL: "DOES NOT HOLD",
    State.UNKNOWN: "not decided",
    State.NOT_APPLICABLE: "no question",
}
_WORDS: Mapping[str, str] = {
    "start": "the node was started",
    "stop": "the node was stopped",
    "manifest": "a manifest of {dataset} came into force",
    "grant": "the owner signed the grant {grant}",
    "revocation": "the owner took back the grant {grant}",
    "plan": "the plan was accepted (attempt {attempt}); under the grants: {grants}",
    "refusal": "the order was refused (attempt {attempt}), by the rule {rule}",
    "round": "round {number}; messages that had left: {lines}",
    "model": "a part of the model was kept",
    "received": "messages that came from {party}: {count}",
    "opening": "the planted records were opened; found in what left: {hits}",
    "close": "the run {state} (attempt {attempt}); messages that left: {lines}, bytes: {bytes}",
    "score": "rows that were scored: {rows}",
    "export": "written out of the model: {what}",
    "witness": "co-signed the ledger of {party}, {size} entries",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One entry, as a timeline shows it. `digest`: of what it is about; `cosigned`: by whom."""

    index: int
    at: str
    run: str
    what: str
    digest: str
    cosigned: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {
            "entry": self.index,
            "at": self.at,
            "run": self.run,
            "what": self.what,
            "digest": self.digest,
            "cosigned": list(self.cosigned),
        }


def timeline(entries: list[Logged], cosigners: Mapping[int, tuple[str, ...]]) -> list[Told]:
    """Every entry in words. `cosigners`: a checkpoint's size -> who co-signed it."""
    return [
        Told(entry.index, entry.at, entry.run, words(entry), entry.digest, _over(entry, cosigners))
        for entry in entries
    ]


def words(entry: Logged) -> str:
    """What an entry says."""
    fields = {name: ", ".join(v) or "none" if isinstance(v, list) else v for name, v in entry.fields.items()}
    form = _WORDS.get(entry.kind)
    return "a line that is no entry of a ledger" if form is None else form.format(**fields)


def conclusion(report: Report) -> str:
    """The whole report in a sentence or two."""
    whose = ", ".join(report.packs)
    if report.state is State.PASS:
        return f"Everything that was checked in the pack of {whose} holds."
    first = report.first
    if first is not None and first.outcome.finding is not None:
        finding = first.outcome.finding
        of = f" of {first.party}" if first.party else ""
        where = f"First in the ledger{of}: {finding.where}: {finding.happened.value}."
        return f"Not in order. {where} {_sentence(finding.what)}"
    undecided = [check for check in report.checks if check.state is State.UNKNOWN]
    titles = "; ".join(dict.fromkeys(check.title for check in undecided))
    return f"Nothing was found out of order, but this is not decided: {titles}."


def _over(entry: Logged, cosigners: Mapping[int, tuple[str, ...]]) -> tuple[str, ...]:
    names = {name for size, signed in cosigners.items() if size > entry.index for name in signed}
    return tuple(sorted(names))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
