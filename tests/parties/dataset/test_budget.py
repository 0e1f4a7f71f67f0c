"""An owner's budget is read from party.toml, and its mistakes are told with all others."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from crypto.errors import UsageError
from parties.dataset import DatasetConfig, from_party_table
from parties.dataset.budget import Budget

TABLE = 'file = "a.csv"\nkey = "id"\n'


def read(text: str) -> DatasetConfig:
    return from_party_table("loans", tomllib.loads(TABLE + text), party="spain", folder=Path())


def test_a_budget_is_read() -> None:
    assert read("").privacy is None
    assert read("[privacy]\nepsilon = 3\ndelta = 1e-5").privacy == Budget(3.0, 1e-5)
    whole = '[privacy]\nepsilon = 3.0\ndelta = 1e-5\nunit = "party"\naccount = "retail"'
    assert read(whole).privacy == Budget(3.0, 1e-5, "party", "retail")


def test_every_problem_is_told_with_those_of_the_dataset() -> None:
    with pytest.raises(UsageError) as caught:
        read('labl = "x"\n[privacy]\nepsilon = 0\nunit = "bank"\ndlta = 1\naccount = " "')
    told = str(caught.value)
    assert "[datasets.loans] labl" in told
    for field in ("epsilon", "delta", "unit", "dlta", "account"):
        assert f"[datasets.loans.privacy] {field}" in told
    assert caught.value.what.startswith("6 problems")


@pytest.mark.parametrize(
    "wrong",
    [
        "privacy = 3",
        "[privacy]",
        "[privacy]\nepsilon = true\ndelta = 1e-5",
        "[privacy]\nepsilon = nan\ndelta = 1e-5",
        "[privacy]\nepsilon = inf\ndelta = 1e-5",
        '[privacy]\nepsilon = "3"\ndelta = 1e-5',
        "[privacy]\nepsilon = 3.0\ndelta = 0.5",
        "[privacy]\nepsilon = 3.0\ndelta = 1e-30",
    ],
)
def test_a_budget_that_bounds_nothing_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError):
        read(wrong)
