"""Two small federations to break: three parties with other columns of the same firms, three with the same."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.border.firms import Case, horizontal, vertical
from benchmarks.border.playing import founded
from benchmarks.faults.cells import Shape
from federation import files
from federation.addresses import Address
from federation.clock import timestamp
from federation.coordinator.home import CoordinatorHome
from federation.coordinator.record import PartyStatus, RoundStatus
from federation.coordinator.rounds import new_run
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.plan import Plan
from federation.tables import Deadlines
from parties.home import PartyHome

_SEED = 3
_NOWHERE = Address("127.0.0.1", 1)  # Nothing listens: Flower is not there.
#: In the plans' own time; a cell divides them by its pace.
DEADLINES = Deadlines(join_seconds=400, message_seconds=360, run_seconds=1200)


@dataclass(frozen=True, slots=True)
class World:
    """The homes of one federation, below `folder`."""

    folder: Path
    plan: Plan

    @property
    def coordinator(self) -> CoordinatorHome:
        """The aggregator's."""
        return CoordinatorHome(self.folder / "federation")

    @property
    def parties(self) -> dict[PartyId, PartyHome]:
        """The parties', by name."""
        return {PartyId(name): PartyHome(self.folder / "parties" / name) for name in self.plan.parties}

    def home(self, seat: PartyId) -> Path:
        """One role's folder."""
        return self.coordinator.folder if seat == AGGREGATOR else self.parties[seat].folder

    def settle(
        self,
        exchange: Address,
        seen_at: Mapping[PartyId, Address],
        gate: Address = _NOWHERE,
        gates: Mapping[PartyId, Address] | None = None,
    ) -> None:
        """Tell each party where exchange and gate are for it, in an admission of its own."""
        now = dt.datetime.now(dt.UTC)
        for name, home in self.parties.items():
            self._write_settings(seen_at[name], (gates or {}).get(name, gate))
            home.accept(self.coordinator.admit(home.request(), now), now)
        self._write_settings(exchange, gate)

    def submit(self) -> RunId:
        """A new round of the plan, as `isthmus round launch` writes it down."""
        run = new_run(dt.datetime.now(dt.UTC))
        folder = self.coordinator.round_folder(run)
        files.write(folder / "plan.json", self.plan.canonical())
        status = RoundStatus(
            run,
            self.plan.name,
            self.plan.digest.hex(),
            submitted=timestamp(),
            parties={PartyId(name): PartyStatus() for name in self.plan.parties},
        )
        files.write_json(folder / "status.json", status.to_json())
        return run

    def _write_settings(self, exchange: Address, gate: Address) -> None:
        fields = {"name": "sandbox", "gate": str(gate), "exchange": str(exchange)}
        files.write(self.coordinator.settings_file, json.dumps(fields).encode())


def found(shape: Shape, folder: Path, pace: float, *, long: bool = False) -> World:
    """The federation that each cell of that shape gets a copy of. `long`: with more to train."""
    case = _case(shape, pace, long=long)
    founded(case, folder)
    world = World(folder, case.plan)
    for home in world.parties.values():
        home.training_secret()  # Else each copy made its own, and other models with it.
    return world


def copied(world: World, folder: Path) -> World:
    """A copy with the same keys; tables are read where they were."""
    shutil.copytree(world.folder, folder)
    return World(folder, world.plan)


def _case(shape: Shape, pace: float, *, long: bool) -> Case:
    paced = {name: value / pace for name, value in DEADLINES.model_dump().items()}
    model: dict[str, Any] = {"deadlines": paced}
    if shape == "vertical":
        iterations = {"max_iterations": 40, "tolerance": 1e-5} if long else {"max_iterations": 2}
        return vertical(_SEED, 3, model=iterations, **model)
    return horizontal(_SEED, 3, training={"rounds": 40 if long else 4, "local_epochs": 1}, **model)
