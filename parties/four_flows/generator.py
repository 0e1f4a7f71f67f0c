"""From settings to a world: three parties' tables and the truth behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from parties.four_flows import dirt, factors, names
from parties.four_flows.codes import draw_codes
from parties.four_flows.factors import Firms
from parties.four_flows.graph import Chain
from parties.four_flows.outcome import Outcome, outcome
from parties.four_flows.settings import PARTIES, Party, Settings
from parties.four_flows.streams import Flags, Integers, Stream, generator
from parties.four_flows.tables import KEY, LABEL, blank_cells, draw_flows, membership, party_table
from parties.four_flows.truth import Truth, coalition_values, expected_auc, shapley
from parties.four_flows.writing import Format, write_world

if TYPE_CHECKING:
    import pandas as pd

#: Of `Stream.HISTORY`, the number that no block of firms has.
_LATER = 1 << 20


@dataclass(frozen=True, slots=True)
class FourFlows:
    """A generated world. Key column `uscc`; label column `default_12m`, in the bank's table only."""

    settings: Settings
    bank: pd.DataFrame = field(repr=False)
    platform: pd.DataFrame = field(repr=False)
    public: pd.DataFrame = field(repr=False)
    truth: Truth = field(repr=False)

    def write(self, directory: Path, format: Format = "csv.gz") -> dict[str, Path]:  # noqa: A002
        """Write the three tables, README.md, and `truth/` beside them; returns each file's path.

        The same settings give the same bytes. The seed stands in `truth/settings.json` alone: who has
        it can make the truth. Raises `UsageError` where the format is unknown or cannot be GBK.
        """
        tables = {"bank": self.bank, "platform": self.platform, "public": self.public}
        return write_world(directory, format, self.settings, tables, self.truth)


def generate(settings: Settings) -> FourFlows:
    """The world that `settings` describe; the same settings always give the same world."""
    total = settings.firms + round(settings.firms * settings.strangers)
    firms, chain = factors.draw(settings, total)
    flows = draw_flows(settings, firms)
    result = outcome(
        firms,
        flows.leverage,
        flows.concentration,
        settings.firms,
        settings.base_rate,
        generator(settings.seed, Stream.OUTCOME),
    )
    codes = draw_codes(firms.region, generator(settings.seed, Stream.CODES))
    rows = membership(settings, total)
    shared = np.sort(np.intersect1d(np.intersect1d(rows["bank"], rows["platform"]), rows["public"]))

    def table(party: Party, places: Integers) -> pd.DataFrame:
        return party_table(party, settings, firms, flows, result, codes, places)

    risk = result.default_probability[shared]
    values = coalition_values({party: table(party, shared) for party in PARTIES}, risk)
    truth = _truth_rows(firms, chain, result, codes, rows)
    tables = {
        party: _spoil(party, table(party, rows[party]), rows[party], settings, firms, truth)
        for party in PARTIES
    }
    answers = Truth(_frame(truth), values, shapley(values), expected_auc(risk, risk))
    return FourFlows(settings, **tables, truth=answers)


def _truth_rows(
    firms: Firms,
    chain: Chain,
    result: Outcome,
    codes: NDArray[np.str_],
    rows: dict[Party, Integers],
) -> dict[str, NDArray[np.generic]]:
    """The columns of `Truth.firms`, before the dirt."""
    columns: dict[str, NDArray[np.generic]] = {KEY: codes}
    for party in PARTIES:
        columns[f"in_{party}"] = _spread(rows[party], np.ones(len(rows[party]), dtype=np.bool_), len(firms))
    columns |= {
        "true_pd": result.default_probability,
        LABEL: result.default.astype(np.int64),
        "bankrupt": result.bankrupt,
        "fake_trade": firms.fake,
    }
    for name in ("trade", "capital", "operations", "conduct", "distress", "shock"):
        columns[name] = getattr(firms, name)
    core = np.char.add("core-", np.char.zfill(chain.core.astype(np.str_), 5))
    columns |= {
        "cohort": firms.cohort,
        "core": core,
        "tier": chain.tier,
        "supplies": np.where(chain.parent < 0, core, codes[chain.parent]),
    }
    return columns


def _spoil(
    party: Party,
    frame: pd.DataFrame,
    rows: Integers,
    settings: Settings,
    firms: Firms,
    truth: dict[str, NDArray[np.generic]],
) -> pd.DataFrame:
    """Apply the dirt that is switched on to one party's table, and note it in `truth`."""
    number = PARTIES.index(party)

    def random(stream: Stream) -> np.random.Generator:
        return generator(settings.seed, stream, number)

    def note(what: str, flags: Flags) -> None:
        truth[what] = _spread(rows, flags, len(firms))

    if settings.gbk:
        dirt.to_chinese(frame)
    if settings.name_variants:
        registered = names.registered_names(firms.industry, generator(settings.seed, Stream.NAMES, 99))
        frame.insert(1, "firm_name", names.written_by(party, registered[rows], random(Stream.NAMES)))
    if settings.poisoned_party == party:
        note("poisoned", dirt.poison(party, frame, random(Stream.POISON)))
    if party == "bank" and settings.rejected_applicants:
        note("rejected", dirt.reject_applicants(frame, random(Stream.REJECTION)))
    if party == "bank" and settings.delayed_labels:
        note("label_delayed", dirt.delay_labels(frame))
    if settings.unit_mixup and party != "public":
        note(f"unit_mixed_{party}", dirt.mix_units(party, frame, random(Stream.UNITS)))
    blank_cells(frame, settings.missing, random(Stream.MISSING))
    if settings.duplicate_ids:
        later = generator(settings.seed, Stream.HISTORY, _LATER)
        frame, doubled = dirt.duplicate_ids(frame, random(Stream.DUPLICATES), later)
        note(f"duplicated_{party}", doubled)
    return frame


def _spread(rows: Integers, flags: Flags, total: int) -> Flags:
    """Flags by row of a party's table, as flags by firm."""
    spread = np.zeros(total, dtype=np.bool_)
    spread[rows] = flags
    return spread


def _frame(columns: dict[str, NDArray[np.generic]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            name: pd.Series(values.astype(object), dtype="str") if values.dtype.kind == "U" else values
            for name, values in columns.items()
        }
    )
