"""A pack: one file, one byte form, bounded; and what is not a pack is said to be none."""

from __future__ import annotations

import functools
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from federation.errors import UsageError
from federation.ledger import archive
from federation.ledger import pack as packs
from tests.federation.ledger import world


@functools.cache
def honest() -> bytes:
    return world.made().pack_file("bank")


def zipped(*members: tuple[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=how)
    return buffer.getvalue()


def test_the_same_sources_give_the_same_bytes() -> None:
    assert world.made().pack_file("bank") == honest()


def test_any_zip_program_opens_a_pack() -> None:
    with zipfile.ZipFile(io.BytesIO(honest())) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(archive.namelist())
        assert b'"kind":"plan"' in archive.read("log.jsonl")


def test_a_pack_is_read_as_it_was_built(tmp_path: Path) -> None:
    (tmp_path / "bank.zip").write_bytes(honest())
    pack = packs.read(tmp_path / "bank.zip")
    assert (pack.party, pack.run) == ("bank", world.RUN)
    assert set(pack.files) - {archive.STATEMENT} == set(pack.statement.files)
    assert pack.lines("log.jsonl") == world.made().roles["bank"].lines


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (b"", "not a pack"),
        (b"PK\x03\x04", "not a pack"),
        (honest()[:-1], "not a pack"),
        (honest()[:4000], "not a pack"),
        (zipped(("log.jsonl", b"")), "guard.jsonl is missing"),
        (zipped(("../log.jsonl", b"")), "a pack has no file '../log.jsonl'"),
        (zipped(("/etc/passwd", b"")), "a pack has no file '/etc/passwd'"),
        (zipped(("grants\\..\\x.dsse.json", b"")), "a pack has no file"),
        (zipped(("grants/../x.dsse.json", b"")), "a pack has no file"),
        (zipped(("rows.csv", b"")), "a pack has no file 'rows.csv'"),
        (zipped(("log.jsonl!.txt", b"")).replace(b"!", b"\0"), "a pack has no file"),
        (zipped(("log.jsonl", bytes(1 << 24)), how=zipfile.ZIP_DEFLATED), "compressed"),
        (b"#!/bin/sh\n" + honest(), "beside the pack"),
        (honest() + b"more", "beside the pack"),
    ],
)
def test_what_is_no_pack_is_refused_by_the_name_of_its_file(file: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("\\", ".")) as error:
        packs.parse(file, "evidence.zip")
    assert error.value.file == "evidence.zip"
    assert error.value.advice


def test_two_files_of_one_name_are_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = zipped(("log.jsonl", b"one\n"), ("log.jsonl", b"two\n"))
    with pytest.raises(UsageError, match="two files"):
        packs.parse(twice, "evidence.zip")


def test_a_pack_that_was_packed_again_is_refused() -> None:
    with zipfile.ZipFile(io.BytesIO(honest())) as archive:
        members = [(name, archive.read(name)) for name in reversed(archive.namelist())]
    with pytest.raises(UsageError, match="packed again"):
        packs.parse(zipped(*members), "evidence.zip")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("log.jsonl", b"[" * archive.MOST_LINE_BYTES + b"[\n", "a line of more than"),
        ("guard.jsonl", b"{}", "ends in the middle of a line"),
        ("plan.json", bytes(archive.MOST_DOCUMENT_BYTES + 1), "more than"),
    ],
)
def test_what_is_too_large_to_parse_is_refused(name: str, content: bytes, said: str) -> None:
    files = {**packs.parse(honest(), "bank.zip").files, name: content}
    with pytest.raises(UsageError, match=said):
        packs.parse(archive.archived(files), "bank.zip")


def test_a_file_larger_than_any_pack_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.zip").open("wb") as file:
        file.truncate(archive.MOST_BYTES + 1)  # Sparse: takes no space.
    with pytest.raises(UsageError, match="more than any pack"):
        packs.read(tmp_path / "large.zip")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        packs.read(tmp_path / "none.zip")


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: {**fields, "party": 7},
        lambda fields: {**fields, "more": "text"},
        lambda fields: {**fields, "made_at": "yesterday"},
        lambda fields: {**fields, "pack": "isthmus.pack/v2"},
        lambda fields: {name: value for name, value in fields.items() if name != "files"},
        lambda fields: {**fields, "files": {"log.jsonl": 1}},
    ],
)
def test_a_statement_says_what_a_statement_says_and_no_more(
    change: Callable[[dict[str, object]], dict[str, object]],
) -> None:
    statement = packs.parse(honest(), "bank.zip").statement.canonical()
    changed = json.dumps(change(json.loads(statement)), sort_keys=True, separators=(",", ":")).encode()
    with pytest.raises(UsageError, match="statement"):
        packs.Statement.parse(changed, archive.STATEMENT)


@pytest.mark.parametrize("data", [b"[]", b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":' * 100_000, b"\xff"])
def test_one_object_is_one_object(data: bytes) -> None:
    with pytest.raises(UsageError, match=r"plan\.json is not one JSON object"):
        archive.document(data, "plan.json")


@pytest.mark.parametrize("name", ["rows.csv", "../x", "cosignatures/regulator.json", archive.STATEMENT])
def test_nothing_else_gets_into_a_pack(name: str) -> None:
    with pytest.raises(UsageError, match="a pack has no file"):
        world.sealed("bank", {**world.made().files("bank"), name: b"x"})
