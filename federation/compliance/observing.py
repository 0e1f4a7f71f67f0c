"""What the evidence of a run shows, added to the facts of its plan.

A control passes here only where the packs show it. What a pack cannot show stays `unknown` (somebody would
have to look elsewhere), and what no plan of this kind has is not applicable. Leakage is for attacks to show.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from crypto import dsse
from federation.compliance.facts import Case, Flow, Shown
from federation.compliance.flowing import ANSWERS, MASKED, opened
from federation.governance.grant import GRANT_TYPE
from federation.governance.terms import Form
from federation.ids import AGGREGATOR
from federation.ledger.exports.attestations import LOOKED_AT_BY
from federation.ledger.findings import Report, State
from federation.ledger.reading import Reading
from federation.plan import Plan
from federation.plan import parse as parse_plan
from federation.transport.capture import Reconciled

#: Control -> the checks of `federation.ledger.verify` that show it, beside those of the guard's own rules.
SHOWN_BY: Mapping[str, tuple[str, ...]] = {
    **{control: checks for control, checks in LOOKED_AT_BY.items() if checks},
    "G-REPLAY": ("policy", "ground", "verdicts"),
}
_WORST: tuple[Shown, ...] = ("fail", "unknown", "missing", "pass")
#: The most gradient equations for each row (control T-EQUATIONS; `federation.budget`).
_EQUATIONS = 0.02


def observed(
    case: Case,
    report: Report,
    readings: Sequence[Reading],
    *,
    reconciled: Mapping[str, Reconciled] | None = None,
    channel: Shown = "unknown",
) -> Case:
    """The case of the run: the plan's facts, how each control stands to the evidence, and what really went.

    report: of the same packs. reconciled: sender -> guard log against capture, where somebody captured.
    channel: whether every session was mutual TLS 1.2 or later, which no pack shows.
    """
    plan = parse_plan(readings[0].pack.files["plan.json"])
    states = _states(report)
    checks = {control: _joined(states, names) for control, names in SHOWN_BY.items()}
    checks |= {
        "T-EGRESS-RECONCILE": _reconciled(readings, reconciled),
        "T-KEY-LOC": _keys_at_home(case, readings, checks),
        "T-KEY-THRESH": worst([_split(case, readings), checks["T-EGRESS-TYPE"]]),
        "T-CRYPTO-STRENGTH": worst(
            [checks["T-EGRESS-CANON"], _joined(states, ("signature", "checkpoints")), channel]
        ),
        "T-CKKS-RELEASE": _ckks(plan),
        "T-COHORT": _cohort(case, plan, states),
        "T-EQUATIONS": _equations(plan, states),
        "T-DP": (
            _limited(readings, "max_epsilon", states) if plan.privacy.unit != "none" else "not-applicable"
        ),
        "T-PSI-RUNS": (
            _limited(readings, "max_psi_runs", states) if plan.shape != "horizontal" else "not-applicable"
        ),
    }
    return case.model_copy(update={"stage": "run", "checks": checks, "flows": sent(case, readings)})


def sent(case: Case, readings: Iterable[Reading]) -> tuple[Flow, ...]:
    """What left, from the guard logs: messages and bytes of each way, as `flowing.flows` divides them."""
    forms: dict[tuple[str, str, tuple[str, ...], bool], set[Form]] = {}
    counted: dict[tuple[str, str, tuple[str, ...], bool], list[int]] = {}
    everybody = tuple(sorted(case.data))
    for reading in readings:
        sender = reading.pack.party
        for frame in reading.frames:
            form = Form(frame.fields["form"] or Form.CONTROL.value)
            of = () if form is Form.CONTROL else everybody if sender == AGGREGATOR else (sender,)
            key = (sender, frame.to, of, opened(frame.type, form))
            forms.setdefault(key, set()).add(form)
            counted.setdefault(key, []).append(frame.size)
    return tuple(
        Flow(
            sender=sender,
            receiver=receiver,
            forms=tuple(form for form in Form if form in forms[key]),
            of=of,
            opened=readable,
            messages=len(counted[key]),
            bytes=sum(counted[key]),
        )
        for key in sorted(forms)
        for sender, receiver, of, readable in [key]
    )


def worst(shown: Iterable[Shown]) -> Shown:
    """Of several states the one that stands for all; not applicable where none says anything."""
    found = set(shown)
    return next((state for state in _WORST if state in found), "not-applicable")


def _states(report: Report) -> Mapping[str, list[State]]:
    states: dict[str, list[State]] = {}
    for check in report.checks:
        states.setdefault(check.id, []).append(check.state)
    return states


def _joined(states: Mapping[str, list[State]], names: Iterable[str]) -> Shown:
    """How some checks ended over all packs; missing where one of them was not made."""
    found: list[Shown] = []
    for name in names:
        found += [state.value for state in states[name]] if name in states else ["missing"]
    return worst(found)


def _reconciled(readings: Sequence[Reading], reconciled: Mapping[str, Reconciled] | None) -> Shown:
    """Guard log against capture, of every sender; unknown where one was not captured."""
    if reconciled is None:
        return "unknown"
    if not all(each.agrees for each in reconciled.values()):
        return "fail"
    return "pass" if {reading.pack.party for reading in readings} <= {*reconciled} else "unknown"


def _keys_at_home(case: Case, readings: Sequence[Reading], checks: Mapping[str, Shown]) -> Shown:
    """No message is a secret key (the guard parses each), and holders are where they declared their keys."""
    places = {name: seat.place for reading in readings for name, seat in reading.members.items()}
    for name, party in case.parties.items():
        here = {party.jurisdiction, places.get(name) or party.jurisdiction}
        if party.opens and name in case.data and here - {*case.data[name].keys}:
            return "fail"
    return worst([checks["T-EGRESS-TYPE"], checks["T-EGRESS-CANON"]])


def _split(case: Case, readings: Sequence[Reading]) -> Shown:
    """Who is outside the label holder's border is answered under its key only with every slot masked."""
    homes = {party.jurisdiction for party in case.of_seat("label").values()}
    if not homes:
        return "pass"  # Sums of members: masks hide each upload, also from who has the group's key.
    for reading in readings:
        for frame in reading.frames:
            alone = frame.type in ANSWERS - MASKED
            if alone and frame.to in case.parties and case.parties[frame.to].jurisdiction not in homes:
                return "fail"
    return "pass"


