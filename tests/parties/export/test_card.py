"""One scorecard, three programs: the score of a round, of a database and of a PMML engine are the same."""

from __future__ import annotations

import json
import re
import sqlite3
import xml.etree.ElementTree as ET
from dataclasses import replace

import pandas as pd
import pytest

from crypto.errors import UsageError
from federation.ids import PartyId
from parties.export import json_form
from parties.export.card import Case, Characteristic, PointsCard
from parties.export.pmml import pmml
from parties.export.sql import sql
from tests.parties.export.cards import CONFIG, KINDS, card, firms, scores, tables, trying
from tests.parties.export.evaluator import check_shape, evaluate

FRAME = firms()
FOUND = tables(FRAME)
ROWS = pd.concat([FRAME.iloc[60:200], trying(FRAME, FOUND)], ignore_index=True)


def by_database(made: PointsCard, rows: pd.DataFrame) -> list[float]:
    with sqlite3.connect(":memory:") as database:
        plain = rows.rename(columns=dict(zip(KINDS, made.names(), strict=True)))
        plain.to_sql("applicants", database, index=False)
        return [score for _, score in database.execute(sql(made, "firm")).fetchall()]


def as_cells(rows: pd.DataFrame, made: PointsCard) -> list[dict[str, object]]:
    """Rows as a PMML engine is given them: numbers, texts, or nothing."""
    plain = []
    for _, row in rows.iterrows():
        cells = {name: row[column] for name, column in zip(made.names(), KINDS, strict=True)}
        plain.append(
            {
                name: None if pd.isna(cell) else cell.strip() if isinstance(cell, str) else float(cell)
                for name, cell in cells.items()
            }
        )
    return plain


@pytest.mark.parametrize("decimals", [0, 2])
def test_database_and_pmml_give_each_firm_the_score_of_the_round_to_the_last_bit(decimals: int) -> None:
    made = card(FOUND, decimals)
    wanted = scores(made, FOUND, ROWS)
    assert len(set(wanted)) > 10
    assert by_database(made, ROWS) == wanted
    document = pmml(made, 4)
    for cells, score in zip(as_cells(ROWS, made), wanted, strict=True):
        assert float(evaluate(document, cells)[0]) == score


def test_a_firm_alone_has_the_score_that_it_has_among_others() -> None:
    made = card(FOUND, 2)
    together = by_database(made, ROWS)
    for place in range(0, len(ROWS), 7):
        alone = ROWS.iloc[[place]].reset_index(drop=True)
        assert by_database(made, alone) == [together[place]] == scores(made, FOUND, alone)


def test_reasons_are_the_columns_that_lose_most_against_their_best_bins() -> None:
    made = card(FOUND, 0)
    cells = as_cells(ROWS.iloc[:40], made)
    for place, row in enumerate(cells):
        lost = {
            each.code: each.best - each.points[int(table.codes(ROWS[table.column], CONFIG.place)[place])]
            for table, each in zip(FOUND, made.characteristics, strict=True)
        }
        codes = evaluate(pmml(made, 4), row)[1]
        assert [lost[code] for code in codes] == sorted(lost.values(), reverse=True)


def test_pmml_has_the_elements_of_the_schema_in_their_order() -> None:
    document = pmml(card(FOUND, 1), 3)
    root = ET.fromstring(document.encode())
    check_shape(root)
    ranks = [each.get("rank") for each in root.iter("{http://www.dmg.org/PMML-4_4}OutputField")]
    assert ranks == [None, "1", "2", "3"]


def test_a_character_that_xml_lacks_is_a_clear_error_and_no_problem_elsewhere() -> None:
    made = card(FOUND, 0)
    odd = replace(made.characteristics[3], cases=(Case(0, levels=("a\x01",)), Case(1, rest=True)))
    made = replace(made, characteristics=(*made.characteristics[:3], odd, made.characteristics[4]))
    with pytest.raises(UsageError, match="XML") as refused:
        pmml(made, 4)
    assert (refused.value.party, refused.value.field) == ("platform", "state")
    assert by_database(made, ROWS)


def test_columns_of_one_name_at_two_parties_are_told_apart() -> None:
    made = card(FOUND, 0)
    twin = replace(made.characteristics[0], party=PartyId("public"))
    both = replace(made, characteristics=(*made.characteristics, twin))
    assert both.names() == ("bank.turnover", *list(KINDS)[1:], "public.turnover")


def test_a_table_reads_back_from_json_as_it_was_and_nothing_else_does() -> None:
    made = card(FOUND, 2)
    saved = json.loads(json.dumps(json_form.whole(made), allow_nan=False))
    assert tuple(map(Characteristic.from_dict, saved["characteristics"])) == made.characteristics
    one = saved["characteristics"][0]
    for wrong in (
        {"bins": []},
        {"bins": [{"bin": "x", "points": 1.5}]},
        {"cases": [{"bin": 99, "rest": True}]},
        {"cases": [{"bin": 0, "rest": True, "missing": True}]},
        {"cases": [{"bin": 0, "low": float("nan")}]},
        {"kind": "text"},
    ):
        with pytest.raises((KeyError, TypeError, ValueError)):
            Characteristic.from_dict({**one, **wrong})


def test_sql_keeps_to_words_that_every_database_has() -> None:
    text = re.sub(r"'[^']*'|\"[^\"]*\"|--.*", "", sql(card(FOUND, 2), "firm"))
    words = set(re.findall(r"[A-Z]{2,}", text))
    assert words <= {
        "SELECT",
        "CASE",
        "WHEN",
        "IS",
        "NULL",
        "THEN",
        "IN",
        "AND",
        "OR",
        "ELSE",
        "END",
        "AS",
        "FROM",
        "TRIM",
    }
