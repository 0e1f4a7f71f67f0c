"""Bads are counted under encryption: exact to whoever may know them, and nothing else to anyone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crypto.private import Private
from crypto.sealed import MaskedWords, WireRefused
from federation.errors import PlanRefused
from federation.ids import PartyId
from federation.message import Message
from federation.messages.scorecard import Binned, CellCounts, Grouped, OpenedCounts, Shapes
from federation.plan import Plan
from federation.session import Session
from parties.binning.book import BinningTable, counted
from parties.binning.fine import FineColumn, fine_columns
from parties.binning.woe import information_value, woe
from parties.dataset import ColumnRules
from parties.scorecard.counting import count_own, give_counts
from tests.parties.scorecard.world import config, plan_of, tables
from tests.seats import THREE, run_seats

ROWS = 4000
FRAMES = tables(ROWS)
BAD = FRAMES["bank"]["bad"].to_numpy(dtype=np.int8)
RULES = {"c": ColumnRules(special=(-999.0,))}
EVERY = np.ones(ROWS, dtype=np.bool_)


def fine(party: str, plan: Plan) -> tuple[FineColumn, ...]:
    rules = RULES if party == "platform" else {}
    return fine_columns(FRAMES[party], EVERY, config(party, **rules), plan.binning, [])


def cells(party: str, columns: tuple[FineColumn, ...]) -> np.ndarray:
    place = config(party).place
    return np.column_stack([each.codes(FRAMES[party][each.cuts.column], place) for each in columns])


def count(
    plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
    tamper: tuple[type[Message], Callable[[Any], Message]] | None = None,
    outcomes: np.ndarray = BAD,
) -> tuple[dict[str, tuple[BinningTable, ...]], list[tuple[str, str, Message]]]:
    """Every party's tables, and every message. `tamper`: what becomes of one kind."""
    sent: list[tuple[str, str, Message]] = []
    send = Session.send

    def noted(session: Session, to: PartyId, message: Message) -> None:
        if tamper is not None and isinstance(message, tamper[0]):
            message = tamper[1](message)
        sent.append((session.me, to, message))
        send(session, to, message)

    monkeypatch.setattr(Session, "send", noted)

    def own(party: str) -> Callable[[Session], tuple[BinningTable, ...]]:
        columns = fine(party, plan)
        return lambda session: count_own(session, plan, columns, Private(cells(party, columns)))

    parts = {
        "bank": lambda session: give_counts(session, plan, Private(outcomes)),
        "platform": own("platform"),
        "public": own("public"),
    }
    results = run_seats(THREE, {**parts, "aggregator": lambda session: None})
    return {party: results[party] for party in ("platform", "public")}, sent


def in_the_clear(party: str, plan: Plan) -> list[BinningTable]:
    columns = fine(party, plan)
    codes = cells(party, columns)
    return [
        counted(
            column,
            np.bincount(codes[BAD == 1, at], minlength=column.cells),
            plan.binning.method,
            plan.binning.bins,
        )
        for at, column in enumerate(columns)
    ]


@pytest.mark.parametrize("method", ["monotone", "quantile"])
def test_counts_are_those_of_the_pooled_table_and_travel_masked(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(binning={"method": method, "fine": 12}, limits={"equations_per_row": 0.02})
    found, sent = count(plan, monkeypatch)
    for party, books in found.items():
        assert list(books) == in_the_clear(party, plan)
    # What the label party opened and gave back is uniform: as words, far from any count.
    opened = np.concatenate([m.words.words() for _, _, m in sent if isinstance(m, OpenedCounts)])
    assert (opened > 1 << 30).mean() > 0.9
    assert {type(m).__name__ for sender, _, m in sent if sender != "bank"} == {"Binned", "CellCounts"}


def test_with_woe_alone_the_label_party_merges_nameless_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(binning={"disclose": "woe", "fine": 12})
    found, sent = count(plan, monkeypatch)
    for party, books in found.items():
        for table, clear in zip(books, in_the_clear(party, plan), strict=True):
            assert (table.column, table.bin_of, table.rows) == (clear.column, clear.bin_of, clear.rows)
            assert table.bad is None
            assert table.woe == tuple(np.round(clear.woe, 2))
            assert table.iv == math.floor(clear.iv * 100) / 100
    kinds = [type(m) for sender, to, m in sent if to == "platform" and sender == "bank"]
    assert kinds[1:] == [Grouped]
    (shapes,) = (m.shapes.shapes() for sender, _, m in sent if isinstance(m, Shapes) and sender == "platform")
    assert sorted(shapes[:, 2]) == [1, 1, 2]


def test_woe_and_iv_are_the_closed_form_over_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(binning={"fine": 12})
    found, _ = count(plan, monkeypatch)
    for party, books in found.items():
        for table in books:
            codes = pd.Series(table.codes(FRAMES[party][table.column], config(party).place))
            bads = np.bincount(codes[BAD == 1], minlength=len(table.rows))
            goods = np.bincount(codes[BAD == 0], minlength=len(table.rows))
            assert table.woe == pytest.approx(woe(goods, bads), abs=1e-6)
            assert table.iv == pytest.approx(information_value(goods, bads), abs=1e-6)


@pytest.mark.parametrize(
    ("disclose", "kind", "change", "told"),
    [
        ("counts", Binned, lambda m: Binned(m.cells * 50, m.columns), "gradient equations a row"),
        (
            "counts",
            OpenedCounts,
            lambda m: OpenedCounts(MaskedWords.of(m.words.words() ^ np.uint64(1))),
            "not the counts of these cells",
        ),
        ("woe", Shapes, lambda m: Shapes(type(m.shapes)(m.shapes.data[:-4])), "not of the columns"),
        ("woe", Grouped, lambda m: Grouped(m.groups, m.iv, m.iv), "not a WOE for each bin"),
        (
            "counts",
            CellCounts,
            lambda m: CellCounts(type(m.histogram)(m.histogram.key_id, 1, 3, m.histogram.parts)),
            "sums",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    disclose: str, kind: type[Message], change: Any, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(binning={"disclose": disclose, "fine": 4})
    with pytest.raises((WireRefused, PlanRefused), match=told):
        count(plan, monkeypatch, (kind, change))