def _ckks(plan: Plan) -> Shown:
    """No plan but a sum under CKKS decrypts approximate numbers at all."""
    shared = plan.shape != "vertical" and plan.sum.protection == "ckks"
    return "unknown" if shared else "not-applicable"


def _cohort(case: Case, plan: Plan, states: Mapping[str, list[State]]) -> Shown:
    """The fewest rows that a sum of training can be over, where the plan's own figures say it.

    Of trees, bins and evaluations in parts a pack does not tell the rows of each.
    """
    if plan.shape != "vertical" or plan.model.kind != "logistic":
        return "unknown"
    fewest = int(plan.alignment.minimum_intersection * (1 - plan.split.test_share))
    if fewest < max((data.min_cohort for data in case.data.values()), default=0):
        return "fail"
    return _joined(states, ("plan",))


def _equations(plan: Plan, states: Mapping[str, list[State]]) -> Shown:
    """Vertical fits use all rows in every step, so the plan's limit bounds them; each party refuses more."""
    if plan.shape == "horizontal" or plan.model.kind == "rejects":
        return "not-applicable"
    within = plan.limits.equations_per_row <= _EQUATIONS
    return _joined(states, ("plan", "verdicts")) if within else "fail"


def _limited(readings: Sequence[Reading], limit: str, states: Mapping[str, list[State]]) -> Shown:
    """The guard held every message to the grants' limits, and each owner's grants set this one."""
    for reading in readings:
        if reading.is_aggregator:
            continue
        granted = [
            json.loads(dsse.unverified(envelope, GRANT_TYPE))
            for envelope in reading.pack.under("grants").values()
        ]
        if not granted or any(grant["limits"].get(limit) is None for grant in granted):
            return "unknown"
    return _joined(states, ("grants", "plan", "verdicts"))
