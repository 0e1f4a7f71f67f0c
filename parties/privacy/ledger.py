"""The privacy ledger of a party: what each run may tell of each data set, written before anything is told.

    reserve   before a run's first release: refused when the data set's budget would be exceeded
    settle    after it: lowers the charge to what was really released, and never raises it

A crash in between leaves the whole reservation standing, so the ledger never says too little. All data sets
of a party stand in one file (`parties.privacy.chain`): then the names that party.toml gives them decide
nothing (`parties.privacy.charge`), and one lock orders all charges.

The budget binds from the day the owner sets it: runs before that which have no bound at the budget's unit
are named and not added up, since nothing could be allowed after them otherwise.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crypto import accounting
from crypto.accounting import Event
from crypto.codes import Code
from crypto.errors import UsageError
from crypto.private import Private
from federation.errors import PlanRefused
from parties.dataset import DatasetConfig
from parties.dataset.budget import MOST_EPSILON, Budget, Unit
from parties.home import PartyHome
from parties.privacy.chain import Chain, LedgerRefused, Lines
from parties.privacy.charge import Charge, Entry, Marks, account, parse_charge, parse_marks

#: The most times the noise that is tried to say how much would fit, and how often it is halved (to 4 %).
_MOST_FACTOR, _STEPS = 64.0, 4


@dataclass(frozen=True, slots=True)
class Balance:
    """What one data set has spent: `epsilon` at `delta` for one `unit`, over all bounded charges.

    `unbounded`: how many charges nothing bounds at this unit; they are not in `epsilon`.
    """

    unit: Unit
    delta: float
    epsilon: float
    budget: Budget | None
    entries: tuple[Entry, ...]
    unbounded: int

    @property
    def left(self) -> float | None:
        """Budget less spending, at least 0; None without a budget. A guide: epsilons do not simply add up."""
        return None if self.budget is None else max(0.0, self.budget.epsilon - self.epsilon)

    def alone(self, entry: Entry) -> float | None:
        """The epsilon of one charge by itself, or None where nothing bounds it."""
        events = entry.charge.at(self.unit)
        return None if events is None else accounting.epsilon(events, self.delta)


class Ledger:
    """The charges to one data set, in the ledger of its party. Opening reads nothing."""

    def __init__(self, folder: Path, party: str, dataset: str, marks: Marks, budget: Budget | None) -> None:
        """`folder` is the party's privacy/; `dataset` the name that errors give the data set."""
        self._chain = Chain(folder, party)
        self._party, self._dataset, self._marks, self._budget = party, dataset, marks, budget

    @staticmethod
    def of(
        home: PartyHome,
        dataset: DatasetConfig,
        ids: Private[Sequence[bytes]] | None,
        content: str | None = None,
    ) -> Ledger:
        """The ledger of `dataset` at `home`, whose normalised keys are `ids` and digest is `content`."""
        marks = Marks.of(dataset, home.folder, ids, content)
        return Ledger(home.folder / "privacy", home.name(), dataset.name, marks, dataset.privacy)

    def balance(self) -> Balance:
        """What stands now. `LedgerRefused` when the ledger is not what this party wrote."""
        return self._balance(self._entries(self._chain.read()), None)

    def reserve(self, charge: Charge) -> Balance:
        """Charge a run before its first release, durably; returns what stands then.

        The same charge again is no second one, as when a run is resumed; after `settle` it is the whole
        charge anew. Raises `PlanRefused` when it would exceed the budget, when the run has no noise but the
        data set has a budget, or when the run was charged otherwise; `LedgerRefused` when the ledger cannot
        be trusted. Nothing is charged then, and nothing may be released.
        """
        with self._chain.writing() as lines:
            everything = self._entries(lines)
            earlier = next((entry for entry in everything if entry.charge.run == charge.run), None)
            if earlier is not None and self._is_repeated(earlier, charge):
                return self._balance(everything, charge)
            others = tuple(entry for entry in everything if entry.charge.run != charge.run)
            after = self._balance((*others, Entry(charge, self._marks)), charge)
            if self._budget is not None:
                self._check_noise(charge, after.unit)
                self._check_budget(charge, others, after, self._budget)
            told = {"kind": "reserve", **charge.to_json(), "marks": self._marks.to_json()}
            self._chain.append(lines, {**told, "epsilon_after": _finite(after.epsilon)})
            return after

    def settle(self, run: str, events: Iterable[Event]) -> Balance:
        """Lower the charge of `run` to all the `events` that it released, in every attempt together.

        Raises `UsageError`, and leaves the reservation standing, when the run was never charged or when the
        events cost more than was reserved: releasing them was a fault of the caller.
        """
        with self._chain.writing() as lines:
            everything = self._entries(lines)
            earlier = next((entry for entry in everything if entry.charge.run == run), None)
            if earlier is None:
                raise self._fault(f"run {run} was never charged")
            actual = dataclasses.replace(earlier.charge, events=tuple(events))
            if earlier.settled and actual == earlier.charge:
                return self._balance(everything, actual)
            if not _within(actual, earlier.charge):
                raise self._fault(f"run {run} released more than was reserved for it")
            others = tuple(entry for entry in everything if entry.charge.run != run)
            after = self._balance((*others, Entry(actual, earlier.marks, settled=True)), actual)
            told = {"kind": "settle", "run": run, "events": accounting.to_json(actual.events)}
            self._chain.append(lines, {**told, "epsilon_after": _finite(after.epsilon)})
            return after

    # -- reading -----------------------------------------------------------------------------------

    def _entries(self, lines: Lines) -> tuple[Entry, ...]:
        return entries(self._chain, lines)

    def _balance(self, everything: Sequence[Entry], now: Charge | None) -> Balance:
        own = account(everything, self._marks)
        unit, delta = self._unit(own), self._delta(own, now)
        bounded = [events for entry in own if (events := entry.charge.at(unit)) is not None]
        spent = accounting.epsilon([event for events in bounded for event in events], delta)
        return Balance(unit, delta, spent, self._budget, own, len(own) - len(bounded))

    def _unit(self, own: Sequence[Entry]) -> Unit:
        """The budget's unit; without one that of the first run with noise."""
        if self._budget is not None and self._budget.unit is not None:
            return self._budget.unit
        units = (entry.charge.protects for entry in own)
        return next((unit for unit in units if unit != "none"), "record")

    def _delta(self, own: Sequence[Entry], now: Charge | None) -> float:
        """The budget's delta; without one that of the run at hand, or of the newest."""
        if self._budget is not None:
            return self._budget.delta
        newest = now if now is not None else (own[-1].charge if own else None)
        return newest.delta if newest is not None else 1e-5

    # -- refusing ----------------------------------------------------------------------------------

    def _is_repeated(self, earlier: Entry, charge: Charge) -> bool:
        """Whether `charge` is wholly reserved already. A settled run is charged anew before it goes on."""
        full = earlier.charge
        if earlier.settled:
            full = dataclasses.replace(full, events=charge.events)
        if full == charge:
            return not earlier.settled
        raise PlanRefused(
            f"{charge.run} was charged here with another plan, data set or noise; a run is charged once",
            party=self._party,
            field="privacy",
            advice="Launch the changed plan as a new round. `isthmus privacy show` lists what was charged.",
            code=Code.TOLD_BEFORE,
        )

    def _check_noise(self, charge: Charge, unit: Unit) -> None:
        if charge.at(unit) is not None:
            return
        if charge.protects == "none":
            what = "its data set has a privacy budget, and without noise nothing bounds what a run tells"
            advice = (
                'Plan privacy.unit = "record" or "party"; or the owner takes '
                f"[datasets.{self._dataset}.privacy] out of party.toml."
            )
        else:
            what = "its data set's budget protects the party as a whole, and noise for records does not"
            advice = (
                'Plan privacy.unit = "party"; or the owner sets unit = "record" in '
                f"[datasets.{self._dataset}.privacy] of party.toml."
            )
        raise PlanRefused(what, party=self._party, field="privacy.unit", advice=advice)

    def _check_budget(self, charge: Charge, others: Sequence[Entry], after: Balance, budget: Budget) -> None:
        if after.epsilon <= budget.epsilon:
            return
        before = self._balance(others, charge).epsilon
        raise PlanRefused(
            f"this run would bring what its data set has told of one {after.unit} from epsilon {before:.3g} "
            f"to {after.epsilon:.3g} at delta {budget.delta:g}; its budget is {budget.epsilon:g}",
            party=self._party,
            field="privacy.epsilon",
            advice=self._what_fits(charge, others, after.unit, budget)
            + f" `isthmus privacy show {self._dataset}` lists what was spent.",
            code=Code.BUDGET_SPENT,
        )

    def _what_fits(self, charge: Charge, others: Sequence[Entry], unit: Unit, budget: Budget) -> str:
        """How much noise the same run would need. Advice: only this party reads it."""

        def fits(factor: float) -> bool:
            more = dataclasses.replace(charge, events=accounting.scaled(charge.events, factor))
            everything = (*others, Entry(more, self._marks))
            return self._balance(everything, more).epsilon <= budget.epsilon

        if not fits(_MOST_FACTOR):
            return "The budget is nearly spent: the owner raises it in party.toml, or this data set rests."
        high = 2.0
        while not fits(high):
            high *= 2
        low = high / 2
        for _ in range(_STEPS):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if fits(middle) else (middle, high)
        high = math.ceil(high * 100) / 100
        return f"Plan {high:g} times the noise (privacy.noise_multiplier), or fewer rounds."

    def _fault(self, what: str) -> UsageError:
        return UsageError(
            what,
            party=self._party,
            advice="Report this as a fault of Isthmus; the reservation stands. See `isthmus privacy show`.",
        )


