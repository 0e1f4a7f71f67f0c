"""Judgements as OSCAL assessment results (NIST OSCAL 1.2.1, JSON), for auditors' tools.

Each case is a result and each control of the rule packs an objective with a finding in it. OSCAL knows
satisfied and not-satisfied only: the property "verdict" says which of the five it was under which reading.
The state is that of the conservative reading R1, and what nobody decided or signed is not-satisfied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from federation.compliance.catalogue import Catalogue, Control, Pack, catalogue
from federation.compliance.facts import Case
from federation.compliance.verdicts import Judgement, Ruling, Verdict
from federation.errors import UsageError
from federation.ledger.exports.names import NAMESPACE, identifier, line
from federation.ledger.exports.oscal import VERSION

Json: TypeAlias = dict[str, Any]

_SATISFIED = (Verdict.PASS, Verdict.NOT_APPLICABLE)
_REASON = {Verdict.PASS: "pass", Verdict.FAIL: "fail"}
_STANDING = {
    Verdict.PASS: "Nothing in the case is against it.",
    Verdict.FAIL: "The case is against it.",
    Verdict.NOT_APPLICABLE: "It does not apply to the case.",
    Verdict.NEEDS_ATTESTATION: "Attestation missing: software cannot say it, and nobody signed for it.",
    Verdict.UNKNOWN: "Not decided: what is needed is not in the case.",
}
_METHOD = {"automatic": ["TEST"], "hybrid": ["TEST", "EXAMINE"], "attest-only": ["EXAMINE"]}
_LIMITS = (
    "A verdict says how a rule pack answers for the facts of a case; it is not legal advice.",
    "Facts are as manifests, grants and evidence state them: whether they are true, no software can tell.",
    "Of a signed statement it was looked at who signed, when, and over which document; not at its content.",
    "R2 is a reading that a data protection officer must claim and a court may refuse.",
)


def results(judged: Sequence[tuple[Case, Judgement]], rules: Catalogue | None = None) -> Json:
    """The OSCAL document of some judged cases, by the catalogue (the shipped one, unless given).

    `UsageError` where there is no case, or a judgement is of another case or was reached by other rule packs.
    """
    rules = catalogue() if rules is None else rules
    if not judged:
        raise UsageError("there is no judged case to export", advice="Judge a case first.")
    hashes = {pack.pack: pack.sha256 for pack in rules.packs}
    for case, judgement in judged:
        if judgement.case_sha256 != case.digest:
            raise UsageError(
                f"the judgement {judgement.case!r} is not of the case it was given with",
                field="case_sha256",
                advice="Judge the case again.",
            )
        if dict(judgement.packs) != hashes:
            raise UsageError(
                f"the case {case.name!r} was judged by other rule packs than those given here",
                field="packs",
                advice="Judge the case again by these rules, or export with the version that judged it.",
            )
    return _Results(judged, rules).document()


class _Results:
    """One document under construction. Its identifiers follow from the cases and the judgements."""

    def __init__(self, judged: Sequence[tuple[Case, Judgement]], rules: Catalogue) -> None:
        self._judged, self._rules = judged, rules
        told = "".join(f"{case.digest}{judgement.digest}" for case, judgement in judged)
        self._seed = hashlib.sha256(told.encode()).hexdigest()

    def document(self) -> Json:
        return {
            "assessment-results": {
                "uuid": self._id("results"),
                "metadata": self._metadata(),
                "import-ap": {"href": f"#{self._id('no-plan')}"},
                "local-definitions": {"objectives-and-methods": list(self._objectives())},
                "results": [
                    _Result(self._id("result", str(place)), case, judgement, self._rules).result()
                    for place, (case, judgement) in enumerate(self._judged)
                ],
                "back-matter": {"resources": list(self._resources())},
            }
        }

    def _id(self, *parts: str) -> str:
        return identifier("oscal-border", self._seed, *parts)

    def _metadata(self) -> Json:
        named = ", ".join(dict.fromkeys(case.name for case, _ in self._judged))
        unreviewed = [pack.pack for pack in self._rules.packs if not pack.reviewed_by]
        told = "Not legal advice. Made from the facts of the cases alone, by rules that are data."
        if unreviewed:
            told += f" No lawyer signed these rule packs: {', '.join(unreviewed)}."
        return {
            "title": line(f"Judgement of what crosses borders: {named}"),
            "last-modified": max(_at(case) for case, _ in self._judged),
            "version": self._seed[:16],
            "oscal-version": VERSION,
            "remarks": told,
        }

    def _objectives(self) -> Iterator[Json]:
        """What the findings' targets say, so that the document can be read without a catalogue."""
        for pack, control in self._rules:
            prose = f"{control.text.en} Source: {control.source}."
            part = {
                "id": _target(control.id),
                "name": "assessment-objective",
                "title": line(control.title.en),
                "props": list(_of_control(pack, control)),
                "prose": line(prose),
            }
            yield {"control-id": control.id.lower(), "parts": [part]}

    def _resources(self) -> Iterator[Json]:
        yield {
            "uuid": self._id("no-plan"),
            "title": "No assessment plan",
            "description": "The rule packs say what is asked; no document planned this assessment.",
        }
        for pack in self._rules.packs:
            yield self._resource(
                f"Rule pack {pack.pack}", f"{pack.pack}.toml", pack.sha256, "pack", pack.pack
            )
        for place, (case, _) in enumerate(self._judged):
            yield self._resource(f"Case {case.name}", "case.json", case.digest, "case", str(place))

    def _resource(self, title: str, file: str, sha256: str, *parts: str) -> Json:
        hashes = [{"algorithm": "SHA-256", "value": sha256}]
        return {
            "uuid": self._id(*parts),
            "title": line(title),
            "rlinks": [{"href": file, "hashes": hashes}],
        }


