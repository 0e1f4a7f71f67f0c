"""A judged run judged again: from its evidence, by the rules that are installed here. Offline, without keys.

Every difference between what the file says and what comes out here is named. What the evidence has is
taken from it, not from the case: purpose, seats, places and flows, papers from the grants, statements from
their envelopes. What the papers tell of data, of days and of persons abroad, what attacks found, and the
day that the case is judged as of are the maker's word, and the reader is told so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from crypto import dsse
from crypto.errors import IsthmusError
from crypto.identity import PublicIdentity, normal_fingerprint
from federation.compliance.attestation import Trust, statements
from federation.compliance.catalogue import Catalogue, catalogue
from federation.compliance.facts import Case, Paper, Statement
from federation.compliance.gathering import observed, papers_of, seats
from federation.compliance.judging import judge
from federation.compliance.packing import BORDER_TYPE, JUDGEMENT, STATEMENT, BorderPack
from federation.compliance.verdicts import Judgement
from federation.governance.grant import GRANT_TYPE, Grant
from federation.ids import PartyId
from federation.journal import Entry
from federation.ledger.findings import Report, State
from federation.ledger.pack import Pack
from federation.ledger.reading import Reading
from federation.ledger.verify import verify
from federation.plan import parse as parse_plan
from federation.transport.capture import Reconciled, reconcile

#: Where a difference is: maker's signature, files, a role's evidence, the facts, the rules, a verdict.
Where = Literal["signature", "contents", "evidence", "case", "rules", "verdict"]
_NONE = "not there"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is otherwise here than in the file. Of a verdict: under which reading it was asked."""

    where: Where
    told: str
    control: str = ""
    border: str = ""
    party: str = ""
    reading: str = ""
    stored: str = ""
    derived: str = ""

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rederived:
    """What the file comes to here. report: of the roles' packs; None where the file has none.

    date: the day that it is judged as of, which the maker says. ran_on: the day of the run, by its logs.
    """

    name: str
    stage: str
    date: str
    ran_on: str
    by: str
    fingerprint: str
    uncompared: Mapping[str, str]  # role -> fingerprint, where the reader gave none: the maker's word
    verdicts: Mapping[str, str]
    rules: Mapping[str, str]
    rulings: int
    report: Report | None
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether everything is here as the file has it."""
        return not self.differences

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {
            "case": self.name,
            "stage": self.stage,
            "date": self.date,
            "ran_on": self.ran_on,
            "same": self.same,
            "by": self.by,
            "fingerprint": self.fingerprint,
            "fingerprints_not_compared": dict(self.uncompared),
            "verdicts": dict(self.verdicts),
            "rules": dict(self.rules),
            "rulings": self.rulings,
            "evidence": None if self.report is None else self.report.to_json(),
            "differences": [each.to_json() for each in self.differences],
        }


def rederived(
    pack: BorderPack, trusted: Mapping[str, str] | None = None, rules: Catalogue | None = None
) -> Rederived:
    """Check the file and judge its case again. `trusted`: name -> fingerprint, compared by the reader.

    Raises `UsageError` for inner packs that do not belong together. rules: the shipped ones, unless given.
    """
    said = pack.statement
    told = {name: normal_fingerprint(text) for name, text in (trusted or {}).items()}
    keys = {**_normal(said.trusted), **told}
    differences = [*_signature(pack, keys), *_contents(pack), *_other_keys(pack, told)]
    report, case = None, pack.case
    if pack.packs:
        report = verify(pack.packs, {name: key for name, key in keys.items() if _is_member(pack, name)})
        differences += [*_evidence(report)]
        try:
            case = _observed(pack, _planned(pack), report)
        except (IsthmusError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            differences.append(
                Difference("evidence", "the facts of the run cannot be read from the evidence")
            )
        differences += _missing(pack, case)
    elif case.stage == "run":
        differences.append(Difference("evidence", "it tells of a run, and no role's evidence is in it"))
    try:
        case = _stated(case, _signed_statements(pack, keys))
    except (IsthmusError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        differences.append(Difference("evidence", "the signed statements in it cannot be read"))
        case = case.model_copy(update={"statements": ()})
    judgement = judge(case, rules)
    differences += [
        *_facts(pack.case, case),
        *_rules(pack, judgement.packs),
        *_verdicts(pack, judgement, (catalogue() if rules is None else rules)),
    ]
    verdicts = judgement.to_json()["verdicts"]
    key = PublicIdentity(bytes.fromhex(said.key))
    return Rederived(
        case.name,
        case.stage,
        case.date.isoformat(),
        _ran_on(pack),
        said.by,
        key.fingerprint,
        {name: text for name, text in {**said.trusted, said.by: key.fingerprint}.items() if name not in told},
        verdicts,
        judgement.packs,
        sum(map(len, judgement.rulings.values())),
        report,
        tuple(differences),
    )


def _normal(table: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, text in table.items():
        try:
            found[name] = normal_fingerprint(text)
        except IsthmusError:
            found[name] = ""
    return found


def _is_member(pack: BorderPack, name: str) -> bool:
    try:
        return any(name in Reading(each).members for each in pack.packs)
    except IsthmusError:
        return True


def _signature(pack: BorderPack, keys: Mapping[str, str]) -> Iterator[Difference]:
    said = pack.statement
    key = PublicIdentity(bytes.fromhex(said.key))
    try:
        dsse.unseal(pack.files[STATEMENT], BORDER_TYPE, key)
    except IsthmusError as error:
        yield Difference("signature", f"{STATEMENT}: {error.what}", party=said.by)
    if keys.get(said.by, key.fingerprint) != key.fingerprint:
        yield Difference(
            "signature",
            "it is signed with another key than the maker's",
            party=said.by,
            stored=key.fingerprint,
            derived=keys[said.by],
        )
    for each in pack.packs:
        try:
            seat = Reading(each).members.get(said.by)
        except IsthmusError:
            continue  # The evidence's own check says so.
        if seat is None or seat.identity != key:
            yield Difference(
                "signature", f"the maker's key is not the one that {each.name} has", party=said.by
            )


def _other_keys(pack: BorderPack, told: Mapping[str, str]) -> Iterator[Difference]:
    """Fingerprints that the reader compared, and the file has otherwise."""
    for name, key in _normal(pack.statement.trusted).items():
        if told.get(name, key) != key:
            yield Difference(
                "signature",
                "the evidence was verified under another key than the one that was compared",
                party=name,
                stored=key,
                derived=told[name],
            )


def _contents(pack: BorderPack) -> Iterator[Difference]:
    there = {name: hashlib.sha256(data).hexdigest() for name, data in pack.files.items() if name != STATEMENT}
    for name in sorted({*there, *pack.statement.files}):
        stored, found = pack.statement.files.get(name, _NONE), there.get(name, _NONE)
        if stored != found:
            yield Difference("contents", f"{name} is not what the maker signed", stored=stored, derived=found)
    if pack.statement.case != pack.case.digest:
        yield Difference(
            "contents",
            "case.json is not the case that the maker signed",
            stored=pack.statement.case,
            derived=pack.case.digest,
        )


def _missing(pack: BorderPack, case: Case) -> Iterator[Difference]:
    """Roles of the run whose evidence is not in the file. Witnesses write none; the plan says who is one."""
    there = {each.party for each in pack.packs}
    for name, party in case.parties.items():
        if party.seat != "witness" and name not in there:
            yield Difference("evidence", "the evidence of this role is not in it", party=name)


def _evidence(report: Report) -> Iterator[Difference]:
    for check in report.checks:
        if check.state in (State.FAIL, State.UNKNOWN):
            yield Difference(
                "evidence",
                f"{check.title}: {check.outcome.told}",
                control=check.id,
                party=check.party,
                stored="pass",
                derived=check.state.value,
            )


def _planned(pack: BorderPack) -> Case:
    """The case with what the signed plan and the members' places have otherwise. Witnesses are in neither."""
    reading, said = Reading(pack.packs[0]), pack.case
    plan = parse_plan(pack.packs[0].files["plan.json"])
    parties = {name: party.model_copy(update={"seat": "witness"}) for name, party in said.parties.items()}
    for name, seat in seats(plan).items():
        where = reading.members[name].place if name in reading.members else ""
        place = {"jurisdiction": where} if where and where != said.parties[name].jurisdiction else {}
        parties[name] = said.parties[name].model_copy(update={"seat": seat, **place})
    granted = {_way(paper) for each in pack.packs for paper in _granted(each)}
    papers = tuple(paper for paper in said.papers if _way(paper) in granted)
    update = {"purpose": plan.purpose, "shape": plan.shape, "parties": parties, "papers": papers}
    return said.model_copy(update=update)


