"""What is taken for durable is what fsync(2) promises, and no more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.faults.durable import Durable
from federation import files
from federation.ids import PartyId
from federation.journal import Entry, FileJournal, read


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Durable]]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "kept").write_bytes(b"before")
    monkeypatch.setattr(os, "fsync", os.fsync)  # Put back afterwards.
    durable = Durable(home)
    durable.follow()
    yield home, durable


def left(durable: Durable, tmp_path: Path) -> Path:
    durable.leave(tmp_path / "left")
    return tmp_path / "left"


def test_what_was_not_fsynced_is_lost(followed: tuple[Path, Durable], tmp_path: Path) -> None:
    home, durable = followed
    (home / "kept").write_bytes(b"after")
    (home / "new").write_bytes(b"new")
    (home / "folder").mkdir()
    after = left(durable, tmp_path)
    assert (after / "kept").read_bytes() == b"before"
    assert [each.name for each in after.iterdir()] == ["kept"]


def test_a_file_that_was_fsynced_has_no_name_until_its_folder_is(
    followed: tuple[Path, Durable], tmp_path: Path
) -> None:
    home, durable = followed
    with (home / "new").open("wb") as file:
        file.write(b"new")
        file.flush()
        os.fsync(file.fileno())
    assert not (left(durable, tmp_path) / "new").exists()
    files.sync_folder(home)
    assert (left(durable, tmp_path) / "new").read_bytes() == b"new"


def test_every_file_that_is_written_whole_is_there_afterwards(
    followed: tuple[Path, Durable], tmp_path: Path
) -> None:
    home, durable = followed
    files.write(home / "rounds" / "one" / "model.json", b"{}")
    files.write(home / "kept", b"after")
    after = left(durable, tmp_path)
    assert (after / "rounds" / "one" / "model.json").read_bytes() == b"{}"
    assert (after / "kept").read_bytes() == b"after"
    assert len(list(after.rglob("*"))) == 4


def test_a_journal_that_was_closed_is_there_afterwards(
    followed: tuple[Path, Durable], tmp_path: Path
) -> None:
    home, durable = followed
    journal = FileJournal(home / "journal.jsonl")
    journal.append(Entry("round/progress", PartyId("bank"), 1, "00", "credit"))
    journal.close()
    assert len(read(left(durable, tmp_path) / "journal.jsonl")) == 1
