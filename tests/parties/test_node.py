"""What a node tells its own people, also where its disk was full when it happened."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from federation import files
from federation.errors import SessionEnded, UsageError
from federation.ids import PartyId
from parties.home import PartyHome
from parties.node import PartyNode
from parties.participation import NodeStopped


def test_what_a_full_disk_did_not_take_is_told_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, said = PartyHome.create(tmp_path / "bank", PartyId("bank")), list[str]()
    node, write = PartyNode(home, said.append), files.write_json

    def full(path: Path, value: Any) -> None:
        raise UsageError("cannot write: No space left on device", file=str(path), advice="Free space.")

    monkeypatch.setattr(files, "write_json", full)
    node._set_state("idle", "run", "the disk was full", "Free space.")
    node._look()
    assert not home.node_file.exists() and len(said) == 1 and "No space left" in said[0]
    monkeypatch.setattr(files, "write_json", write)
    node._look()
    assert files.read_json(home.node_file)["cause"] == "the disk was full"
    assert said[1:] == ["its disk answers again"]


def test_a_round_that_its_own_people_stopped_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = PartyHome.create(tmp_path / "bank", PartyId("bank"))
    node: Any = PartyNode(home, list[str]().append)

    def ended_by(party: str) -> None:
        def part(*_: object) -> None:
            raise SessionEnded(party, "bank stopped its node")

        monkeypatch.setattr("parties.node.take_part", part)

    ended_by("bank")
    with pytest.raises(SessionEnded):  # Not by a stop: this party's own side failed and had said so.
        node._take_part(None, None)
    node._stopping.set()
    with pytest.raises(NodeStopped, match=r"^bank stopped its node$"):
        node._take_part(None, None)
    ended_by("platform")
    with pytest.raises(SessionEnded, match="platform ended"):
        node._take_part(None, None)


def test_a_node_that_stops_takes_no_new_seat(tmp_path: Path) -> None:
    node: Any = PartyNode(PartyHome.create(tmp_path / "bank", PartyId("bank")), list[str]().append)
    node._stopping.set()
    with pytest.raises(NodeStopped):
        node._connect(None, None)


def test_a_node_that_is_not_joined_is_not_healthy(tmp_path: Path) -> None:
    node = PartyNode(PartyHome.create(tmp_path / "bank", PartyId("bank")), list[str]().append)
    health = node.vitals().health(dt.datetime.now(dt.UTC))
    assert (health["state"], health["connected"]) == ("starting", {"gate": False, "exchange": None})
    assert "the gate does not answer" in health["troubles"]