def _granted(pack: Pack) -> Iterator[Paper]:
    """The papers of the grants that a role's evidence has; that they are signed its own check says."""
    for envelope in pack.under("grants").values():
        yield from papers_of(Grant.model_validate_json(dsse.unverified(envelope, GRANT_TYPE)))


def _way(paper: Paper) -> tuple[str, ...]:
    """What a paper is, but for its days: those of a case go with the day that it is judged as of."""
    mechanism, document = paper.mechanism.value, paper.document or ""
    return (paper.owner, paper.origin, paper.destination, mechanism, document, *paper.names)


def _signed_statements(pack: BorderPack, keys: Mapping[str, str]) -> tuple[Statement, ...]:
    """What persons signed, from the envelopes: sound under keys of the evidence and the maker alone."""
    maker = PublicIdentity(bytes.fromhex(pack.statement.key))
    known = [(pack.statement.by, maker)]
    known += [pair for each in pack.packs for pair in Reading(each).known.items()]
    parties = {name: key for name, key in known if keys.get(name, key.fingerprint) == key.fingerprint}
    about = {parse_plan(each.files["plan.json"]).digest.hex() for each in pack.packs}
    envelopes = [data for name, data in pack.files.items() if name.startswith("attestations/")]
    return statements(envelopes, Trust(parties), about)


