"""What a party keeps of boosted trees: its own splits, and at the label party the trees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from federation.ids import PartyId, RunId
from parties.binning.cuts import Codes
from parties.boosting.bins import Bins
from parties.boosting.growing import Marks
from parties.boosting.trees import Tree
from parties.features.saved import finite, position
from parties.model_folder import SavedModel, load, reading

KIND = "boosting"


@dataclass(frozen=True, slots=True, repr=False)
class OwnSplit:
    """A split of an own column: rows whose bin is among `left` go left."""

    column: int
    left: tuple[int, ...]


@dataclass(frozen=True, slots=True, repr=False)
class BoostingPart:
    """One party's part: how its columns are binned, and its splits by number. At the label party also the
    base (a logit) and the trees, which name other parties' splits by number only."""

    run: RunId
    party: PartyId
    plan_digest: str
    bins: Bins
    splits: tuple[OwnSplit, ...]
    base: float | None = None
    trees: tuple[Tree, ...] = ()
    losses: tuple[float, ...] = ()

    @staticmethod
    def own_splits(found: Sequence[tuple[int, Marks]]) -> tuple[OwnSplit, ...]:
        """(column, bins that go left) as they are kept."""
        return tuple(OwnSplit(column, tuple(np.flatnonzero(table).tolist())) for column, table in found)

    def sides(self, codes: Sequence[Codes], rows: int) -> Marks:
        """Rows x own splits: which rows each split sends left."""
        found = np.zeros((rows, len(self.splits)), dtype=np.bool_)
        for number, split in enumerate(self.splits):
            table = np.zeros(self.bins.cuts[split.column].width, dtype=np.bool_)
            table[list(split.left)] = True
            found[:, number] = table[codes[split.column]]
        return found

    def gains(self) -> tuple[dict[str, float], dict[PartyId, float]]:
        """At the label party: the gain of its own columns' splits by column, and of all splits by party."""
        by_column: defaultdict[str, float] = defaultdict(float)
        by_party: defaultdict[PartyId, float] = defaultdict(float)
        for split in (split for tree in self.trees for split in tree.splits):
            by_party[split.owner] += split.gain
            if split.owner == self.party:
                by_column[self.bins.columns[self.splits[split.number].column]] += split.gain
        return dict(by_column), dict(by_party)

    def used(self) -> dict[str, int]:
        """How many of the own splits each own column has."""
        counts = dict.fromkeys(self.bins.columns, 0)
        for split in self.splits:
            counts[self.bins.columns[split.column]] += 1
        return counts

    def save(self, round_folder: Path) -> str:
        """Write the part's folder; its hash."""
        content = {
            "bins": self.bins.to_dict(),
            "splits": [{"column": split.column, "left": list(split.left)} for split in self.splits],
            "base": self.base,
            "trees": [tree.to_list() for tree in self.trees],
            "losses": list(self.losses),
        }
        return SavedModel(KIND, self.run, self.party, self.plan_digest, content).save(round_folder)

    @staticmethod
    def load(round_folder: Path) -> BoostingPart:
        """The saved part, bit for bit; `UsageError` when there is none."""
        saved = load(round_folder, KIND)
        with reading(round_folder):
            fields = saved.part
            bins = Bins.from_dict(fields["bins"])
            splits = []
            for one in fields["splits"]:
                column = position(one["column"], len(bins.cuts))
                width = bins.cuts[column].width
                splits.append(OwnSplit(column, tuple(position(place, width) for place in one["left"])))
            return BoostingPart(
                saved.run,
                saved.party,
                saved.plan_digest,
                bins,
                tuple(splits),
                None if fields["base"] is None else finite(fields["base"]),
                tuple(Tree.from_list(tree) for tree in fields["trees"]),
                tuple(finite(loss) for loss in fields["losses"]),
            )

    def __repr__(self) -> str:
        return f"BoostingPart({len(self.splits)} own splits, {len(self.trees)} trees)"
