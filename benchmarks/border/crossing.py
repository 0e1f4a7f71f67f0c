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
from benchmarks.border.papers import Setting, signed
from benchmarks.border.playing import trusted
from benchmarks.border.processes import PlayedInProcesses, measured, running
from benchmarks.border.results import Link, Scenario
from benchmarks.border.staging import Prepared, Ran, prepared, refused, settled, told
from benchmarks.progress import Say, silent
from federation import files
from federation.compliance.gathering import observed
from federation.compliance.packing import Sources, build, parse
from federation.compliance.rederiving import Rederived, rederived
from federation.coordinator.packing import packed as packed_by_coordinator
from federation.errors import IsthmusError
from federation.ids import AGGREGATOR, PartyId
from federation.ledger import pack
from federation.ledger.reading import Reading
from federation.ledger.verify import verify
from parties.governance.packing import packed
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
    run, roles = _ran(plan, played)
    scenario = told(plan, run)
    file, again = _packed(folder / f"{setting.id}.zip", sandbox, run, scenario, roles)
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
        played, link = measured(federation, across(plan.case, first), first, say)
        links = [link]
        for each in others:
            if link is None:
                break
            played, link = measured(federation, across(plan.case, each), each, say)
            links.append(link)
    return played, tuple(each for each in links if each is not None)


def _ran(plan: Prepared, played: PlayedInProcesses) -> tuple[Ran, dict[str, bytes]]:
    """The round's evidence, verified, what it shows, and each role's pack."""
    sandbox, now = played.sandbox, dt.datetime.now(dt.UTC)
    roles = {str(name): packed(home, played.run, now) for name, home in sandbox.parties.items()}
    roles[AGGREGATOR] = packed_by_coordinator(sandbox.coordinator, played.run, now)
    packs = [pack.parse(data, f"packs/{role}.zip") for role, data in sorted(roles.items())]
    report = verify(packs, trusted(sandbox))
    readings = tuple(Reading(each) for each in packs)
    captured = {role: played.reconciled(PartyId(role)) for role in roles}
    # The capture takes no connection that is not mutual TLS, and gRPC none below 1.2.
    found = observed(plan.case, report, readings, reconciled=captured, channel="pass")
    found = signed(found, plan.setting.unsigned)
    return Ran(played, report, readings, found, {each.party: each for each in packs}), roles


def _packed(
    file: Path, sandbox: Sandbox, run: Ran, scenario: Scenario, roles: dict[str, bytes]
) -> tuple[Path, Rederived]:
    data = build(
        Sources(
            sandbox.coordinator.identity(),
            AGGREGATOR,
            dt.datetime.now(dt.UTC),
            run.case,
            scenario.judgement,
            roles,
            {str(role): seen for role, seen in run.played.frames.items()},
            trusted(sandbox),
            "pass",
        )
    )
    files.write(file, data)
    try:
        return file, rederived(parse(data, str(file)))
    except IsthmusError as error:
        error.file = error.file or str(file)
        raise
