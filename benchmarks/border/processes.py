"""A scenario's round by real processes: coordinator and party nodes over TLS, ways as far as borders are.

    party node --- shaping proxy --- capture --- exchange        (all data)
    SuperNode  --- shaping proxy --- gate --- SuperLink          (orders)

The parties were told, in their admissions, where the shaping proxy is; gate and exchange listen elsewhere.
The capture stands at the exchange's end, so its frames are those that crossed. Every wait is bounded and says
for whom it was.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.border.capturing import Capture
from benchmarks.border.links import NEAR, Conditions, Shaper
from benchmarks.border.playing import Played
from benchmarks.border.results import Link
from benchmarks.progress import Say, silent
from cli.processes import Service, stopping
from crypto.codes import parted
from federation import files
from federation.addresses import Address
from federation.coordinator import rounds
from federation.coordinator.record import RoundStatus
from federation.errors import IsthmusError, PeerFailure, PeerSilent
from federation.flower.child import free_port
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.plan import Plan
from parties.home import PartyHome
from parties.sandbox.founding import Sandbox

_START_SECONDS, _IDLE_SECONDS, _LOOK_SECONDS = 120.0, 60.0, 0.1


@dataclass
class PlayedInProcesses(Played):
    """A round that real processes played. wall_seconds: from its launch to its end, starting left out."""

    status: RoundStatus | None = None
    wall_seconds: float = 0.0


class Federation:
    """A sandbox's roles as running processes. `running` makes it."""

    def __init__(
        self,
        sandbox: Sandbox,
        capture: Capture,
        shaper: Shaper,
        services: Mapping[PartyId, Service],
        ways: Mapping[PartyId, Conditions],
    ) -> None:
        self.sandbox = sandbox
        self._capture, self._shaper, self._services = capture, shaper, services
        self._ways = dict(ways)

    def shape(self, ways: Mapping[PartyId, Conditions]) -> None:
        """Other conditions from now on; parties that are not named are near."""
        self._ways = {name: ways.get(name, NEAR) for name in self.sandbox.parties}
        self._shaper.shape(_doors(self._ways))

    def play(self, plan: Plan | None = None) -> PlayedInProcesses:
        """Launch a plan (the sandbox's, unless given) and follow it to its end; a refusal is in `errors`.

        Raises `PeerSilent` where a node is not done after the round, `PeerFailure` where the round is not
        over in its plan's time.
        """
        plan, home = plan or self.sandbox.plan, self.sandbox.coordinator
        began = time.monotonic()
        run = rounds.launch(home, plan)
        *_, status = rounds.follow(home, run, plan.deadlines.run_seconds)
        took = time.monotonic() - began
        for name in plan.parties:
            self._wait_idle(PartyId(name), run)
        played = PlayedInProcesses(self.sandbox, run, status=status, wall_seconds=took)
        played.frames = self._capture.frames(run)
        if status.exit_code:
            played.errors = _errors(self.sandbox, run, status)
        return played

    def _wait_idle(self, name: PartyId, run: RunId) -> None:
        """Until the node has written down how the round ended for it."""
        until, file = time.monotonic() + _IDLE_SECONDS, self.sandbox.parties[name].node_file
        while True:
            self._services[name].check()
            node = files.read_json(file) if file.exists() else {}
            began = self.sandbox.parties[name].round_folder(run).exists()
            if node.get("state") == "idle" and (node.get("run") == run or not began):
                return
            if time.monotonic() > until:
                raise PeerSilent(name, "ending the round", _IDLE_SECONDS)
            time.sleep(_LOOK_SECONDS)


