from __future__ import annotations

import re

from parties.report import plots
from parties.report.data import Coefficient, Sent
from parties.report.drawing import KINDS, name
from parties.report.words import Traffic


def test_only_the_heaviest_columns_are_drawn() -> None:
    svg = plots.coefficients([Coefficient(f"column_{n:02d}", (-1) ** n * n / 100) for n in range(50)])
    drawn = set(re.findall(r">(column_\d\d)<", svg))
    assert drawn == {f"column_{n:02d}" for n in range(30, 50)}


def test_many_message_types_share_the_last_colour_and_none_is_dropped() -> None:
    table = Traffic.of(tuple(Sent("bank-a", f"type-{n:02d}", 1, 1000 - n) for n in range(20)))
    svg = plots.traffic(table)
    shown = re.findall(r">(type-\d\d|others)<", svg)
    assert shown == [f"type-{n:02d}" for n in range(len(KINDS) - 1)] + ["others"]
    exact = Traffic.of(tuple(Sent("bank-a", f"type-{n:02d}", 1, 9) for n in range(len(KINDS))))
    assert "others" not in plots.traffic(exact)


def test_a_long_name_keeps_both_its_ends() -> None:
    short = name("a" * 30 + "-middle-" + "z" * 30, 20)
    assert len(short) == 20
    assert short.startswith("aaa")
    assert short.endswith("zzz")
    assert name("fits") == "fits"
