"""A round stands on what every owner signed: what none covers is refused before anything leaves."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from federation.errors import GrantRefused, SessionEnded
from federation.governance.grant import GrantLimits
from federation.journal import Entry, FileJournal
from parties.governance.knowing import pinned
from parties.governance.shelf import Shelf
from parties.governance.spending import Spending
from parties.home import PartyHome
from tests import governed
from tests.system.federation import Federation
from tests.system.in_memory import Seen, rehearse

OTHERS = dict.fromkeys(("bank", "public", "aggregator"), "CN")


def platform(founded: Federation) -> PartyHome:
    return PartyHome.open(founded.party("platform"))


@contextmanager
def granting(founded: Federation, **changes: Any) -> Iterator[None]:
    """The platform has this one grant of its dataset meanwhile, instead of those that it has."""
    shelf = Shelf(platform(founded))
    folder, kept = shelf.folder / "grants", shelf.folder / "kept"
    folder.rename(kept)
    name = f"only-{len(list(platform(founded).ledger().entries()))}"
    try:
        known = changes.pop("whom", pinned(platform(founded)))
        said = {"to": OTHERS, "id": name, **changes}
        shelf.put(governed.grant_of(shelf.manifest("data"), whom=known, **said))
        yield
    finally:
        shelf.grant_file(name).unlink(missing_ok=True)
        folder.rmdir()
        kept.rename(folder)


def entries(founded: Federation, kind: str) -> list[dict[str, Any]]:
    read = [json.loads(line) for line in platform(founded).ledger().entries()]
    return [entry for entry in read if entry["kind"] == kind]


def refusal(founded: Federation, seen: Seen) -> GrantRefused:
    error = seen.errors["platform"]
    assert isinstance(error, GrantRefused)
    assert seen.relayed == []
    (told,) = [entry for entry in entries(founded, "refusal") if entry["run"] == seen.run]
    assert told["rule"] == error.rule
    return error


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"purpose": "marketing"}, "G-PURPOSE"),
        ({"to": {"bank": "CN", "aggregator": "CN"}}, "G-GRANT"),
        ({"to": {**OTHERS, "public": "SG"}}, "G-TRANSFER"),
        ({"fields": ("firm",)}, "G-GRANT"),
        ({"valid_until": dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)}, "G-EXPIRED"),
        ({"limits": GrantLimits(max_equations_per_row=0.001)}, "G-LIMIT"),
        ({"manifest_sha256": "0" * 64}, "G-MANIFEST"),
    ],
)
def test_an_order_that_no_grant_covers_is_refused_before_anything_is_sent(
    unstarted: Federation, changes: dict[str, Any], rule: str
) -> None:
    with granting(unstarted, **changes):
        error = refusal(unstarted, rehearse(unstarted, unstarted.plan()))
    assert error.rule == rule and error.party == "platform"
    assert rule in error.cause and "turnover" not in error.cause


def test_a_grant_for_one_run_lets_one_through(unstarted: Federation) -> None:
    with granting(unstarted, limits=GrantLimits(max_runs=1)):
        seen = rehearse(unstarted, unstarted.plan())
        assert seen.errors == {}
        second = rehearse(unstarted, unstarted.plan())
        assert refusal(unstarted, second).rule == "G-LIMIT"


def test_what_a_round_spent_is_what_its_journal_shows(unstarted: Federation) -> None:
    home = platform(unstarted)
    with granting(unstarted):
        (kept,) = Shelf(home).grants()
        seen = rehearse(unstarted, unstarted.plan())
        assert seen.errors == {}
        spent = Spending(home, "platform").spent([kept.grant.id])[kept.grant.id]
    lines = (home.round_folder(seen.run) / "journal.jsonl").read_text().splitlines()
    assert spent.egress_bytes == sum(json.loads(line)["size"] for line in lines) > 0
    assert (spent.runs, spent.rounds, spent.psi_runs, spent.equations_per_row) == (1, 1, 1, 0.02)


def test_an_order_that_was_accepted_names_its_grants_in_the_ledger(unstarted: Federation) -> None:
    home = platform(unstarted)
    with granting(unstarted):
        (kept,) = Shelf(home).grants()
        seen = rehearse(unstarted, unstarted.plan())
        manifest = Shelf(home).manifest("data").digest
    (told,) = [entry for entry in entries(unstarted, "plan") if entry["run"] == seen.run]
    assert told["grants"] == [kept.grant.id] and told["manifest"] == manifest


@pytest.mark.parametrize("lines", [1, 12, 40])
def test_a_grant_that_is_revoked_in_mid_run_ends_the_run_at_every_party(
    unstarted: Federation, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    """The platform's owner revokes once `lines` frames have left it."""
    home, appends, left = platform(unstarted), FileJournal.append, []

    def append(journal: FileJournal, entry: Entry) -> None:
        appends(journal, entry)
        if home.folder in journal.path.parents and journal.path.name == "journal.jsonl":
            left.append(entry)
            if len(left) == lines:
                Shelf(home).revoke(
                    Shelf(home).grants()[0].grant.id, "a contract ended", dt.datetime.now(dt.UTC)
                )

    monkeypatch.setattr(FileJournal, "append", append)
    with granting(unstarted):
        seen = rehearse(unstarted, unstarted.plan())
    error = seen.errors["platform"]
    assert isinstance(error, GrantRefused) and error.rule == "G-EXPIRED" and "grant only-" in error.what
    for other in ("bank", "public"):
        told = seen.errors[other]
        assert isinstance(told, SessionEnded)
        assert (told.by, told.given_cause) == ("platform", error.cause)
    cause = r"IST-3504: party platform: G-EXPIRED: grant only-\S+ was revoked on [-0-9]{10} \d\d:\d\d UTC"
    assert re.fullmatch(cause, error.cause)
    assert len(left) == lines  # Nothing left after it.
    (closed,) = [entry for entry in entries(unstarted, "close") if entry["run"] == seen.run]
    assert closed["state"] == "failed"


def test_taking_the_record_of_what_was_spent_away_gives_no_limit_back(unstarted: Federation) -> None:
    folder = Shelf(platform(unstarted)).folder
    with granting(unstarted, limits=GrantLimits(max_runs=1)):
        assert rehearse(unstarted, unstarted.plan()).errors == {}
        before = {path: path.read_bytes() for path in folder.glob("spent.*")}
        for path in before:
            path.unlink()
        try:
            seen = rehearse(unstarted, unstarted.plan())
            assert "the ledger tells of attempt 1" in str(seen.errors["platform"]) and seen.relayed == []
        finally:
            for path, data in before.items():
                path.write_bytes(data)


def test_a_changed_count_of_what_was_spent_lets_nothing_out(unstarted: Federation) -> None:
    assert rehearse(unstarted, unstarted.plan()).errors == {}
    file: Path = Shelf(platform(unstarted)).folder / "spent.jsonl"
    before = file.read_text()
    file.write_text(before.replace('"rounds":1', '"rounds":0', 1))
    try:
        seen = rehearse(unstarted, unstarted.plan())
    finally:
        file.write_text(before)
    assert "grants have spent" in str(seen.errors["platform"]) and seen.relayed == []
