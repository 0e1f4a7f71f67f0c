"""Whoever starts a node is told what of its data may not leave yet."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from parties.governance.readiness import ungranted
from parties.governance.shelf import Shelf
from parties.home import PartyHome
from tests import governed
from tests.parties.governance.world import PLATFORM, bank, put

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def home(tmp_path: Path) -> PartyHome:
    return bank(tmp_path / "bank")


def test_a_dataset_with_a_grant_in_force_is_not_spoken_of(home: PartyHome) -> None:
    put(home)
    assert ungranted(home, NOW) == ()


def test_a_dataset_without_a_grant_is_told_with_the_next_step(home: PartyHome) -> None:
    (told,) = ungranted(home, NOW)
    assert "there is no grant" in told and "isthmus grant new" in told


def test_a_grant_that_is_over_or_taken_back_counts_as_none(home: PartyHome) -> None:
    put(home)
    assert "in force" in ungranted(home, NOW + dt.timedelta(days=366))[0]
    Shelf(home).revoke("test", "", NOW)
    assert "in force" in ungranted(home, NOW)[0]


def test_a_dataset_without_a_manifest_is_told_too(home: PartyHome) -> None:
    Shelf(home).manifest_file("data").unlink()
    assert "no manifest" in ungranted(home, NOW)[0]


def test_a_foreign_grant_is_told_and_ends_no_start(home: PartyHome) -> None:
    put(home)
    Shelf(home).grant_file("test").write_bytes(b"{}")
    assert "no grant counts" in ungranted(home, NOW)[0]


def test_a_grant_to_a_partner_that_has_another_key_now_counts_as_none(home: PartyHome) -> None:
    put(home)
    (home.folder / "pins.json").unlink()
    home.pin(PLATFORM, governed.identity("somebody else").public.fingerprint)
    assert "no grant of it is in force" in ungranted(home, NOW)[0]
