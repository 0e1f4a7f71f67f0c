"""The verification of packs as OSCAL assessment results (NIST OSCAL 1.2.1, JSON), for auditors' tools.

Every check of `verify` is an objective with a finding, and so is every rule of the guard's catalogue: what
the checks that look at it come to. OSCAL knows satisfied and not-satisfied only; what could not be decided,
or what somebody must first attest, is not-satisfied for the reason "other", and its remarks say which.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, TypeAlias

from crypto.errors import IsthmusError
from federation.governance.guard.rules import Rule, catalogue
from federation.ledger.archive import STATEMENT
from federation.ledger.exports.attestations import ATTESTED, EVIDENCE, LOOKED_AT_BY
from federation.ledger.exports.names import NAMESPACE, checked, identifier, line
from federation.ledger.findings import Check, Report, State
from federation.ledger.reading import Reading
from federation.ledger.verify import NOT_SHOWN

Json: TypeAlias = dict[str, Any]

VERSION = "1.2.1"
#: The control that the checks of `verify` are objectives of.
VERIFYING = "ledger-verify"
#: What one check comes to over several packs.
_OF_ONE = (State.FAIL, State.UNKNOWN, State.PASS, State.NOT_APPLICABLE)
_REASON = {State.PASS: "pass", State.FAIL: "fail"}
_STANDING = {
    State.PASS: "Every check of it passed.",
    State.FAIL: "A check of it failed.",
    State.UNKNOWN: "Not decided: the packs do not hold what is needed.",
    State.NOT_APPLICABLE: "It does not apply to these packs.",
}


def results(readings: Sequence[Reading], report: Report) -> Json:
    """The OSCAL document of a report. `readings`: the packs that it is about, for the digests of evidence."""
    return _Results(readings, report).document()


class _Results:
    """One document under construction. Its identifiers follow from the packs and from the checks' results."""

    def __init__(self, readings: Sequence[Reading], report: Report) -> None:
        for reading in readings:
            checked(reading.pack.party, "party", reading.pack.name)
        self._readings, self._report = readings, report
        self._made_at = max(_seconds(reading) for reading in readings)

    def document(self) -> Json:
        return {
            "assessment-results": {
                "uuid": self._id("results"),
                "metadata": self._metadata(),
                "import-ap": {"href": f"#{self._id('no-plan')}"},
                "local-definitions": {"objectives-and-methods": list(self._objectives())},
                "results": [self._result()],
                "back-matter": {"resources": list(self._resources())},
            }
        }

    def _id(self, *parts: str) -> str:
        return identifier("oscal", self._seed, *parts)

    @cached_property
    def _seed(self) -> str:
        """What the identifiers stand on: packs and findings, so that two results never share one."""
        told = hashlib.sha256(repr(self._report.to_json()["checks"]).encode())
        for reading in self._readings:
            told.update(hashlib.sha256(reading.pack.files[STATEMENT]).digest())
        return told.hexdigest()

    @cached_property
    def _titles(self) -> dict[str, str]:
        """Check -> its title, in the order of the report."""
        return {check.id: check.title for check in self._report.checks}

    def _metadata(self) -> Json:
        parties = [
            {
                "uuid": self._id("party", reading.pack.party),
                "type": "organization",
                "name": reading.pack.party,
            }
            for reading in self._readings
        ]
        return {
            "title": line(f"Verification of the run {self._report.run} of {self._report.federation}"),
            "last-modified": self._made_at,
            "version": self._seed[:16],
            "oscal-version": VERSION,
            "parties": parties,
            "remarks": "Made from evidence packs alone, without keys, data or a network. A pack shows what "
            "was agreed and done; whether the law is kept is for a lawyer to judge.",
        }

    def _objectives(self) -> Iterator[Json]:
        """What the findings' targets say, so that the document can be read without a catalogue."""
        yield {
            "control-id": VERIFYING,
            "description": "The checks of `isthmus ledger verify`.",
            "parts": [
                {"id": _target(name), "name": "assessment-objective", "title": title, "prose": f"{title}."}
                for name, title in self._titles.items()
            ],
        }
        for rule in catalogue().values():
            prose = f"{rule.demands['en']} Source: {rule.source}."
            part = {"id": _target(rule.id), "name": "assessment-objective", "title": rule.title["en"]}
            yield {"control-id": rule.id.lower(), "parts": [{**part, "prose": prose}]}
        for attested in ATTESTED:
            part = {"id": _target(attested.id), "name": "assessment-objective", "prose": attested.statement}
            yield {"control-id": attested.id.lower(), "parts": [part]}

    def _result(self) -> Json:
        controls = [
            VERIFYING,
            *(name.lower() for name in catalogue()),
            *(each.id.lower() for each in ATTESTED),
        ]
        return {
            "uuid": self._id("result"),
            "title": line(f"Run {self._report.run}"),
            "description": f"{len(self._report.checks)} checks: {self._report.state.value} as a whole. "
            f"{self._covered()}",
            "start": self._made_at,
            "props": [_prop("state", self._report.state.value)],
            "reviewed-controls": {
                "control-selections": [{"include-controls": [{"control-id": name} for name in controls]}]
            },
            "attestations": [{"parts": [_limits()]}],
            "observations": [self._observation(check) for check in self._report.checks],
            "findings": [*self._check_findings(), *self._rule_findings(), *self._attestation_findings()],
        }

    def _covered(self) -> str:
        """Whose packs were looked at, and whose were not there."""
        given = {reading.pack.party for reading in self._readings}
        missing: set[str] = set()
        for reading in self._readings:
            with contextlib.suppress(IsthmusError):  # A check says what is wrong with members.json.
                missing |= set(reading.members) - given
        told = f"Looked at: the packs of {', '.join(sorted(given))}."
        return line(f"{told} No pack was given of {', '.join(sorted(missing))}." if missing else told)

    def _observation(self, check: Check) -> Json:
        where = "" if check.outcome.finding is None else f" ({check.outcome.finding.where})"
        found: Json = {
            "uuid": self._observed(check),
            "title": line(check.title),
            "description": line(f"{check.outcome.told}{where}"),
            "props": [_prop("check", check.id), _prop("state", check.state.value)],
            "methods": ["TEST"],
            "collected": self._made_at,
        }
        if check.party:
            subject = {"subject-uuid": self._id("party", check.party), "type": "party", "title": check.party}
            found["subjects"] = [subject]
        evidence = list(self._evidence(check))
        if evidence:
            found["relevant-evidence"] = evidence
        return found

    def _evidence(self, check: Check) -> Iterator[Json]:
        for reading in self._readings:
            if check.party not in ("", reading.pack.party):
                continue
            for file in _files(reading, check.id):
                yield {
                    "href": f"sha256:{_digest(reading, file)}",
                    "description": f"{file} in the pack of {reading.pack.party}",
                    "links": [{"href": f"#{self._id('file', reading.pack.party, file)}", "rel": "reference"}],
                }

    def _check_findings(self) -> Iterator[Json]:
        for name, title in self._titles.items():
            yield self._finding(name, title, self._of((name,)))

    def _rule_findings(self) -> Iterator[Json]:
        for rule in catalogue().values():
            yield self._rule_finding(rule)

    def _rule_finding(self, rule: Rule) -> Json:
        looked_at = LOOKED_AT_BY.get(rule.id, ())
        found = self._finding(rule.id, rule.title["en"], self._of(looked_at))
        status = found["target"]["status"]
        if not looked_at:
            status["remarks"] = (
                "A pack does not show this: it was decided when the order was accepted. Attestation missing: "
                "none is in the packs."
            )
        elif self._report.state is State.FAIL and status["state"] == "satisfied":
            status |= {"state": "not-satisfied", "reason": "other"}
            status["remarks"] = "Not decided: another check of the same evidence failed, so it shows nothing."
        elif "guard" in rule.by:
            found["description"] += (
                " The facts that each decision stands on are those that the role wrote down."
            )
        return found

    def _attestation_findings(self) -> Iterator[Json]:
        for attested in ATTESTED:
            found = self._finding(attested.id, attested.title, ())
            found["description"] = f"{attested.statement} To be attested by: {attested.by}."
            found["target"]["status"]["remarks"] = (
                "Attestation missing: none is in the packs. Whether one is needed, a lawyer says."
            )
            yield found

    def _of(self, names: Sequence[str]) -> tuple[Check, ...]:
        return tuple(check for check in self._report.checks if check.id in names)

    def _finding(self, name: str, title: str, checks: Sequence[Check]) -> Json:
        state = _worst(checks)
        status: Json = {
            "state": "satisfied" if state in (State.PASS, State.NOT_APPLICABLE) else "not-satisfied",
            "reason": _REASON.get(state, "other"),
            "remarks": _STANDING[state],
        }
        found: Json = {
            "uuid": self._id("finding", name),
            "title": line(title),
            "description": line(" ".join(_told(checks))) or _STANDING[state],
            "target": {"type": "objective-id", "target-id": _target(name), "status": status},
        }
        if checks:
            found["related-observations"] = [{"observation-uuid": self._observed(check)} for check in checks]
        return found

    def _observed(self, check: Check) -> str:
        return self._id("observation", check.id, check.party)

    def _resources(self) -> Iterator[Json]:
        yield {
            "uuid": self._id("no-plan"),
            "title": "No assessment plan",
            "description": "Evidence is made by every run; no document planned this assessment.",
        }
        for reading in self._readings:
            named = {file for check in self._titles for file in _files(reading, check)}
            for file in sorted(named):
                hashes = [{"algorithm": "SHA-256", "value": _digest(reading, file)}]
                yield {
                    "uuid": self._id("file", reading.pack.party, file),
                    "title": f"{file} in the pack of {reading.pack.party}",
                    "rlinks": [{"href": file, "hashes": hashes}],
                }


