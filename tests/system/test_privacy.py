"""The data owner's ledger binds a round: it is written before anything leaves, and a budget refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from parties.privacy.chain import LedgerRefused
from tests.system.federation import Federation
from tests.system.in_memory import rehearse


@pytest.fixture
def budget(unstarted: Federation) -> Iterator[Path]:
    """party.toml of the bank, whose owner has set a budget. As it was again afterwards."""
    path = unstarted.party("bank") / "party.toml"
    before = path.read_text()
    path.write_text(before + "\n[datasets.data.privacy]\nepsilon = 3.0\ndelta = 1e-5\n")
    yield path
    path.write_text(before)


def test_a_data_set_with_a_budget_is_not_told_of_without_noise(unstarted: Federation, budget: Path) -> None:
    seen = rehearse(unstarted, unstarted.plan())
    assert "privacy budget" in str(seen.errors["bank"]) and seen.errors["bank"].field == "privacy.unit"
    assert "bank" not in {sender for heard in seen.opened.values() for sender in heard}
    assert all(error is seen.errors["bank"] or "budget" in error.cause for error in seen.errors.values())


def test_a_round_stands_in_the_ledger_of_every_party(unstarted: Federation) -> None:
    seen = rehearse(unstarted, unstarted.plan())
    assert seen.errors == {}
    run = seen.attempt.partition("|")[0]
    for party in ("bank", "platform", "public"):
        lines = (unstarted.party(party) / "privacy" / "ledger.jsonl").read_text().splitlines()
        (charged,) = [line for line in map(json.loads, lines) if line.get("run") == run]
        assert charged["kind"] == "reserve"


def test_a_ledger_that_was_changed_lets_nothing_out(unstarted: Federation) -> None:
    assert rehearse(unstarted, unstarted.plan()).errors == {}
    ledger = unstarted.party("public") / "privacy" / "ledger.jsonl"
    written = ledger.read_text()
    ledger.write_text(written.replace("credit", "debit", 1))
    try:
        seen = rehearse(unstarted, unstarted.plan())
    finally:
        ledger.write_text(written)
    assert isinstance(seen.errors["public"], LedgerRefused)
    assert "public" not in {sender for heard in seen.opened.values() for sender in heard}
