"""A dataset that no round would accept is told when the node starts, not when the first round fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from parties.dataset import hindrances

GOOD = {"file": "bank.csv", "key": "id", "label": "default"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bank.csv").write_text("id,default,turnover\nfirm-1,0,5\n")
    return tmp_path


def test_a_dataset_that_is_ready_is_passed_over(folder: Path) -> None:
    assert hindrances({"data": GOOD}, party="bank", folder=folder) == ()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"fil": "x"}, "fil is not known"),
        ({"label": "defualt"}, "'defualt'"),
        ({"file": "nowhere.csv"}, "there is no such file"),
    ],
)
def test_each_dataset_that_is_not_is_told_with_its_next_step(
    folder: Path, wrong: dict[str, str], named: str
) -> None:
    (told,) = hindrances({"data": GOOD, "loans": GOOD | wrong}, party="bank", folder=folder)
    assert told.startswith("dataset loans is not ready for a round: ")
    assert "file " in told
    assert named in told
    assert "(next: " in told
    assert "firm-1" not in told


@pytest.mark.parametrize("nothing", [None, {}, "data"])
def test_no_dataset_at_all_is_told_too(folder: Path, nothing: object) -> None:
    (told,) = hindrances(nothing, party="bank", folder=folder)
    assert "no dataset" in told
