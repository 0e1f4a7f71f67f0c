"""What left is written down for good: whoever changes the record is found out, with the line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from federation.ids import PartyId
from federation.journal import Entry, FileJournal, JournalCorrupt, read, verify


def entry(number: int) -> Entry:
    return Entry("logistic/headroom", PartyId("bank"), 40 + number, f"{number:064x}", "credit-scoring")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    journal = FileJournal(tmp_path / "journal.jsonl")
    for number in range(6):
        journal.append(entry(number))
    journal.close()
    return journal.path


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_what_is_older_than_a_second_is_made_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = FileJournal(tmp_path / "journal.jsonl")
    synced = list[int]()
    monkeypatch.setattr(os, "fsync", synced.append)
    journal.append(entry(0))
    assert synced == []
    monkeypatch.setattr(journal, "_synced", journal._synced - 2.0)
    journal.append(entry(1))
    journal.append(entry(2))
    assert len(synced) == 1


def test_what_was_written_is_read_back(path: Path) -> None:
    assert read(path) == [entry(number) for number in range(6)]


def test_the_file_is_for_its_owner_only(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_empty_journal_has_a_head_of_zeros(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "journal.jsonl")
    assert journal.head == bytes(32) == verify(journal.path)
    journal.close()


@pytest.mark.parametrize("number", range(5))
def test_a_changed_line_is_found_by_the_line_after_it(path: Path, number: int) -> None:
    changed = lines(path)
    changed[number] = changed[number].replace(b'"bank"', b'"bunk"')
    path.write_bytes(b"".join(changed))
    with pytest.raises(JournalCorrupt, match=f"line {number + 2} does not follow"):
        verify(path)


@pytest.mark.parametrize("number", range(5))
def test_a_dropped_line_is_found(path: Path, number: int) -> None:
    kept = lines(path)
    del kept[number]
    path.write_bytes(b"".join(kept))
    with pytest.raises(JournalCorrupt, match=f"line {number + 1} does not follow"):
        verify(path)


@pytest.mark.parametrize("number", range(5))
def test_reordered_lines_are_found(path: Path, number: int) -> None:
    order = lines(path)
    order[number], order[number + 1] = order[number + 1], order[number]
    path.write_bytes(b"".join(order))
    with pytest.raises(JournalCorrupt, match=f"line {number + 1} does not follow"):
        verify(path)


def test_an_inserted_line_is_found(path: Path) -> None:
    more = lines(path)
    more.insert(3, more[2])
    path.write_bytes(b"".join(more))
    with pytest.raises(JournalCorrupt, match="line 4 does not follow"):
        verify(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda kept: kept[:-1],
        lambda kept: [*kept[:-1], kept[-1].replace(b'"bank"', b'"bunk"')],
        lambda kept: [],
    ],
    ids=["dropped", "changed", "emptied"],
)
def test_a_change_at_the_end_shows_in_the_head_that_the_receipt_carries(
    path: Path, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    head = verify(path)
    path.write_bytes(b"".join(change(lines(path))))
    assert verify(path) != head


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"null\n",
        b"[]\n",
        b"{}\n",
        b'{"previous": 3}\n',
        b'{"previous": "zz"}\n',
        b"\xff\n",
        b'{"prev\n',
    ],
)
def test_a_line_that_cannot_be_read_is_named(path: Path, line: bytes) -> None:
    path.write_bytes(b"".join([*lines(path)[:2], line]))
    with pytest.raises(JournalCorrupt, match="line 3 cannot be read"):
        verify(path)


@pytest.mark.parametrize("left", [1, 20, 200], ids=["all but its end", "most", "a beginning"])
def test_a_line_that_a_kill_cut_short_is_cut_off_when_the_journal_is_opened_next(
    path: Path, left: int
) -> None:
    path.write_bytes(path.read_bytes()[:-left])
    with pytest.raises(JournalCorrupt, match="line 6"):
        verify(path)
    again = FileJournal(path)
    again.append(entry(9))
    again.close()
    assert read(path) == [*(entry(number) for number in range(5)), entry(9)]


def test_a_first_line_that_was_cut_short_leaves_an_empty_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"prev')
    journal = FileJournal(path)
    assert journal.head == bytes(32) and path.read_bytes() == b""
    journal.close()


@pytest.mark.parametrize("change", [{"rows": [1.0, 2.0]}, {"size": None}])
def test_a_line_with_other_fields_is_no_entry(path: Path, change: dict[str, object]) -> None:
    kept = lines(path)
    last = {**json.loads(kept[-1]), **change}
    fields = {name: value for name, value in last.items() if value is not None}
    path.write_bytes(b"".join([*kept[:-1], json.dumps(fields).encode() + b"\n"]))
    with pytest.raises(JournalCorrupt, match="line 6 is not an entry"):
        read(path)


def test_a_journal_goes_on_where_it_ended_and_a_corrupt_one_is_not_gone_on_with(path: Path) -> None:
    again = FileJournal(path)
    again.append(entry(6))
    again.close()
    assert read(path)[-1] == entry(6) and verify(path) == again.head
    path.write_bytes(path.read_bytes().replace(b'"bank"', b'"bunk"', 1))
    with pytest.raises(JournalCorrupt):
        FileJournal(path)


def test_a_line_that_the_disk_takes_in_part_is_an_error_and_the_journal_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = FileJournal(tmp_path / "journal.jsonl")
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:10]))
        with pytest.raises(OSError, match="only a part"):
            journal.append(entry(0))
    assert journal.head == bytes(32)
    journal.append(entry(1))
    journal.close()
    assert read(journal.path) == [entry(1)]


def test_a_text_with_a_line_break_stays_on_its_line(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "journal.jsonl")
    odd = Entry("a", PartyId("bank"), 1, "0" * 64, "two\nlines\u2028and\x85more")
    journal.append(odd)
    journal.append(entry(1))
    journal.close()
    assert read(journal.path) == [odd, entry(1)]


def test_a_journal_of_a_version_without_a_guard_still_verifies(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    old = {"type": "round/prepared", "to": "bank", "size": 9, "sha256": "ab" * 32, "purpose": "x"}
    path.write_text(json.dumps({"previous": bytes(32).hex(), **old}) + "\n")
    journal = FileJournal(path)
    journal.append(Entry("round/prepared", PartyId("bank"), 9, "ab" * 32, "x", "control", ("one",), number=0))
    journal.close()
    first, second = read(path)
    assert (first.form, first.grants, first.number) == ("", (), -1)
    assert (second.form, second.grants, second.number) == ("control", ("one",), 0)
