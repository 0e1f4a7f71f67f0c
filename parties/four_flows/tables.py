"""From flows to the tables of three parties: who holds which columns, who knows which firm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from parties.four_flows import capital, factors, information, logistics, trade
from parties.four_flows.factors import Firms
from parties.four_flows.outcome import Outcome
from parties.four_flows.settings import PARTIES, Party, Settings
from parties.four_flows.streams import Flags, Floats, Integers, Stream, generator

if TYPE_CHECKING:
    import pandas as pd

KEY = "uscc"
LABEL = "default_12m"

#: Firms drawn at a time: bounds the memory of the monthly arrays to some 30 MB each.
_BLOCK = 100_000

_ALWAYS_FILLED = frozenset({KEY, LABEL, "accepted", "firm_name", "country", "months_on_book"})

#: Decimals that a feature team would hand over; four where nothing is said.
_DECIMALS = {"receivable_days": 1, "stock_days": 1, "age_years": 1, "account_years": 1, "defect_rate": 5}


@dataclass(frozen=True, slots=True)
class Flows:
    """All flows of all firms; every array has shape (firms,)."""

    columns: dict[Party, dict[str, Floats]]
    leverage: Floats
    concentration: Floats


def draw_flows(settings: Settings, firms: Firms) -> Flows:
    """Draw the four flows, a block of firms at a time, each block from a stream of its own."""
    columns: dict[Party, dict[str, Floats]] = {party: {} for party in PARTIES}
    whole = {"leverage": np.empty(len(firms)), "concentration": np.empty(len(firms))}
    for number, start in enumerate(range(0, len(firms), _BLOCK)):
        stop = min(start + _BLOCK, len(firms))
        block = firms.block(start, stop)
        random = generator(settings.seed, Stream.FLOWS, number)
        traded = trade.trade_flow(block, settings.months, random)
        lent = capital.capital_flow(block, random)
        history = generator(settings.seed, Stream.HISTORY, number)
        made: dict[Party, dict[str, Floats]] = {
            "bank": lent.columns | capital.account_history(block, lent.columns, history),
            "platform": traded.columns
            | logistics.platform_logistics(block, random)
            | information.telemetry(block, settings.months, random),
            "public": information.registers(block, random)
            | {"waybills": logistics.waybills(block, traded.invoices, random)},
        }
        whole["leverage"][start:stop] = lent.leverage
        whole["concentration"][start:stop] = traded.concentration
        for party, part in made.items():
            for name, values in part.items():
                column = columns[party].setdefault(name, np.empty(len(firms)))
                column[start:stop] = np.round(values, _DECIMALS.get(name, 4))
    return Flows(columns, whole["leverage"], whole["concentration"])


def membership(settings: Settings, total: int) -> dict[Party, Integers]:
    """The places of the firms that each party knows, in the random order of its file.

    The bank knows the borrowers. Of these each of the others knows exactly its share; the platform
    knows the first two thirds of the strangers, the public-data holder the last two thirds.
    """
    random = generator(settings.seed, Stream.TABLES)
    borrowers, outsiders = settings.firms, total - settings.firms
    known = {
        "bank": np.arange(borrowers),
        "platform": random.permutation(borrowers)[: round(borrowers * settings.platform_overlap)],
        "public": random.permutation(borrowers)[: round(borrowers * settings.public_overlap)],
    }
    third = outsiders // 3
    strangers = {
        "bank": np.arange(0),
        "platform": np.arange(borrowers, total - third),
        "public": np.arange(borrowers + third, total),
    }
    return {party: random.permutation(np.concatenate([known[party], strangers[party]])) for party in PARTIES}


def party_table(
    party: Party,
    settings: Settings,
    firms: Firms,
    flows: Flows,
    result: Outcome,
    codes: NDArray[np.str_],
    rows: Integers,
) -> pd.DataFrame:
    """The clean table of one party: the firms in `rows`, in that order."""
    import pandas as pd

    table: dict[str, object] = {KEY: pd.Series(codes[rows].astype(object), dtype="str")}
    if len(settings.countries) > 1:
        table["country"] = _text(settings.countries, firms.country[rows])
    if party == "bank":
        table["lender"] = _text(factors.LENDERS, firms.lender[rows])
    if party == "public":
        table["industry"] = _text(factors.INDUSTRIES, firms.industry[rows])
        table["region"] = _text(factors.REGIONS, firms.region[rows])
    for name, values in flows.columns[party].items():
        if name == "tax_grade":
            table[name] = _text(information.TAX_GRADES, values[rows].astype(np.int64))
        else:
            table[name] = values[rows]
    if party == "bank":
        table[LABEL] = result.default[rows].astype(np.int64)
    return pd.DataFrame(table)


def blank_cells(frame: pd.DataFrame, share: float, random: np.random.Generator) -> None:
    """Empty `share` of the feature cells of `frame`, in place; the key, names and label stay."""
    for name in frame.columns:
        # Columns that come and go with a switch draw nothing, so that the others' gaps stay in place.
        if name not in _ALWAYS_FILLED:
            empty: Flags = random.random(len(frame)) < share
            frame.loc[empty, name] = None


def _text(names: tuple[str, ...], places: Integers) -> pd.Series:
    import pandas as pd

    return pd.Series(np.array(names, dtype=object)[places], dtype="str")