@contextlib.contextmanager
def running(
    sandbox: Sandbox, ways: Mapping[PartyId, Conditions], *, seed: int = 0, say: Say = silent
) -> Iterator[Federation]:
    """Start every role of a sandbox, each party as far away as its way is; stop them all at the end.

    ways: those that are not near. seed: of which segments are lost. Raises `PeerSilent` naming a role that
    is not up in time, and what a role said that ended.
    """
    home, settings = sandbox.coordinator, sandbox.coordinator.settings()
    gate, exchange = (Address("127.0.0.1", free_port()) for _ in range(2))
    ways = {name: ways.get(name, NEAR) for name in sandbox.parties}
    services: list[Service] = []
    with ExitStack() as stack:
        capture = stack.enter_context(Capture(home, sandbox.parties, str(exchange)))
        shaper = stack.enter_context(Shaper(seed))
        seen_at = Address("127.0.0.1", capture.port)
        targets = {door: gate if door.endswith(" gate") else seen_at for door in _doors(ways)}
        listening = shaper.open(targets, _doors(ways))
        for name, party in sandbox.parties.items():
            _tell(sandbox, party, listening[f"{name} gate"], listening[f"{name} exchange"])
        _settle(sandbox, settings.name, gate, exchange)
        stack.enter_context(stopping(services))
        say("starting the aggregator")
        services.append(_service(sandbox.folder, "the aggregator", "federation", home.folder))
        services[0].wait_for(home.service_file, _START_SECONDS)
        say("starting the party nodes")
        nodes = {
            name: _service(sandbox.folder, f"party {name}", "party", party.folder)
            for name, party in sandbox.parties.items()
        }
        services += nodes.values()
        for name, node in nodes.items():
            node.wait_for(sandbox.parties[name].node_file, _START_SECONDS)
        yield Federation(sandbox, capture, shaper, nodes, ways)


def play_in_processes(
    sandbox: Sandbox, ways: Mapping[PartyId, Conditions] | None = None, *, seed: int = 0, say: Say = silent
) -> PlayedInProcesses:
    """What `playing.play` does in this process, by real ones, each party as far away as `ways` has it."""
    with running(sandbox, ways or {}, seed=seed, say=say) as federation:
        say("playing the round")
        return federation.play()


def measured(
    federation: Federation, ways: Mapping[PartyId, Conditions], conditions: Conditions, say: Say = silent
) -> tuple[PlayedInProcesses, Link | None]:
    """One more round under other conditions, and how long it took. `conditions`: of the far ways.

    None where the round did not finish: of such a round there is no time.
    """
    say(f"playing the round at {conditions.latency_ms} ms")
    federation.shape(ways)
    played = federation.play()
    if played.cause is not None:
        return played, None
    link = Link(
        conditions.latency_ms, conditions.bandwidth_mbit, conditions.loss, played.wall_seconds, "proxy"
    )
    return played, link


def _doors(ways: Mapping[PartyId, Conditions]) -> dict[str, Conditions]:
    """A listener for each way of each party: to the gate, and to the exchange."""
    return {f"{name} {door}": way for name, way in ways.items() for door in ("gate", "exchange")}


def _service(folder: Path, name: str, role: str, home: Path) -> Service:
    return Service(name, [role, "start", "--home", str(home)], folder / f"{name.split()[-1]}.log")


def _tell(sandbox: Sandbox, party: PartyHome, gate: Address, exchange: Address) -> None:
    """Admit a party anew, with addresses of its own: it connects to nothing else."""
    _settle(sandbox, sandbox.coordinator.settings().name, gate, exchange)
    now = dt.datetime.now(dt.UTC)
    party.accept(sandbox.coordinator.admit(party.request(), now), now)


def _settle(sandbox: Sandbox, name: str, gate: Address, exchange: Address) -> None:
    fields = {"name": name, "gate": str(gate), "exchange": str(exchange)}
    files.write(sandbox.coordinator.settings_file, json.dumps(fields).encode())


def _errors(sandbox: Sandbox, run: RunId, status: RoundStatus) -> dict[PartyId, IsthmusError]:
    """What each node told its own people of the round's end; and the aggregator's cause."""
    found: dict[PartyId, IsthmusError] = {}
    for name, party in sandbox.parties.items():
        node = files.read_json(party.node_file) if party.node_file.exists() else {}
        if node.get("run") == run and node.get("cause"):
            code, told = parted(str(node["cause"]))
            found[name] = IsthmusError(told, advice=str(node["advice"]), code=code)
    code, told = parted(status.cause)
    cause = PeerFailure(told, code=code, advice=f"The logs are in {sandbox.folder}.")
    cause.exit_code = status.exit_code
    # The aggregator's cause names who ended the round first-hand, so it stands before the others'.
    return {AGGREGATOR: cause, **found}
