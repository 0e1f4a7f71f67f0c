"""A scenario by real processes: judged as a plan, played across its borders, packed, and judged as a run.

`staging` does the same in one process. What is told beside: how long the round took at each latency, and a
signed file with case, judgement and every role's evidence that another machine can judge again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.border.links import Conditions, across
from benchmarks.border.papers import Setting
from benchmarks.border.playing import Played, trusted
from benchmarks.border.processes import PlayedInProcesses, measured, running
from benchmarks.border.results import Link, Scenario
from benchmarks.border.staging import Prepared, Ran, prepared, ran, refused, settled, told
from benchmarks.progress import Say, silent
from federation import files
from federation.compliance.attestation import Attestation, sealed
from federation.compliance.facts import Case, Shown
from federation.compliance.judging import judge
from federation.compliance.packing import Sources, build, read
from federation.compliance.rederiving import rederived
from federation.governance.manifest import Evidence
from federation.ids import AGGREGATOR
from federation.ledger.archive import archived
from parties.sandbox.founding import Sandbox


def crossed(
    setting: Setting, seed: int, folder: Path, far: Sequence[Conditions], say: Say = silent
) -> tuple[Scenario, Path | None]:
    """The scenario refused, or played by processes below `folder`; and the file that it was packed into.

    far: what its borders are like, one round for each, all in one federation. The last round is the one
    that is judged and packed. None where the plan was refused: then there is no evidence to pack.
    """
    plan = prepared(setting, seed, folder / "papers")
    if plan.stops:
        return refused(plan), None
    sandbox = settled(plan, folder / "federation")
    played, links = _played(plan, sandbox, far, say)
    run, sources = packed_in(plan, played, "pass")
    scenario = told(plan, run)
    file = folder / f"{setting.id}.zip"
    files.write(file, build(sources))
    again = rederived(read(file))
    if not again.same:
        first = again.differences[0]
        problem = f"judged again from its pack it is otherwise: {first.told}"
        scenario = replace(scenario, as_expected=False, why=f"{scenario.why}; {problem}", verified=False)
    return replace(scenario, links=links), file


def _played(
    plan: Prepared, sandbox: Sandbox, far: Sequence[Conditions], say: Say
) -> tuple[PlayedInProcesses, tuple[Link, ...]]:
    """One round for each of `far`; of one that fails the error is in what was played, and none follows."""
    first, *others = far or (Conditions(),)
    with running(sandbox, across(plan.case, first), say=say) as federation:
        if others:  # What processes do once, such as joining, would count for the first of the latencies.
            say("playing a round that is not measured")
            federation.play()
        played, link = measured(federation, across(plan.case, first), first, say)
        links = [link]
        for each in others:
            if link is None:
                break
            played, link = measured(federation, across(plan.case, each), each, say)
            links.append(link)
    return played, tuple(each for each in links if each is not None)


def packed_in(plan: Prepared, played: Played, channel: Shown = "unknown") -> tuple[Ran, Sources]:
    """A played round's evidence, verified, what it shows, and what goes into its file.

    channel: "pass" after a run through a capture, which takes no connection that is not mutual TLS (and gRPC
    none below 1.2).
    """
    sandbox = played.sandbox
    run = ran(plan, sandbox, player=lambda _: played, channel=channel)
    source = Sources(
        sandbox.coordinator.identity(),
        AGGREGATOR,
        dt.datetime.now(dt.UTC),
        run.case,
        judge(run.case),
        {role: archived(each.files) for role, each in run.packs.items()},
        {str(role): seen for role, seen in played.frames.items()},
        trusted(sandbox),
        channel,
        _envelopes(run.case, sandbox),
    )
    return run, source


def _envelopes(case: Case, sandbox: Sandbox) -> dict[str, bytes]:
    """The statements of the case, signed by who makes them, for the plan that was played."""
    signers = {str(name): home.identity() for name, home in sandbox.parties.items()}
    signers[AGGREGATOR] = sandbox.coordinator.identity()
    return {
        f"{number:04}": sealed(
            Attestation(
                control=each.control,
                party=each.party,
                office=each.office,
                about=sandbox.plan.digest.hex(),
                covers=each.covers,
                dated=each.dated,
                valid_until=each.valid_until,
                document=Evidence(title=f"{each.control} of {each.party}", sha256=each.document),
            ),
            signers[each.party],
        )
        for number, each in enumerate(case.statements)
    }
