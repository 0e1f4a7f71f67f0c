"""The lineage of a run as PROV-JSON (W3C member submission of 24 April 2013), from packs that verify.

    grant <- manifest              a grant rests on one version of the manifest (wasDerivedFrom)
    attempt <- plan, grants        an attempt at the run at one role used them (used, wasAssociatedWith)
    messages <- attempt            what left, by type and recipient: how many, how many bytes (wasGeneratedBy)
    model part <- attempt          the part of the model that the attempt left here
    scores <- scoring <- model     rows were scored with it; never a row or a score

That a message was sealed for a recipient is in the pack; that it was used there is not, so it is an attribute
and no relation. Times and digests are those of the ledger.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from crypto.codes import Code
from crypto.errors import Refusal
from federation.governance import signing
from federation.ids import AGGREGATOR
from federation.ledger.archive import STATEMENT
from federation.ledger.exports.drawing import Drawing, Json, at, moment, named, time
from federation.ledger.exports.names import NAMESPACE, checked
from federation.ledger.findings import Report, State
from federation.ledger.lines import Attempt, Logged
from federation.ledger.reading import Reading


def lineage(readings: Sequence[Reading], report: Report) -> Json:
    """The PROV-JSON document of the packs of one run; `report` is their verification.

    Raises `Refusal` where it failed: a lineage of altered evidence would be believed.
    """
    first = report.first
    if report.state is State.FAIL and first is not None:
        raise Refusal(
            f"the pack does not verify ({first.outcome.told}), so no lineage was drawn from it",
            file=report.packs.get(first.party),
            advice="See what is wrong: `isthmus ledger verify PACK`. Its findings can be exported as OSCAL.",
            code=Code.PACK_REFUSED,
        )
    pack = readings[0].pack
    federation = checked(pack.statement.federation, "federation", pack.name)
    run = checked(pack.run, "run", pack.name)
    drawn = Drawing(
        {"isthmus": NAMESPACE, "run": f"https://isthmus.invalid/{federation}/{run}/"}, report.state.value
    )
    for reading in readings:
        _draw(drawn, reading)
    return drawn.document()


def _draw(drawn: Drawing, reading: Reading) -> None:
    party = checked(reading.pack.party, "party", reading.pack.name)
    for name, seat in reading.members.items():
        what = "isthmus:Aggregator" if name == AGGREGATOR else "prov:Organization"
        place = {"isthmus_place": seat.place} if seat.place else {}
        checked(name, "member", reading.pack.name)
        drawn.add("agent", f"role/{name}", name, prov_type=named(what), **place)
    _evidence(drawn, reading, party)
    grants = _grants(drawn, reading, party)
    plan = _plan(drawn, reading)
    model: str | None = None
    for attempt in reading.attempts:
        model = _attempt(drawn, reading, attempt, plan, grants) or model
    for entry in reading.entries:
        if entry.run == reading.pack.run and entry.kind in ("score", "export"):
            _later_use(drawn, party, entry, model)


def _evidence(drawn: Drawing, reading: Reading, party: str) -> None:
    """The pack itself, and the program that the party ran."""
    pack, agent = reading.pack, f"run:role/{party}"
    drawn.add(
        "entity",
        f"{party}/pack",
        f"Evidence pack of {party}",
        prov_type=named("isthmus:EvidencePack"),
        isthmus_statementSha256=hashlib.sha256(pack.files[STATEMENT]).hexdigest(),
        isthmus_entries=reading.tree.size,
        isthmus_root=reading.tree.root().hex(),
        isthmus_verification=drawn.state,
    )
    drawn.relate("wasAttributedTo", prov_entity=f"run:{party}/pack", prov_agent=agent)
    version = checked(pack.statement.software.get("isthmus", "unknown"), "version", pack.name)
    program = drawn.add(
        "agent",
        f"{party}/program",
        f"Isthmus {version} at {party}",
        prov_type=named("prov:SoftwareAgent"),
        isthmus_version=version,
    )
    drawn.relate("actedOnBehalfOf", prov_delegate=program, prov_responsible=agent)


def _grants(drawn: Drawing, reading: Reading, party: str) -> dict[str, str]:
    """The manifest's digest and the grants on it; grant id -> qualified name."""
    if reading.is_aggregator:
        return {}
    agent = f"run:role/{party}"
    digest = reading.pack.files.get("manifest.sha256", b"").decode("ascii", "replace").strip()
    manifest = drawn.add(
        "entity",
        f"{party}/manifest",
        f"Manifest of {party}'s data",
        prov_type=named("isthmus:Manifest"),
        isthmus_sha256=digest,
    )
    drawn.relate("wasAttributedTo", prov_entity=manifest, prov_agent=agent)
    found = {}
    for envelope in reading.pack.under("grants").values():
        grant = signing.opened_grant(envelope, reading.known[reading.pack.party])
        found[grant.id] = name = drawn.add(
            "entity",
            f"{party}/grant/{grant.id}",
            f"Grant {grant.id} of {party}, for {grant.purpose}",
            prov_type=named("isthmus:Grant"),
            isthmus_sha256=signing.digest(envelope),
            isthmus_purpose=grant.purpose,
            isthmus_operations=", ".join(each.value for each in grant.operations),
            isthmus_validFrom=time(f"{grant.valid_from:%Y-%m-%dT%H:%M:%SZ}"),
            isthmus_validUntil=time(f"{grant.valid_until:%Y-%m-%dT%H:%M:%SZ}"),
        )
        drawn.relate("wasAttributedTo", prov_entity=name, prov_agent=agent)
        drawn.relate("wasDerivedFrom", prov_generatedEntity=name, prov_usedEntity=manifest)
    for entry in reading.entries:
        if entry.kind == "revocation" and entry.fields["grant"] in found:
            _revocation(drawn, party, entry, found[str(entry.fields["grant"])])
    return found


