"""A whole round in this process, from the signed order to the co-signed end, and what its carrier saw.

Folders, orders, tables, guard, ledger, aggregator and messages are the product's own; Flower and the network
are missing. Every wait of the parties is bounded by the plan's patience.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.border.firms import Case
from federation import files, journal
from federation.addresses import Address
from federation.coordinator.packing import packed as packed_by_coordinator
from federation.coordinator.rounds import new_run
from federation.errors import IsthmusError, SessionEnded
from federation.governance.terms import Form, Use
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.ledger import pack
from federation.ledger.pack import Pack
from federation.plan import Plan
from federation.transport.capture import Frame, Reconciled, reconcile
from parties.governance.inspect.drafting import document
from parties.governance.packing import packed
from parties.governance.shelf import Shelf
from parties.sandbox.founding import Sandbox, found
from parties.sandbox.rehearsing import rehearse

#: The one grant of each party that is in force.
GRANT = "border"
_NOWHERE = Address("127.0.0.1", 1)  # Nothing listens: the round is played in this process.


@dataclass
class Played:
    """A round that was played: what went wrong at whom, and each frame that the carrier was handed."""

    sandbox: Sandbox
    run: RunId
    errors: dict[PartyId, IsthmusError] = field(default_factory=dict)
    frames: dict[PartyId, list[Frame]] = field(default_factory=dict)

    @property
    def cause(self) -> IsthmusError | None:
        """What went wrong first-hand; None when nothing did."""
        own = [error for error in self.errors.values() if not isinstance(error, SessionEnded)]
        return next(iter(own), None) or next(iter(self.errors.values()), None)

    def reconciled(self, party: PartyId) -> Reconciled:
        """A role's guard log against what the carrier was handed by it."""
        homes = {**self.sandbox.parties, AGGREGATOR: self.sandbox.coordinator}
        file = homes[party].round_folder(self.run) / "journal.jsonl"
        entries = journal.read(file) if file.exists() else []
        return reconcile(entries, self.frames.get(party, []))

    def packs(self) -> dict[str, Pack]:
        """Every role's evidence pack of the round."""
        now = dt.datetime.now(dt.UTC)
        made = {name: packed(home, self.run, now) for name, home in self.sandbox.parties.items()}
        made[AGGREGATOR] = packed_by_coordinator(self.sandbox.coordinator, self.run, now)
        return {name: pack.parse(data, f"{name}.zip") for name, data in made.items()}


def trusted(sandbox: Sandbox) -> dict[str, str]:
    """The fingerprints that a reader got from each role itself."""
    told = {str(name): home.identity().public.fingerprint for name, home in sandbox.parties.items()}
    return {**told, AGGREGATOR: sandbox.coordinator.identity().public.fingerprint}


def founded(case: Case, folder: Path) -> Sandbox:
    """The case's federation below `folder`: admissions, pins, manifests and grants as in earnest."""
    folder.mkdir(parents=True, exist_ok=True)
    now = dt.datetime.now(dt.UTC)
    sandbox = found(folder, case.datasets(folder), case.plan, _NOWHERE, _NOWHERE, now)
    for home in sandbox.parties.values():
        _permit_predicates(Shelf(home), now)
    return sandbox


def _permit_predicates(shelf: Shelf, now: dt.datetime) -> None:
    """What an owner does for a plan of trees or of scorecards: permit predicates, and sign anew.

    A draft does not permit them: which of a party's rows fall on one side of a cut is for people to decide.
    """
    drafted = shelf.manifest("data")
    fields = {
        name: facts.model_copy(update={"egress": (*facts.egress, Form.PREDICATE)})
        if facts.use in (Use.FEATURE, Use.LABEL) and Form.PREDICATE not in facts.egress
        else facts
        for name, facts in drafted.fields.items()
    }
    permitted = drafted.model_copy(update={"fields": fields})
    files.write(shelf.manifest_file("data"), document(permitted, now).encode())
    (drawn,) = shelf.grants()
    (shelf.folder / "grants" / f"{drawn.grant.id}.dsse.json").unlink()
    shelf.put(drawn.grant.model_copy(update={"id": GRANT, "manifest_sha256": permitted.digest}))


def play(sandbox: Sandbox, plan: Plan | None = None) -> Played:
    """Play the sandbox's plan, or another one, to its end. A party that refuses the order is in `errors`."""
    plan = plan or sandbox.plan
    played = Played(sandbox, new_run(dt.datetime.now(dt.UTC)))

    def tap(sender: PartyId, to: PartyId, envelope: bytes) -> None:
        seen = Frame(to, len(envelope), hashlib.sha256(envelope).hexdigest())
        played.frames.setdefault(sender, []).append(seen)

    taking_part = {name: sandbox.parties[name] for name in map(PartyId, plan.parties)}
    played.errors.update(rehearse(sandbox.coordinator, taking_part, plan, played.run, tap=tap))
    return played