def entries(chain: Chain, lines: Lines) -> tuple[Entry, ...]:
    """Each run's charge as it stands after all `lines`, in the order in which the runs were first charged."""
    found: dict[str, Entry] = {}
    for number, line in enumerate(lines.lines, start=1):
        try:
            if line["kind"] == "reserve":
                charge = parse_charge(line)
                found[charge.run] = Entry(charge, parse_marks(line["marks"]))
            elif line["kind"] == "settle":
                entry = found[line["run"]]
                charge = dataclasses.replace(entry.charge, events=accounting.from_json(line["events"]))
                found[charge.run] = Entry(charge, entry.marks, settled=True)
            else:
                raise ValueError
        except (KeyError, TypeError, ValueError, UsageError):
            raise LedgerRefused(
                f"the privacy ledger holds something else than a charge at line {number}",
                party=chain.party,
                file=str(chain.file),
            ) from None
    return tuple(found.values())


def _within(actual: Charge, reserved: Charge) -> bool:
    """Whether `actual` costs at most what was reserved: fewer of the same events, or a lower epsilon."""
    counts = {dataclasses.replace(event, count=1): event.count for event in reserved.events}
    if all(event.count <= counts.get(dataclasses.replace(event, count=1), 0) for event in actual.events):
        return True
    delta = reserved.delta
    return accounting.epsilon(actual.events, delta) <= accounting.epsilon(reserved.events, delta)


def _finite(epsilon: float) -> float | None:
    """JSON has no infinity."""
    return epsilon if epsilon < MOST_EPSILON else None