def _stated(case: Case, found: tuple[Statement, ...]) -> Case:
    """The case with these statements; as it is where it has the same ones, in whatever order."""
    same = sorted(map(Statement.model_dump_json, case.statements)) == sorted(
        map(Statement.model_dump_json, found)
    )
    return case if same else case.model_copy(update={"statements": found})


def _ran_on(pack: BorderPack) -> str:
    """The day of the run's first entry in any role's log; empty where there is none."""
    try:
        return min(
            (entry.at[:10] for each in pack.packs for a in Reading(each).attempts for entry in a.entries),
            default="",
        )
    except (IsthmusError, ValueError, KeyError, TypeError):
        return ""  # The evidence's own check says what is wrong with the log.


def _observed(pack: BorderPack, case: Case, report: Report) -> Case:
    readings = [Reading(each) for each in pack.packs]
    reconciled = None if pack.frames is None else _reconciled(readings, pack)
    return observed(case, report, readings, reconciled=reconciled, channel=pack.statement.channel)


def _reconciled(readings: list[Reading], pack: BorderPack) -> dict[str, Reconciled]:
    logged = {
        reading.pack.party: [
            Entry(frame.type, PartyId(frame.to), frame.size, str(frame.fields["sha256"]), "")
            for frame in reading.frames
        ]
        for reading in readings
    }
    return {role: reconcile(logged.get(role, []), seen) for role, seen in (pack.frames or {}).items()}


def _facts(stored: Case, derived: Case) -> Iterator[Difference]:
    for control in sorted({*stored.checks, *derived.checks}):
        was, found = stored.checks.get(control, _NONE), derived.checks.get(control, _NONE)
        if was != found:
            yield Difference(
                "case", "the evidence stands otherwise to it", control=control, stored=was, derived=found
            )
    if stored.flows != derived.flows:
        said, logged = _flows(stored), _flows(derived)
        for flow in sorted(said ^ logged):
            there = flow in said
            yield Difference(
                "case",
                "what left is not what the guard logs have",
                stored=flow if there else _NONE,
                derived=_NONE if there else flow,
            )
    for name in sorted({*stored.parties} & {*derived.parties}):
        one, other = stored.parties[name], derived.parties[name]
        for what in ("seat", "jurisdiction"):
            if getattr(one, what) != getattr(other, what):
                yield Difference(
                    "case",
                    f"plan and members have another {what} of it",
                    party=name,
                    stored=getattr(one, what),
                    derived=getattr(other, what),
                )
    for what in ("purpose", "shape"):
        if getattr(stored, what) != getattr(derived, what):
            yield Difference(
                "case",
                f"the plan of the run has another {what}",
                stored=getattr(stored, what),
                derived=getattr(derived, what),
            )
    for paper in stored.papers:
        if paper not in derived.papers:
            yield Difference(
                "case",
                f"no grant in the evidence has such a paper ({paper.mechanism.value})",
                border=f"{paper.origin} -> {paper.destination}",
                party=paper.owner,
                stored=paper.document or _NONE,
                derived=_NONE,
            )
    yield from _statements(stored, derived)
    if stored.stage != derived.stage:
        yield Difference("case", "the case is of another stage", stored=stored.stage, derived=derived.stage)


