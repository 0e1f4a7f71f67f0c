"""A round under manifest and grants: each frame has its verdict, and a grant taken back stops the round."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator

import pytest

from crypto.envelope import SessionKeys
from federation.errors import GrantRefused, SessionEnded
from federation.governance.guard.verdict import rederive
from federation.journal import Entry, read
from parties.governance.evidence import ENTITIES, POLICY, VERDICTS
from parties.governance.shelf import Shelf
from parties.home import PartyHome
from tests.system.federation import Federation
from tests.system.in_memory import rehearse

PARTIES = ("bank", "platform", "public")


def binding(entry: Entry) -> bytes:
    """What the journal says that the frame was bound to, as it travels in front of the message."""
    fields = {
        "grants": list(entry.grants),
        "purpose": entry.purpose,
        "number": entry.number,
        "lineage": entry.lineage,
        "form": entry.form,
        "verdict": entry.verdict,
    }
    return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).digest()


def test_every_frame_that_left_was_allowed_and_its_verdict_is_decided_again(
    unstarted: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: dict[str, set[bytes]] = {party: set() for party in (*PARTIES, "aggregator")}
    opens = SessionKeys.open

    def heard(self: SessionKeys, sender: str, envelope: bytes) -> bytes:
        message = opens(self, sender, envelope)
        opened[sender].add(message[:32])
        return message

    monkeypatch.setattr(SessionKeys, "open", heard)
    seen = rehearse(unstarted, unstarted.plan())
    assert seen.errors == {}
    for party in PARTIES:
        folder = PartyHome.open(unstarted.party(party)).round_folder(seen.run)
        lines = (folder / VERDICTS).read_bytes().splitlines()
        policy = (folder / POLICY).read_text()
        (entities,) = (folder / ENTITIES).read_bytes().splitlines()
        assert rederive(policy, entities, lines) is None
        allowed = {
            hashlib.sha256(line).hexdigest(): json.loads(line)["request"]["context"]
            for line in lines
            if json.loads(line)["decision"] == "allow"
        }
        entries = read(folder / "journal.jsonl")
        assert [entry.number for entry in entries] == list(range(len(entries)))
        for entry in entries:
            asked = allowed[entry.verdict]
            assert (asked["type"], asked["to"], asked["form"]) == (entry.type, entry.to, entry.form)
            assert entry.grants == ("test-0",)
        sealed = [entry for entry in entries if entry.type != "session/greeting"]
        assert {binding(entry) for entry in sealed} == opened[party]


@pytest.fixture
def taken_back(unstarted: Federation, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The platform's grant is revoked when its third residual share leaves; as it was again afterwards."""
    shelf = Shelf(PartyHome.open(unstarted.party("platform")))
    (kept, *_) = shelf.grants()
    seal, after = SessionKeys.seal, list[str]()

    def sealed(self: SessionKeys, to: str, message: bytes) -> bytes:
        if self._me == "platform" and b"logistic/products" in message[:80]:
            if not after:
                shelf.revoke(kept.grant.id, "contract ended", dt.datetime.now(dt.UTC))
            after.append(to)
        return seal(self, to, message)

    monkeypatch.setattr(SessionKeys, "seal", sealed)
    yield after
    shelf.revocation_file(kept.grant.id).unlink()


def test_a_grant_taken_back_in_the_middle_stops_the_round_at_every_party(
    unstarted: Federation, taken_back: list[str]
) -> None:
    seen = rehearse(unstarted, unstarted.plan())
    refused = seen.errors["platform"]
    assert isinstance(refused, GrantRefused) and refused.rule == "G-EXPIRED"
    assert len(taken_back) == 1  # What was sealed when it was revoked; nothing after it.
    for other in ("bank", "public", "aggregator"):
        ended = seen.errors[other]
        assert isinstance(ended, SessionEnded) and "G-EXPIRED" in ended.cause and "platform" in ended.cause
        assert "contract ended" not in ended.cause
