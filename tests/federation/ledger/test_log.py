"""A log holds what was written, whole, whoever writes beside; what was changed in it is found and named."""

from __future__ import annotations

import datetime as dt
import errno
import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from crypto import note
from crypto.identity import Identity
from crypto.merkle import Tree, leaf_hash, verify_consistency, verify_inclusion
from federation.errors import UsageError
from federation.ledger.entries import parsed
from federation.ledger.log import Ledger, LedgerCorrupt, check_federation, origin

OWNER = Identity.generate()
BANK = origin("sme", "bank")
NOW = dt.datetime(2026, 11, 27, 9, 0, 0, tzinfo=dt.UTC)


def opened(folder: Path) -> Ledger:
    return Ledger(folder, BANK, OWNER.public, lambda: NOW)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Ten entries, with checkpoints over 3, 7 and 10 of them."""
    made = opened(tmp_path)
    for number in range(10):
        if number in (3, 7):
            made.checkpoint(OWNER)
        made.append("grant", grant=f"g{number}", sha256=f"{number:064x}")
    made.checkpoint(OWNER)
    return made


def rewrite(ledger: Ledger, lines: list[bytes]) -> None:
    ledger.file.write_bytes(b"".join(line + b"\n" for line in lines))


def test_what_is_written_is_there_when_it_is_opened_again(ledger: Ledger) -> None:
    again = opened(ledger.folder)
    assert again.size == 10
    assert again.root() == ledger.root() == Tree(map(leaf_hash, ledger.entries())).root()
    first = {"kind": "grant", "at": "2026-11-27T09:00:00Z", "grant": "g0", "sha256": "0" * 64}
    assert parsed(again.entries()[0]) == first
    assert again.append("start") == 10
    assert ledger.size == 11  # What another has added is seen at once.
    verify_consistency(10, 11, again.root(10), ledger.root(), ledger.consistency(10, 11))
    verify_inclusion(leaf_hash(again.entries()[4]), 4, 11, ledger.inclusion(4, 11), again.root())


def test_files_are_for_this_user_alone(ledger: Ledger) -> None:
    for path in (ledger.file, ledger.head_file, ledger.note_file(7)):
        assert path.stat().st_mode & 0o077 == 0


def test_a_checkpoint_is_a_note_that_its_owner_signed(ledger: Ledger) -> None:
    text = ledger.note_file(7).read_text()
    state = note.opened(text, OWNER.public)
    assert (state.origin, state.size, state.root) == ("isthmus/sme/bank", 7, ledger.root(7))
    cosigned = note.with_cosignature(text, note.cosign(text, Identity.generate(), "platform", 1))
    ledger.keep(cosigned)
    assert ledger.note_file(7).read_text() == cosigned


def test_a_changed_entry_is_found_and_named(ledger: Ledger) -> None:
    lines = ledger.entries()
    lines[4] = lines[4].replace(b'"g4"', b'"gx"')
    rewrite(ledger, lines)
    with pytest.raises(LedgerCorrupt, match="an entry from 3 to 6 was changed"):
        opened(ledger.folder)


def test_a_dropped_or_swapped_entry_is_found_and_named(ledger: Ledger) -> None:
    lines = ledger.entries()
    rewrite(ledger, [*lines[:8], lines[9], lines[8]])
    with pytest.raises(LedgerCorrupt, match="an entry from 7 to 9"):
        opened(ledger.folder)
    rewrite(ledger, [*lines[:1], *lines[2:], lines[0]])
    with pytest.raises(LedgerCorrupt, match="an entry from 0 to 2"):
        opened(ledger.folder)
    rewrite(ledger, lines[:9])
    with pytest.raises(LedgerCorrupt, match="entry 9 is missing, the first of 1 at the end"):
        opened(ledger.folder)
    rewrite(ledger, lines)
    assert opened(ledger.folder).size == 10


def test_one_entry_between_two_checkpoints_is_named_itself(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    for number in range(3):
        ledger.append("grant", grant=f"g{number}", sha256="0" * 64)
        ledger.checkpoint(OWNER)
    lines = ledger.entries()
    rewrite(ledger, [lines[0], lines[1].replace(b"g1", b"gx"), lines[2]])
    with pytest.raises(LedgerCorrupt, match="bank: entry 1 was changed"):
        opened(tmp_path)


def test_a_line_of_no_entry_is_found_even_behind_the_last_checkpoint(ledger: Ledger) -> None:
    with ledger.file.open("ab") as file:
        file.write(b'{"kind":"grant","note":"what a user wrote"}\n')
    with pytest.raises(LedgerCorrupt, match="entry 10 is not what this program writes") as refused:
        opened(ledger.folder)
    assert "user wrote" not in str(refused.value)


def test_a_head_that_another_signed_is_refused(ledger: Ledger) -> None:
    stranger = Identity.generate()
    state = note.read(ledger.head_file.read_text())
    ledger.head_file.write_text(note.sign(state, stranger, BANK))
    with pytest.raises(LedgerCorrupt, match="not one that this role signed"):
        opened(ledger.folder)


def test_a_line_without_its_end_is_cut_off(ledger: Ledger) -> None:
    before = ledger.file.read_bytes()
    with ledger.file.open("ab") as file:
        file.write(b'{"at":"2026-11-27T09:00:00Z","kind":"sta')
    again = opened(ledger.folder)
    assert again.size == 10 and ledger.file.read_bytes() == before
    assert again.append("start") == 10 and opened(ledger.folder).size == 11


def test_entries_that_vanish_while_the_log_is_open_are_noticed(ledger: Ledger) -> None:
    rewrite(ledger, ledger.entries()[:5])
    with pytest.raises(LedgerCorrupt, match="lost entries while it was open; it had 10"):
        ledger.append("start")


def test_a_full_disk_leaves_no_half_of_an_entry(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    before, pwrite = ledger.file.read_bytes(), os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:9], at))
    with pytest.raises(UsageError, match=os.strerror(errno.ENOSPC)):
        ledger.append("start")
    monkeypatch.undo()
    assert ledger.file.read_bytes() == before
    assert ledger.append("start") == 10


def test_text_of_a_users_own_does_not_get_in(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="takes no such grant"):
        ledger.append("grant", grant="Mr. Wang, 110101199003074273", sha256="0" * 64)
    assert ledger.size == 10


def _write_many(folder: Path, who: str) -> None:
    ledger = Ledger(folder, BANK)
    for number in range(50):
        ledger.append("grant", grant=f"{who}-{number}", sha256="0" * 64)


def test_processes_and_threads_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, BANK)
    spawned = multiprocessing.get_context("fork")
    others = [spawned.Process(target=_write_many, args=(tmp_path, f"p{n}")) for n in range(3)]
    threads = [
        threading.Thread(
            target=lambda who=who: [
                ledger.append("grant", grant=f"{who}-{number}", sha256="0" * 64) for number in range(50)
            ]
        )
        for who in ("t0", "t1")
    ]
    for each in (*others, *threads):
        each.start()
    for each in (*others, *threads):
        each.join(300)
    found = [parsed(line)["grant"] for line in ledger.entries()]
    assert sorted(found) == sorted(f"{who}-{n}" for who in ("p0", "p1", "p2", "t0", "t1") for n in range(50))
    for who in ("p0", "t1"):  # Each writer's own are in its own order.
        assert [name for name in found if name.startswith(who)] == [f"{who}-{n}" for n in range(50)]
    assert ledger.root() == Ledger(tmp_path, BANK).root()


def test_a_federation_name_must_fit_a_checkpoint() -> None:
    check_federation("sme-2026.cn")
    for name in ("", "two words", "a/b", "x" * 81, "a\nb"):
        with pytest.raises(UsageError, match="a federation's name"):
            check_federation(name)