class _Result:
    """One judged case."""

    def __init__(self, uuid: str, case: Case, judgement: Judgement, rules: Catalogue) -> None:
        self._uuid, self._case, self._judgement, self._rules = uuid, case, judgement, rules
        self._rulings: dict[str, list[tuple[int, Ruling]]] = {}
        for place, ruling in enumerate(judgement.rulings["R1"]):
            self._rulings.setdefault(ruling.control, []).append((place, ruling))

    def result(self) -> Json:
        judgement = self._judgement
        verdicts = [_verdict(reading, judgement.verdict(reading)) for reading in ("R1", "R2")]
        claim = _prop("r2-claimable", "yes" if judgement.r2_claimable else "no")
        included = [{"control-id": control.id.lower()} for _, control in self._rules]
        return {
            "uuid": self._uuid,
            "title": line(self._case.name),
            "description": line(
                f"As a whole: {judgement.verdict('R1').value} under R1, {judgement.verdict('R2').value} "
                f"under R2. {judgement.r2_why.en}"
            ),
            "start": _at(self._case),
            "props": [*verdicts, claim, _prop("case-sha256", judgement.case_sha256)],
            "reviewed-controls": {"control-selections": [{"include-controls": included}]},
            "attestations": [{"parts": list(self._said())}],
            "observations": [
                self._observation(place, ruling)
                for found in self._rulings.values()
                for place, ruling in found
            ],
            "findings": [self._finding(pack, control) for pack, control in self._rules],
        }

    def _id(self, *parts: str) -> str:
        return identifier(self._uuid, *parts)

    def _said(self) -> Iterator[Json]:
        """What the reader must know beside the findings: its limits, and what persons must still sign."""
        yield {
            "name": "not-shown",
            "title": "What no judgement can show",
            "prose": "\n".join(f"* {each}" for each in _LIMITS),
        }
        waiting = [
            ruling for ruling in self._judgement.rulings["R1"] if ruling.verdict is Verdict.NEEDS_ATTESTATION
        ]
        if waiting:
            lines = (line(f"* {each.control} ({_about(each) or 'all'}): {each.told.en}") for each in waiting)
            yield {"name": "missing", "title": "Attestations missing", "prose": "\n".join(lines)}

    def _observation(self, place: int, ruling: Ruling) -> Json:
        props = [_prop("control", ruling.control), _verdict("R1", ruling.verdict)]
        props += [_verdict("R2", self._judgement.rulings["R2"][place].verdict)]
        props += [_prop("border", ruling.border)] if ruling.border else []
        props += [_prop("party", ruling.party)] if ruling.party else []
        return {
            "uuid": self._id("observation", str(place)),
            "description": line(ruling.told.en),
            "props": props,
            "methods": _METHOD.get(ruling.kind, ["TEST"]),
            "collected": _at(self._case),
        }

    def _finding(self, pack: Pack, control: Control) -> Json:
        found = self._rulings.get(control.id, [])
        conservative, relative = (self._judgement.of(control.id, reading) for reading in ("R1", "R2"))
        told = dict.fromkeys(
            f"{_about(ruling)}: {ruling.told.en}" if _about(ruling) else ruling.told.en for _, ruling in found
        )
        finding: Json = {
            "uuid": self._id("finding", control.id),
            "title": line(control.title.en),
            "description": line(" ".join(told)) or _STANDING[conservative],
            "props": [
                _verdict("R1", conservative),
                _verdict("R2", relative),
                _prop("flips", "yes" if conservative is not relative else "no"),
                *_of_control(pack, control),
            ],
            "target": {
                "type": "objective-id",
                "target-id": _target(control.id),
                "status": {
                    "state": "satisfied" if conservative in _SATISFIED else "not-satisfied",
                    "reason": _REASON.get(conservative, "other"),
                    "remarks": _STANDING[conservative],
                },
            },
        }
        if found:
            finding["related-observations"] = [
                {"observation-uuid": self._id("observation", str(place))} for place, _ in found
            ]
        return finding


def _about(ruling: Ruling) -> str:
    """Whose data and which border a ruling is about."""
    return ", ".join(part for part in (ruling.party, ruling.border) if part)


def _of_control(pack: Pack, control: Control) -> Iterator[Json]:
    yield _prop("pack", pack.pack)
    yield _prop("kind", control.kind)
    yield _prop("dated", control.dated.isoformat())
    yield _prop("source-seen", "from-memory" if control.seen == "M" else "seen")


def _verdict(reading: str, verdict: Verdict) -> Json:
    return {**_prop("verdict", verdict.value), "class": reading.lower()}


def _prop(name: str, value: str) -> Json:
    return {"name": name, "ns": NAMESPACE, "value": value}


def _target(name: str) -> str:
    return f"{name.lower()}_obj"


def _at(case: Case) -> str:
    return f"{case.date.isoformat()}T00:00:00+00:00"
