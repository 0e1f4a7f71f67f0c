"""Nothing is half-written, no key is replaced, no key is read that others can read."""

from __future__ import annotations

import errno
import io
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from federation import files
from federation.errors import UsageError


def no_space(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("failing", ["fsync", "open", "replace"])
@pytest.mark.parametrize("before", [None, b"what was there"])
def test_a_failed_write_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, before: bytes | None
) -> None:
    path = tmp_path / "model.json"
    if before is not None:
        path.write_bytes(before)
    with monkeypatch.context() as patched:
        patched.setattr(Path if failing == "replace" else os, failing, no_space)
        with pytest.raises(UsageError, match="No space left") as refused:
            files.write(path, b"new" * 1000)
    assert refused.value.file == str(path) and "half-written" in refused.value.advice
    assert [p.name for p in tmp_path.iterdir()] == ([] if before is None else ["model.json"])
    assert before is None or path.read_bytes() == before


def test_a_write_is_durable_before_it_takes_the_name_and_the_name_is_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.json"
    seen: list[tuple[bool, bool]] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        seen.append((path.exists(), stat.S_ISDIR(os.fstat(descriptor).st_mode)))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    files.write(path, b"data")
    assert seen == [(False, False), (True, True)] and path.read_bytes() == b"data"


def test_new_folders_are_durable_from_the_one_that_was_there_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(files, "sync_folder", synced.append)
    files.make_folder(tmp_path / "rounds" / "one", 0o700)
    assert synced == [tmp_path, tmp_path / "rounds"]
    files.make_folder(tmp_path / "rounds" / "one", 0o700)
    assert len(synced) == 2


def write_and_die(path: Path) -> int:
    """Another process is killed in the middle of writing `path`; its number."""
    program = (
        "import os, sys, pathlib; from federation import files; "
        "os.fsync = lambda _: os.kill(os.getpid(), 9); files.write(pathlib.Path(sys.argv[1]), b'data')"
    )
    root = str(Path(files.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], env={**os.environ, "PYTHONPATH": root}
    ) as dying:
        assert dying.wait(120) == -signal.SIGKILL
    return dying.pid


def test_what_a_killed_process_was_writing_is_swept_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "rounds" / "one" / "status.json"
    path.parent.mkdir(parents=True)
    killed = write_and_die(path)
    (left,) = path.parent.iterdir()
    random = left.name.rpartition(".")[2]
    others = [
        ".gitignore",
        f".status.json.{os.getppid()}.{random}",  # A living process's.
        f".status.json.{killed}",
        f".status.json.{killed}.{random}.bak",
        f"status.json.{killed}.{random}",
    ]
    for name in others:
        (path.parent / name).touch()
    files.sweep(tmp_path)
    assert sorted(each.name for each in path.parent.iterdir()) == sorted(others)


def test_a_sweep_in_the_middle_of_a_write_leaves_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: files.sweep(tmp_path))
    files.write(tmp_path / "model.json", b"data")
    assert (tmp_path / "model.json").read_bytes() == b"data"


def test_a_killed_process_whose_number_this_one_has_is_swept_too(tmp_path: Path) -> None:
    left = tmp_path / f".model.json.{os.getpid()}.0123abcd"
    left.touch()
    files.sweep(tmp_path)
    assert not left.exists()


def test_a_folder_is_swept_at_the_start_and_at_the_end(tmp_path: Path) -> None:
    left = tmp_path / f".model.json.{os.getpid()}.0123abcd"
    left.touch()
    with pytest.raises(KeyError), files.swept(tmp_path):
        assert not left.exists()
        left.touch()
        raise KeyError
    assert not left.exists()


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "rounds").write_bytes(b"")
    with pytest.raises(UsageError, match="cannot write") as refused:
        files.write(tmp_path / "rounds" / "plan.json", b"{}")
    assert refused.value.file is not None


def test_a_key_is_for_its_owner_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "secret" / "identity.key"
    previous = os.umask(0)
    try:
        files.write_secret(path, b"first")
    finally:
        os.umask(previous)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with pytest.raises(UsageError, match="a key already"):
        files.write_secret(path, b"second")
    assert files.read_secret(path) == b"first"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o610, 0o601])
def test_a_key_that_others_can_reach_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "identity.key"
    files.write_secret(path, b"key")
    path.chmod(mode)
    with pytest.raises(UsageError, match="others on this machine") as refused:
        files.read_secret(path)
    assert f"chmod 600 {path}" in refused.value.advice


def test_a_missing_file_is_named_with_the_callers_advice(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file") as refused:
        files.read(tmp_path / "plan.toml", "Give the path of a plan file.")
    assert refused.value.advice == "Give the path of a plan file."
    with pytest.raises(UsageError, match="cannot read"):
        files.read(tmp_path)


def test_canonical_json_is_one_form_for_one_value() -> None:
    assert files.canonical_json({"b": 1, "a": [1.0, "é"]}) == b'{"a":[1.0,"\\u00e9"],"b":1}'
    with pytest.raises(ValueError, match="JSON compliant"):
        files.canonical_json({"a": float("nan")})


def test_json_comes_back_and_junk_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    files.write_json(path, {"firm": "企业", "n": 3})
    assert files.read_json(path) == {"firm": "企业", "n": 3}
    for junk in (b"", b"{", b"\xff\xfe", b"[" * 100_000):
        path.write_bytes(junk)
        with pytest.raises(UsageError, match="not JSON"):
            files.read_json(path)


def test_arrays_come_back_and_are_for_their_owner(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    files.write_arrays(path, rows=np.arange(5), training=np.array([True, False]))
    back = files.read_arrays(path, "Run the round again.")
    assert back["rows"].tolist() == [0, 1, 2, 3, 4] and back["training"].dtype == np.bool_
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_array_of_objects_is_neither_written_nor_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    with pytest.raises(ValueError, match="pickle"):
        files.write_arrays(path, rows=np.array([{"a": 1}], dtype=object))
    assert not path.exists()
    buffer = io.BytesIO()
    np.savez(buffer, rows=np.array([{"a": 1}], dtype=object))
    path.write_bytes(buffer.getvalue())
    with pytest.raises(UsageError, match="does not hold arrays"):
        files.read_arrays(path, "Run the round again.")


def broken_archives() -> list[bytes]:
    buffer, single = io.BytesIO(), io.BytesIO()
    np.savez(buffer, rows=np.arange(1000))
    np.save(single, np.arange(3))
    good = buffer.getvalue()
    flipped = bytearray(good)
    flipped[500] ^= 1
    return [
        b"",
        b"junk",
        b"PK\3\4junk",
        good[:-30],
        good[: len(good) // 2],
        bytes(flipped),
        single.getvalue(),
    ]


@pytest.mark.parametrize("data", broken_archives())
def test_a_damaged_archive_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "rows.npz"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="does not hold arrays") as refused:
        files.read_arrays(path, "Run the round again.")
    assert refused.value.file == str(path)


def test_a_file_that_holds_no_number_where_one_belongs_is_not_read(tmp_path: Path) -> None:
    for text in ("NaN", "-Infinity"):
        (tmp_path / "figures.json").write_text(f'{{"auc": {text}}}')
        with pytest.raises(UsageError, match="this is not JSON"):
            files.read_json(tmp_path / "figures.json")
