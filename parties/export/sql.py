"""A scorecard as one SELECT in standard SQL (ISO/IEC 9075): CASE, IN, comparisons, sums of whole numbers.

Numbers are approximate literals (1E0), which compare as the doubles that the bins were made of. Texts are
trimmed and compared letter by letter, as the parties do; truth values are the texts true and false in large
or small letters. Points are whole numbers until the sum is divided once, so the score has the same bits as in
a round.
"""

from __future__ import annotations

from parties.export.card import Case, Characteristic, PointsCard


def sql(card: PointsCard, key: str, table: str = "applicants") -> str:
    """The statement: the column `key` and the score of each row of `table`."""
    terms = [_term(name, each) for name, each in zip(card.names(), card.characteristics, strict=True)]
    total = "\n    + ".join([str(card.base), *terms])
    score = total if not card.decimals else f"(\n    {total}\n  ) / {10**card.decimals}.0"
    return (
        f"-- Scorecard of run {card.run}, model hash {card.model_hash}.\n"
        f"-- One row of {_named(table)} is an applicant, its columns named as below.\n"
        f"SELECT\n  {_named(key)},\n  {score} AS {_named('score')}\nFROM {_named(table)};\n"
    )


def _term(name: str, characteristic: Characteristic) -> str:
    column = _named(name)
    texts = characteristic.kind == "levels"
    if texts:
        column = f"TRIM({column})"
        if {level for case in characteristic.cases for level in case.levels} <= {"true", "false"}:
            column = f"LOWER({column})"  # Truth values, which programs write in their own ways.
    lines = [
        f"        {_condition(column, case, texts=texts)} {characteristic.points[case.bin]}"
        for case in characteristic.cases
    ]
    return "\n".join(["CASE", *lines, "      END"])


def _condition(column: str, case: Case, *, texts: bool) -> str:
    if case.rest:
        return "ELSE"
    if case.missing:
        empty = f" OR {column} = ''" if texts else ""
        return f"WHEN {column} IS NULL{empty} THEN"
    values = [_number(code) for code in case.codes] or [_text(level) for level in case.levels]
    if values:
        return f"WHEN {column} IN ({', '.join(values)}) THEN"
    bounds = [f"{column} >= {_number(case.low)}"] if case.low is not None else []
    bounds += [f"{column} < {_number(case.high)}"] if case.high is not None else []
    return f"WHEN {' AND '.join(bounds)} THEN"


def _number(value: float) -> str:
    """The shortest literal that reads back as the same double."""
    shown = repr(value)
    return shown.upper() if "e" in shown else f"{shown}E0"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
