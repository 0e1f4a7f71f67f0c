"""What a party's data sets have spent, for people and programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crypto.codes import Code
from crypto.errors import UsageError
from parties.dataset import DatasetConfig, from_party_table
from parties.dataset.budget import Budget
from parties.home import PartyHome
from parties.keys import align_keys
from parties.privacy.chain import Chain
from parties.privacy.charge import Entry, Marks
from parties.privacy.ledger import Balance, Ledger, entries


@dataclass(frozen=True, slots=True)
class Overview:
    """One data set's balance, under its name in party.toml, or in the ledger where it stands there only."""

    dataset: str
    described: bool
    balance: Balance

    def to_json(self) -> dict[str, Any]:
        """One JSON object; `epsilon` of a run is null where nothing bounds it."""
        balance = self.balance
        budget = balance.budget
        return {
            "dataset": self.dataset,
            "described": self.described,
            "unit": balance.unit,
            "delta": balance.delta,
            "budget": None if budget is None else budget.epsilon,
            "spent": _finite(balance.epsilon),
            "left": balance.left,
            "unbounded_runs": balance.unbounded,
            "runs": [self._run(entry) for entry in balance.entries],
        }

    def lines(self) -> list[str]:
        """For people: one line for the data set, one for each run."""
        balance = self.balance
        budget, spent = balance.budget, f"epsilon {balance.epsilon:.3g}"
        if budget is not None:
            spent += f" of {budget.epsilon:g} spent, {balance.left:.3g} left,"
        else:
            spent += " spent, no budget,"
        head = f"{self.dataset}: {spent} at delta {balance.delta:g} (one {balance.unit})"
        if not self.described:
            head += "; party.toml does not describe it any more"
        found = [head]
        for entry in balance.entries:
            alone = balance.alone(entry)
            cost = "no bound" if alone is None else f"epsilon {alone:.3g}"
            # What nothing bounds cannot be lowered either: reserved or settled, it says the same.
            state = "" if entry.settled or alone is None else "  (reserved)"
            found.append(f"  {entry.charge.run}  {cost}  {entry.charge.purpose}{state}")
        if balance.unbounded:
            found.append(f"  {balance.unbounded} of these runs tell without bound and are not in the sum")
        return found

    def _run(self, entry: Entry) -> dict[str, Any]:
        alone = self.balance.alone(entry)
        return {
            **entry.charge.to_json(),
            "settled": entry.settled,
            "epsilon": None if alone is None else _finite(alone),
        }


def overview(home: PartyHome, only: str | None = None) -> tuple[Overview, ...]:
    """The data sets of party.toml, then those that only the ledger knows; or `only` that one.

    Raises `LedgerRefused` when the ledger cannot be trusted, `UsageError` when nothing is called `only` or
    its table in party.toml has a problem.
    """
    party, folder = home.name(), home.folder / "privacy"
    chain = Chain(folder, party)
    charged = entries(chain, chain.read())
    tables = home.config().get("datasets", {})
    tables = tables if isinstance(tables, Mapping) else {}
    old = {entry.charge.dataset: entry.marks for entry in charged if entry.charge.dataset not in tables}
    if only is not None and only not in (*tables, *old):
        raise UsageError(
            f"neither party.toml nor the privacy ledger knows a dataset {only!r}",
            party=party,
            advice="`isthmus privacy show` without a name lists those that it knows.",
            code=Code.NO_DATASET,
        )
    found = []
    for name, table in tables.items():
        if only in (None, name):
            dataset = from_party_table(name, table, party=party, folder=home.folder)
            found.append(_one(chain, name, _marks(home, dataset, bool(charged)), dataset.privacy, True))
    found += [_one(chain, name, marks, None, False) for name, marks in old.items() if only in (None, name)]
    return tuple(found)


def _one(chain: Chain, name: str, marks: Marks, budget: Budget | None, described: bool) -> Overview:
    ledger = Ledger(chain.file.parent, chain.party, name, marks, budget)
    return Overview(name, described, ledger.balance())


def _marks(home: PartyHome, dataset: DatasetConfig, charged: bool) -> Marks:
    """All marks that can be had: a file that cannot be read now is known by its name alone.

    The table is read for its keys only where something is charged to some data set.
    """
    try:
        if not charged:
            return Marks.of(dataset, home.folder)
        snapshot = dataset.read()
        keys = align_keys(snapshot.frame, dataset).ids
        return Marks.of(dataset, home.folder, keys, snapshot.digest)
    except UsageError:
        budget = dataset.privacy
        return Marks(name=budget.account or dataset.name if budget else dataset.name)


def _finite(epsilon: float) -> float | None:
    return epsilon if math.isfinite(epsilon) else None