def _revocation(drawn: Drawing, party: str, entry: Logged, grant: str) -> None:
    name = drawn.add(
        "activity",
        f"{party}/revocation/{entry.fields['grant']}",
        f"{party} takes the grant back",
        prov_startTime=moment(entry),
        prov_endTime=moment(entry),
        prov_type=named("isthmus:Revocation"),
    )
    drawn.relate("wasInvalidatedBy", prov_entity=grant, prov_activity=name, prov_time=moment(entry))
    drawn.relate("wasAssociatedWith", prov_activity=name, prov_agent=f"run:role/{party}")


def _plan(drawn: Drawing, reading: Reading) -> str:
    digest = hashlib.sha256(reading.pack.files["plan.json"]).hexdigest()
    return drawn.add(
        "entity",
        f"plan/{digest[:16]}",
        "Plan of the run",
        prov_type=[named("prov:Plan"), named("isthmus:Plan")],
        isthmus_sha256=digest,
        isthmus_purpose=checked(str(reading.plan.get("purpose")), "purpose", reading.pack.name),
    )


def _attempt(
    drawn: Drawing, reading: Reading, attempt: Attempt, plan: str, grants: Mapping[str, str]
) -> str | None:
    """One attempt at one role, its rounds and what came of it; the model part's name where there is one."""
    party, agent = reading.pack.party, f"run:role/{reading.pack.party}"
    state = "" if attempt.close is None else str(attempt.close.fields["state"])
    begun = {} if attempt.plan is None else {"prov_startTime": moment(attempt.plan)}
    ended = {} if attempt.close is None else {"prov_endTime": moment(attempt.close)}
    name = drawn.add(
        "activity",
        f"{party}/attempt/{attempt.number}",
        f"Attempt {attempt.number} at the run, at {party}",
        **begun,
        **ended,
        prov_type=named("isthmus:Attempt"),
        isthmus_state=state or "not ended",
    )
    drawn.relate("wasAssociatedWith", prov_activity=name, prov_agent=agent, prov_plan=plan)
    used = [] if attempt.plan is None else attempt.plan.fields["grants"]
    for entity in (plan, *(grants[each] for each in used if each in grants)):
        drawn.relate("used", prov_activity=name, prov_entity=entity, **at(attempt.plan))
    _rounds(drawn, party, attempt, name)
    _messages(drawn, reading, attempt, name)
    model: str | None = None
    for entry in attempt.of("model"):
        model = drawn.add(
            "entity",
            f"{party}/model/{entry.fields['sha256'][:16]}",
            f"{party}'s part of the model",
            prov_type=named("isthmus:ModelPart"),
            isthmus_sha256=entry.fields["sha256"],
        )
        drawn.relate("wasGeneratedBy", prov_entity=model, prov_activity=name, **at(entry))
        drawn.relate("wasAttributedTo", prov_entity=model, prov_agent=agent)
    return model


