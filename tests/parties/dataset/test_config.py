"""A configuration says what a column is, and every mistake in it is told at once."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from crypto.errors import UsageError
from parties.dataset import DatasetConfig, from_party_table

FULL = """
file = "loans.csv.gz"
key = "uscc"
key_type = "uscc"
label = "default_12m"
group = "holding"
size = "employees"
time = "approved_on"
dates = ["balance_date"]
exclude = ["branch"]
categorical = ["sector"]
units = { turnover = "10k-CNY" }
max_levels = 80
share_points = true
"""


def parse(text: str) -> DatasetConfig:
    return from_party_table("loans", tomllib.loads(text), party="bank", folder=Path("/home/bank"))


def test_a_full_table_is_read() -> None:
    assert parse(FULL) == DatasetConfig(
        name="loans",
        file=Path("/home/bank/loans.csv.gz"),
        key="uscc",
        key_type="uscc",
        label="default_12m",
        group="holding",
        size="employees",
        time="approved_on",
        dates=("balance_date",),
        exclude=("branch",),
        categorical=("sector",),
        units={"turnover": "10k-CNY"},
        max_levels=80,
        party="bank",
        share_points=True,
    )


def test_a_short_table_takes_the_defaults() -> None:
    config = parse('file = "a.csv"\nkey = "id"')
    assert not config.share_points
    assert (config.key_type, config.label, config.exclude, config.max_levels) == ("text", None, (), 60)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        parse(
            'key_type = "guid"\nexlude = ["x"]\nlabel = ""\nexclude = "x"\ncategorical = [1]\n'
            'units = { x = 1 }\nmax_levels = true\ngroup = 7\nsize = " "'
        )
    told = str(caught.value)
    for field in (
        "exlude",
        "key ",
        "file ",
        "key_type",
        "label",
        "exclude",
        "categorical",
        "units",
        "max_levels",
        "group",
        "size",
    ):
        assert f"[datasets.loans] {field}" in told
    assert caught.value.what.startswith("11 problems")
    assert "guid" not in told
    assert (caught.value.party, caught.value.file) == ("bank", "party.toml")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('label = "id"', "'id' is both key and label"),
        ('label = "y"\ngroup = "y"', "'y' is both label and group"),
        ('size = "id"', "'id' is both key and size"),
        ('time = "id"', "'id' is both key and time"),
        ('label = "y"\ndates = ["y"]', "dates names column 'y', which is the label"),
        ('categorical = ["a"]\ndates = ["a"]', "'a' is in both categorical and dates"),
        ('exclude = ["a", "a"]', "exclude names column 'a' twice"),
        ('categorical = ["a", "a"]', "categorical names column 'a' twice"),
        ('categorical = ["id"]', "categorical names column 'id', which is the key"),
        ('categorical = ["a"]\nexclude = ["a"]', "'a' is in both categorical and exclude"),
        ('units = { a = " " }', "units gives column 'a' an empty unit"),
        ("max_levels = 1", "from 2 to 1000"),
        ("max_levels = 1001", "from 2 to 1000"),
    ],
)
def test_contradictions_are_refused(more: str, told: str) -> None:
    with pytest.raises(UsageError, match=r"datasets\.loans") as caught:
        parse(f'file = "a.csv"\nkey = "id"\n{more}')
    assert told in str(caught.value)


def test_contradictions_are_told_together_with_other_problems() -> None:
    with pytest.raises(UsageError) as caught:
        parse('key = "id"\nlabel = "id"\nmax_levels = 0')
    for told in ("file is missing", "both key and label", "max_levels"):
        assert told in str(caught.value)


@pytest.mark.parametrize("table", [None, "loans.csv", [1]])
def test_what_is_no_table_is_refused(table: object) -> None:
    with pytest.raises(UsageError, match="must be a table"):
        from_party_table("loans", table, party="bank", folder=Path())


def test_one_made_by_hand_is_checked_like_a_table() -> None:
    with pytest.raises(UsageError, match=r"key is empty.*both label and group"):
        DatasetConfig("loans", Path("a.csv"), " ", label="y", group="y")


def test_units_cannot_be_changed_afterwards() -> None:
    units = {"a": "CNY"}
    config = DatasetConfig("loans", Path("a.csv"), "id", units=units)
    units["a"] = "10k-CNY"
    assert config.units["a"] == "CNY"
    with pytest.raises(TypeError):
        config.units["a"] = "10k-CNY"  # type: ignore[index]


def test_features_are_what_has_no_other_role() -> None:
    header = ["uscc", "default_12m", "holding", "branch", "employees", "sector", "turnover"]
    assert parse(FULL).feature_columns(header) == ("employees", "sector", "turnover")


def test_every_absent_column_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        parse(FULL).check_columns(["uscc", "holding", "Branch", "sector"])
    told = str(caught.value)
    for column in ("default_12m", "branch", "employees", "turnover"):
        assert f"column {column!r}" in told
    assert "holding" not in told
    present = ["uscc", "default_12m", "holding", "branch", "employees", "sector", "turnover"]
    parse(FULL).check_columns([*present, "approved_on", "balance_date"])


def test_the_time_of_the_decision_and_other_dates_are_no_features() -> None:
    config = parse('file = "a.csv"\nkey = "id"\ntime = "approved"\ndates = ["seen"]')
    assert config.feature_columns(["id", "approved", "seen", "x"]) == ("x",)
