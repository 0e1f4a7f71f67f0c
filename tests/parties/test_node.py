"""What a node tells its own people, also where its disk was full when it happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from federation import files
from federation.errors import UsageError
from federation.ids import PartyId
from parties.home import PartyHome
from parties.node import PartyNode


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
