"""Rules for single columns are read, checked against each other, and never repeat a refused value."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from crypto.errors import UsageError
from parties.dataset import ColumnRules, DatasetConfig, from_party_table

HEAD = 'file = "a.csv"\nkey = "id"\nlabel = "bad"\nexclude = ["branch"]\n'


def parse(text: str) -> DatasetConfig:
    return from_party_table("loans", tomllib.loads(HEAD + text), party="bank", folder=Path())


def test_rules_are_read_and_a_column_without_any_has_empty_ones() -> None:
    config = parse(
        '[columns.turnover]\nspecial = [-999]\nsplits = [1e5, 1000000]\ntrend = "ascending"\n'
        '[columns.sector]\ngroups = [["A", "B"], ["C"]]\nreason = { en = "Sector", zh = "行业" }'
    )
    assert config.rules("turnover") == ColumnRules((-999.0,), (1e5, 1e6), (), "ascending")
    assert config.rules("sector").groups == (("A", "B"), ("C",))
    assert config.rules("sector").reason == {"en": "Sector", "zh": "行业"}
    assert config.rules("other") == ColumnRules()


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("splits = [2, 1]", "splits must be finite numbers in ascending order"),
        ("splits = [1, 1]", "splits must be"),
        ("special = [nan]", "special must be different finite numbers"),
        ('special = ["x4711"]', "special must be a list of numbers"),
        ('groups = ["x4711"]', "groups must be a list of lists"),
        ('groups = [["x4711"], ["x4711"]]', "no level empty or in two of them"),
        ("groups = [[]]", "groups must be lists of levels"),
        ('trend = "x4711"', "trend must be one of: auto, ascending, descending, none"),
        ('reason = { fr = "x4711" }', "for some of: en, zh"),
        ("special = 4711", "special must be a list of numbers"),
        ("spilts = [1]", "spilts is not known here"),
        ('splits = [1]\ngroups = [["a"]]', "both splits and groups"),
    ],
)
def test_what_is_wrong_is_told_with_the_column_and_without_the_value(rules: str, told: str) -> None:
    with pytest.raises(UsageError, match="turnover") as caught:
        parse(f"[columns.turnover]\n{rules}")
    assert told in str(caught.value)
    assert "4711" not in str(caught.value)


@pytest.mark.parametrize("column", ["id", "bad", "branch"])
def test_only_features_have_rules(column: str) -> None:
    with pytest.raises(UsageError, match=f"columns.{column} has rules"):
        parse(f"[columns.{column}]\nspecial = [1]")


def test_a_column_that_the_table_lacks_is_named() -> None:
    with pytest.raises(UsageError, match="columns names column 'turnover'"):
        parse("[columns.turnover]\nspecial = [1]").check_columns(["id", "bad", "branch", "sales"])