def _rounds(drawn: Drawing, party: str, attempt: Attempt, whole: str) -> None:
    """Each training round: it ended when its entry was written, and how much of the guard log it left."""
    before: str | None = None
    for entry in attempt.of("round"):
        number = entry.fields["number"]
        name = drawn.add(
            "activity",
            f"{party}/attempt/{attempt.number}/round/{number}",
            f"Training round {number} at {party}",
            prov_endTime=moment(entry),
            prov_type=named("isthmus:TrainingRound"),
            isthmus_partOf=named(whole),
            isthmus_messagesSoFar=entry.fields["lines"],
            isthmus_guardRoot=entry.fields["root"],
        )
        if before is not None:
            drawn.relate("wasInformedBy", prov_informed=name, prov_informant=before)
        before = name


def _messages(drawn: Drawing, reading: Reading, attempt: Attempt, whole: str) -> None:
    """What left in one attempt, by type, form and recipient: how many messages, how many bytes sealed."""
    party = reading.pack.party
    counts: Counter[tuple[str, str, str]] = Counter()
    sizes: Counter[tuple[str, str, str]] = Counter()
    for frame in reading.sent[attempt.number]:
        form = str(frame.fields.get("form", ""))
        for part in (frame.to, *frame.type.split("/"), form or "none"):
            checked(part, "guard log", reading.pack.name)
        counts[frame.to, frame.type, form] += 1
        sizes[frame.to, frame.type, form] += frame.size
    for to, kind, form in sorted(counts):
        name = drawn.add(
            "entity",
            f"{party}/attempt/{attempt.number}/sent/{to}/{kind}" + (f"/{form}" if form else ""),
            f"{kind} from {party} to {to}",
            prov_type=named("isthmus:Messages"),
            isthmus_sealedFor=named(f"run:role/{to}"),
            isthmus_form=form,
            isthmus_messages=counts[to, kind, form],
            isthmus_bytes=sizes[to, kind, form],
        )
        drawn.relate("wasGeneratedBy", prov_entity=name, prov_activity=whole)
        drawn.relate("wasAttributedTo", prov_entity=name, prov_agent=f"run:role/{party}")


def _later_use(drawn: Drawing, party: str, entry: Logged, model: str | None) -> None:
    """Scoring or exporting, after the run, with the newest model part that the pack has."""
    digest = str(entry.fields["sha256"])
    is_score = entry.kind == "score"
    activity = drawn.add(
        "activity",
        f"{party}/{entry.kind}/{entry.index}",
        f"{party} {'scores rows' if is_score else 'writes something of the model out'}",
        prov_endTime=moment(entry),
        prov_type=named("isthmus:Scoring" if is_score else "isthmus:Export"),
    )
    facts: Json = (
        {"isthmus_rows": entry.fields["rows"]} if is_score else {"isthmus_what": entry.fields["what"]}
    )
    made = drawn.add(
        "entity",
        f"{party}/{entry.kind}/{entry.index}/{digest[:16]}",
        f"{'Scores' if is_score else 'Export'} at {party}",
        prov_type=named("isthmus:Scores" if is_score else "isthmus:ExportedModel"),
        isthmus_sha256=digest,
        **facts,
    )
    drawn.relate("wasGeneratedBy", prov_entity=made, prov_activity=activity, **at(entry))
    drawn.relate("wasAssociatedWith", prov_activity=activity, prov_agent=f"run:role/{party}")
    if model is not None:
        drawn.relate("used", prov_activity=activity, prov_entity=model)
