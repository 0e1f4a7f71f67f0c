"""One scenario: its plan judged, then refused or played, its evidence verified, and the run judged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.border.firms import Case as Firms
from benchmarks.border.papers import DATE, Setting, case, grant, signed
from benchmarks.border.playing import GRANT, Played, founded, play, trusted
from benchmarks.border.results import Scenario
from federation import files
from federation.compliance.facts import Case, Shown
from federation.compliance.gathering import observed
from federation.compliance.judging import judge
from federation.compliance.processing import RECORD, record
from federation.compliance.verdicts import Judgement, Verdict
from federation.errors import EgressRefused, GrantRefused
from federation.governance.manifest import Manifest
from federation.ids import PartyId
from federation.ledger.findings import Report, State
from federation.ledger.pack import Pack
from federation.ledger.reading import Reading
from federation.ledger.verify import verify
from parties.governance.inspect.drafting import document
from parties.governance.shelf import Shelf
from parties.sandbox.founding import Sandbox

#: Checks that a run without an end leaves undecided: nobody co-signs an end that did not come.
_OF_THE_END = frozenset({"cosigned"})
#: What happens meanwhile, with the sandbox that the run is played in.
Meanwhile = AbstractContextManager[object]
#: Plays a sandbox's plan to its end.
Player = Callable[[Sandbox], Played]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scenario's plan as papers have it, and what the rules say of it before anything is sent."""

    setting: Setting
    firms: Firms
    manifests: Mapping[PartyId, Manifest]
    case: Case
    judgement: Judgement

    @property
    def stops(self) -> tuple[str, ...]:
        """Controls for which the run is refused. Those of the evidence (T-) are for the run to show."""
        return tuple(each for each in self.judgement.failed() if not each.startswith("T-"))


@dataclass(frozen=True, slots=True)
class Ran:
    """A run that was played, and its evidence."""

    played: Played
    report: Report
    readings: tuple[Reading, ...]
    case: Case
    packs: Mapping[str, Pack]


def prepared(setting: Setting, seed: int, folder: Path) -> Prepared:
    """The plan judged. Tables are written below `folder`."""
    found, firms, manifests = case(setting, seed, folder)
    return Prepared(setting, firms, manifests, found, judge(found))


def staged(setting: Setting, seed: int, folder: Path, player: Player = play) -> Scenario:
    """The scenario refused, or played to its end below `folder`, and judged.

    player: who plays the round: this process, or processes of the roles' own.
    """
    plan = prepared(setting, seed, folder / "papers")
    if plan.stops:
        return refused(plan)
    sandbox = settled(plan, folder / "federation")
    return told(plan, ran(plan, sandbox, player=player))


def refused(plan: Prepared) -> Scenario:
    """What is told of a run that did not begin: nobody was sent an order, so nothing can have left."""
    right = set(plan.judgement.failed()) == set(plan.setting.expected)
    first = next(each for each in (*plan.setting.expected, *plan.stops) if each in plan.stops)
    why = f"refused before anything left, for {', '.join(plan.stops)}"
    return Scenario(
        plan.setting.id,
        plan.setting.title,
        plan.setting.about,
        plan.setting.expected,
        plan.case,
        plan.judgement,
        as_expected=right,
        why=why if right else f"{why}; expected {', '.join(plan.setting.expected) or 'no refusal'}",
        refused=f"preflight: {first}",
    )


def settled(plan: Prepared, folder: Path) -> Sandbox:
    """The federation of the scenario, with its own manifests and grants signed as from today."""
    sandbox = founded(plan.firms, folder)
    now = dt.datetime.now(dt.UTC)
    for name, home in sandbox.parties.items():
        shelf, said = Shelf(home), plan.manifests[name]
        drawn = shelf.grant(GRANT).grant
        files.write(shelf.manifest_file(said.dataset.id), document(said, now).encode())
        (shelf.folder / "grants" / f"{GRANT}.dsse.json").unlink()
        shelf.put(
            grant(
                plan.setting,
                plan.firms,
                said,
                {str(to): recipient.fingerprint for to, recipient in drawn.to.items()},
                federation=drawn.federation,
                later=now.date() - DATE,
            )
        )
    return sandbox


def ran(
    plan: Prepared,
    sandbox: Sandbox,
    meanwhile: Meanwhile | None = None,
    player: Player = play,
    channel: Shown = "unknown",
) -> Ran:
    """The round played, its packs verified, and what they show. `channel`: as `observed` is told."""
    with meanwhile or nullcontext():
        played = player(sandbox)
    packs = played.packs()
    report = verify(list(packs.values()), trusted(sandbox))
    readings = tuple(Reading(pack) for pack in packs.values())
    captured = {role: played.reconciled(PartyId(role)) for role in packs}
    found = recorded(observed(plan.case, report, readings, reconciled=captured, channel=channel))
    found = signed(found, plan.setting.unsigned)
    return Ran(played, report, readings, found, packs)


def recorded(found: Case) -> Case:
    """The case with the record of processing that is generated for it (GDPR article 30)."""
    return found.model_copy(update={"files": {**found.files, RECORD: record(found).digest}})


def told(plan: Prepared, run: Ran) -> Scenario:
    """What is told of a run that was played to its end."""
    judgement = judge(run.case)
    failed, whole = judgement.failed(), run.report.state is State.PASS
    problems = []
    if run.played.cause is not None:
        problems.append(f"the run ended: {run.played.cause.cause}")
    if not whole:
        first = run.report.first
        problems.append(f"the evidence does not verify: {first.outcome.told if first else 'undecided'}")
    if set(failed) != set(plan.setting.expected):
        problems.append(f"failed are {', '.join(failed) or 'none'}")
    problems += [f"{name} waits for nobody" for name in _not_waiting(plan.setting, judgement)]
    done = "played to its end; the evidence verifies"
    return Scenario(
        plan.setting.id,
        plan.setting.title,
        plan.setting.about,
        plan.setting.expected,
        run.case,
        judgement,
        as_expected=not problems,
        why="; ".join(problems) or done,
        packs={role: pack.name for role, pack in run.packs.items()},
        verified=whole,
    )


def stopped(plan: Prepared, run: Ran, after: int, owner: str) -> Scenario:
    """What is told of a run that its owner's papers stopped in the middle. `after`: rounds begun since."""
    cause = run.played.errors.get(PartyId(owner))
    rule = cause.rule if isinstance(cause, (EgressRefused, GrantRefused)) else ""
    ended = told(plan, run)
    problems = [] if rule == "G-EXPIRED" else [f"not stopped by G-EXPIRED but {rule or 'nobody'}"]
    problems += [] if after <= 1 else [f"{after} rounds began after it"]
    open_ends = {check.id for check in run.report.checks if check.state is State.UNKNOWN}
    whole = run.report.state is not State.FAIL and open_ends <= _OF_THE_END
    problems += [] if whole else [ended.why]
    right = set(ended.judgement.failed()) == set(plan.setting.expected)
    problems += [] if right else [f"failed are {', '.join(ended.judgement.failed())}"]
    done = f"stopped by {owner} within one round; what had left until then is whole in the evidence"
    return replace(
        ended,
        as_expected=not problems,
        why="; ".join(problems) or done,
        refused=f"{owner}: {rule}",
        verified=whole,
    )


def _not_waiting(setting: Setting, judgement: Judgement) -> list[str]:
    """Controls that nobody signed and that do not wait to be signed all the same."""
    waits = Verdict.NEEDS_ATTESTATION
    return [name for name in setting.unsigned if judgement.of(name) is not waits]
