"""docs/privacy.md: its figures are what this code computes, its configuration is accepted."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from crypto.accounting import Gaussian, epsilon
from parties.dataset import from_party_table
from parties.dataset.budget import Budget
from parties.privacy.events import Noised, plan_events

PAGE = (Path(__file__).parents[3] / "docs" / "privacy.md").read_text(encoding="utf-8")


def rows(columns: int) -> list[tuple[float, ...]]:
    """The rows of all tables with so many columns of plain numbers."""
    line = r"^" + r"\| ([0-9.]+) " * columns + r"\|$"
    return [tuple(map(float, found)) for found in re.findall(line, PAGE, re.M)]


def test_there_are_two_tables_of_figures() -> None:
    assert len(rows(4)) == 10


@pytest.mark.parametrize(("count", "noise", "steps", "told"), [row for row in rows(4) if row[0] >= 1000])
def test_the_epsilon_of_a_record_is_as_told(count: float, noise: float, steps: float, told: float) -> None:
    plan = Noised("record", noise, 1e-5, 8.0, rounds=10, local_epochs=2, batch_size=128)
    events = plan_events(plan, int(count))
    assert events[0].count == steps
    assert epsilon(events, 1e-5) == pytest.approx(told, abs=0.0051)


@pytest.mark.parametrize(("rounds", "noise", "party", "record"), [row for row in rows(4) if row[0] < 1000])
def test_the_epsilon_of_a_party_is_as_told(rounds: float, noise: float, party: float, record: float) -> None:
    assert epsilon([Gaussian(noise, int(rounds))], 1e-5) == pytest.approx(party, abs=0.0051)
    assert epsilon([Gaussian(noise / 2, int(rounds))], 1e-5) == pytest.approx(record, abs=0.0051)


def test_the_budget_that_is_shown_is_accepted(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    table = tomllib.loads(block)["datasets"]["loans"]
    dataset = from_party_table("loans", table, party="bank", folder=tmp_path)
    assert dataset.privacy == Budget(3.0, 1e-5)