def _statements(stored: Case, derived: Case) -> Iterator[Difference]:
    """Statements of the case without a signed envelope in the file, and the other way round."""
    for each in stored.statements:
        if each not in derived.statements:
            yield Difference(
                "case",
                "no signed envelope in the file says this statement as the case has it",
                control=each.control,
                party=each.party,
                stored=each.document,
                derived=_NONE,
            )
    for each in derived.statements:
        if each not in stored.statements:
            yield Difference(
                "case",
                "a signed statement in the file is not in the case so",
                control=each.control,
                party=each.party,
                stored=_NONE,
                derived=each.document,
            )


def _flows(case: Case) -> set[str]:
    return {
        json.dumps(flow.model_dump(mode="json"), sort_keys=True, ensure_ascii=False) for flow in case.flows
    }


def _rules(pack: BorderPack, here: Mapping[str, str]) -> Iterator[Difference]:
    stored = pack.judgement.get("packs")
    said = stored if isinstance(stored, dict) else {}
    for name in sorted({*said, *here}):
        was, found = str(said.get(name, _NONE)), here.get(name, _NONE)
        if was != found:
            yield Difference(
                "rules",
                f"the rule pack {name} is another version here: verdicts by it may differ for that alone",
                control=name,
                stored=was,
                derived=found,
            )


def _verdicts(pack: BorderPack, judgement: Judgement, rules: Catalogue) -> Iterator[Difference]:
    """Byte for byte, and where they differ: which control, border and party, under which reading."""
    if pack.files[JUDGEMENT] == judgement.canonical():
        return
    stored, derived, named = _rulings(pack.judgement), _rulings(judgement.to_json()), 0
    order = {control.id: place for place, (_, control) in enumerate(rules)}
    for key in sorted({*stored, *derived}, key=lambda key: (order.get(key[1], len(order)), key)):
        was, found = stored.get(key, [_NONE]), derived.get(key, [_NONE])
        if was != found:
            named += 1
            reading, control, border, party = key
            same_verdict = [each.split("\n")[0] for each in was] == [each.split("\n")[0] for each in found]
            yield Difference(
                "verdict",
                "the same verdict, told otherwise" if same_verdict else "another verdict comes out here",
                control=control,
                border=border,
                party=party,
                reading=reading,
                stored=", ".join(each.split("\n")[0] for each in was),
                derived=", ".join(each.split("\n")[0] for each in found),
            )
    beside = {"rulings", "packs"}
    fresh = judgement.to_json()
    for name in sorted(({*pack.judgement, *fresh}) - beside):
        if pack.judgement.get(name) != fresh.get(name):
            named += 1
            yield Difference(
                "verdict",
                f"{name} of the judgement is otherwise",
                stored=_short(pack.judgement.get(name)),
                derived=_short(fresh.get(name)),
            )
    if not named and pack.judgement.get("packs") == fresh["packs"]:
        yield Difference("verdict", f"{JUDGEMENT} is not in its one byte form")


def _rulings(judgement: Mapping[str, Any]) -> dict[tuple[str, str, str, str], list[str]]:
    """(reading, control, border, party) -> verdicts, each with all that is told of it behind a line's end."""
    found: dict[tuple[str, str, str, str], list[str]] = {}
    try:
        for reading, rulings in judgement["rulings"].items():
            for each in rulings:
                key = (str(reading), str(each["control"]), str(each["border"]), str(each["party"]))
                told = json.dumps(each, sort_keys=True, ensure_ascii=False)
                found.setdefault(key, []).append(f"{each['verdict']}\n{told}")
    except (KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return found


def _short(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)[:200]
