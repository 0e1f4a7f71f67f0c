"""A model on disk: the same again, or a refusal that names the file."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from crypto.errors import UsageError
from federation.ids import PartyId, RunId
from parties.model_folder import SavedModel, cover, is_saved, load, model_hash, reading, uncovered

MODEL = SavedModel(
    "logistic",
    RunId("20260301-120000-abcdef"),
    PartyId("bank"),
    "00" * 32,
    {"weights": [0.1, -3.5e-17], "columns": ["turnover", "行业"]},
    {"vector.npz": bytes(range(256))},
)


def test_what_was_saved_is_read_and_its_hash_is_that_of_its_content(tmp_path: Path) -> None:
    digest = MODEL.save(tmp_path)
    assert load(tmp_path, "logistic") == MODEL
    assert model_hash(tmp_path) == digest == MODEL.save(tmp_path)
    other = SavedModel("logistic", MODEL.run, MODEL.party, MODEL.plan_digest, {"weights": [0.1, -3.6e-17]})
    assert other.save(tmp_path) != digest


def test_anybody_can_check_the_files_without_this_program(tmp_path: Path) -> None:
    MODEL.save(tmp_path)
    (tmp_path / "evaluation.json").write_bytes(b"{}")
    cover(tmp_path)
    check = ["sha256sum", "--check", "--strict", "MANIFEST"]
    told = subprocess.run(check, cwd=tmp_path / "model", capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["../evaluation.json:", "OK", "model.json:", "OK", "vector.npz:", "OK"]


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["model.json", "vector.npz", "MANIFEST"])
@pytest.mark.parametrize("damage", [_flip, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_file_that_is_not_as_it_was_saved_is_named(
    tmp_path: Path, name: str, damage: Callable[[Path], object]
) -> None:
    MODEL.save(tmp_path)
    damage(tmp_path / "model" / name)
    with pytest.raises(UsageError) as refused:
        load(tmp_path, "logistic")
    assert refused.value.file == str(tmp_path / "model" / name)
    assert refused.value.advice


def test_a_manifest_names_files_of_its_own_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"{}")
    run = tmp_path / "rounds" / "run"
    SavedModel("logistic", MODEL.run, MODEL.party, "", {}, {"../../../elsewhere": b"{}"}).save(run)
    with pytest.raises(UsageError, match="not a manifest"):
        load(run, "logistic")


def _figures(folder: Path) -> None:
    for name in ("evaluation.json", "scorecard.json", "scores.npz"):
        (folder / name).write_bytes(b'{"auc": 0.74}')
    (folder / "state.json").write_bytes(b"{}")
    (folder / "journal.jsonl").write_bytes(b"{}")


@pytest.mark.parametrize("name", ["evaluation.json", "scorecard.json", "scores.npz"])
@pytest.mark.parametrize("damage", [_flip, Path.unlink])
def test_a_figure_beside_a_model_that_was_altered_is_named(
    tmp_path: Path, name: str, damage: Callable[[Path], object]
) -> None:
    before = MODEL.save(tmp_path)
    _figures(tmp_path)
    covered = cover(tmp_path)
    assert before != covered == model_hash(tmp_path) == cover(tmp_path)
    assert load(tmp_path, "logistic") == MODEL
    damage(tmp_path / name)
    for look in (lambda: model_hash(tmp_path), lambda: load(tmp_path, "logistic")):
        with pytest.raises(UsageError) as refused:
            look()
        assert refused.value.file == str(tmp_path / name)


def test_figures_that_no_hash_covers_are_told(tmp_path: Path) -> None:
    assert cover(tmp_path) is None
    MODEL.save(tmp_path)
    _figures(tmp_path)
    assert uncovered(tmp_path) == ("evaluation.json", "scorecard.json", "scores.npz")
    cover(tmp_path)
    assert uncovered(tmp_path) == ()
    (tmp_path / "leakage.json").write_bytes(b"[]")
    assert uncovered(tmp_path) == ("leakage.json",)


def test_what_an_attempt_goes_on_from_is_not_part_of_the_model(tmp_path: Path) -> None:
    MODEL.save(tmp_path)
    _figures(tmp_path)
    digest = cover(tmp_path)
    for name in ("state.json", "journal.jsonl"):
        (tmp_path / name).write_bytes(b"[]")
    assert model_hash(tmp_path) == digest


def test_another_kind_or_a_damaged_part_is_refused(tmp_path: Path) -> None:
    MODEL.save(tmp_path)
    with pytest.raises(UsageError, match="no scorecard model"):
        load(tmp_path, "scorecard")
    with pytest.raises(UsageError, match="damaged"), reading(tmp_path):
        load(tmp_path, "logistic").part["intercept"]


def test_a_model_that_was_not_written_to_its_end_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MODEL.save(tmp_path)

    def killed(path: Path, data: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("federation.files.write_private", killed)
    with pytest.raises(KeyboardInterrupt):
        MODEL.save(tmp_path)
    assert not is_saved(tmp_path)