def _worst(checks: Sequence[Check]) -> State:
    """What checks come to. One that applies to no pack leaves open what it would have shown."""
    by_check: dict[str, set[State]] = {}
    for check in checks:
        by_check.setdefault(check.id, set()).add(check.state)
    states = {_first(found, _OF_ONE) for found in by_check.values()}
    return _first(states, (State.FAIL, State.UNKNOWN, State.NOT_APPLICABLE, State.PASS))


def _first(states: set[State], order: Sequence[State]) -> State:
    return next((state for state in order if state in states), State.UNKNOWN)


def _told(checks: Sequence[Check]) -> Iterator[str]:
    """What each check found, a sentence each; checks that found the same say it once."""
    said: dict[str, list[str]] = {}
    for check in checks:
        said.setdefault(check.outcome.told, []).append(check.party)
    for told, parties in said.items():
        named = ", ".join(party for party in dict.fromkeys(parties) if party)
        yield f"{named}: {told}." if named else f"{told}."


def _limits() -> Json:
    return {
        "name": "not-shown",
        "title": "What no check of a pack can show",
        "prose": "\n".join(f"* {line}" for line in NOT_SHOWN),
    }


def _files(reading: Reading, check: str) -> list[str]:
    wanted = EVIDENCE.get(check, ())
    return sorted(
        name
        for name in reading.pack.files
        if any(name == each or (each.endswith("/") and name.startswith(each)) for each in wanted)
    )


def _digest(reading: Reading, file: str) -> str:
    return hashlib.sha256(reading.pack.files[file]).hexdigest()


def _target(name: str) -> str:
    return f"{name.lower()}_obj"


def _prop(name: str, value: str) -> Json:
    return {"name": name, "ns": NAMESPACE, "value": value}


def _seconds(reading: Reading) -> str:
    """When a pack was made, in UTC."""
    at = dt.datetime.strptime(reading.pack.statement.made_at, "%Y-%m-%dT%H:%M:%S%z").astimezone(dt.UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}+00:00"
