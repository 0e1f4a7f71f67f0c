"""Roles are inferred where they are plain, and refused where they are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.dataset import infer
from parties.identifiers import assemble_usccs

IDS = [f"firm-{i}" for i in range(6)]


def write(folder: Path, **tables: dict[str, object]) -> dict[str, Path]:
    paths = {party: folder / f"{party}.csv" for party in tables}
    for party, table in tables.items():
        pd.DataFrame(table).to_csv(paths[party], index=False)
    return paths


def bank(**more: object) -> dict[str, object]:
    return {"id": IDS, "amount": range(6), "Default": [0, 1] * 3, **more}


def platform(**more: object) -> dict[str, object]:
    return {"orders": range(6), "id": IDS[::-1], **more}


def refused(paths: dict[str, Path]) -> UsageError:
    with pytest.raises(UsageError) as caught:
        infer(paths)
    return caught.value


def test_the_common_column_is_the_key_and_the_two_valued_outcome_the_label(tmp_path: Path) -> None:
    paths = write(tmp_path, bank=bank(), platform=platform())
    datasets, sentences = infer(paths)
    assert {party: config.file for party, config in datasets.items()} == paths
    assert [config.key for config in datasets.values()] == ["id", "id"]
    assert [config.label for config in datasets.values()] == ["Default", None]
    assert [config.key_type for config in datasets.values()] == ["text", "text"]
    assert sentences[0].startswith("The key is id")
    assert sentences[1].startswith("The label is Default, held by bank")
    assert "bank is a feature (1 columns)" in sentences[2]


def test_valid_credit_codes_are_read_as_such(tmp_path: Path) -> None:
    codes = assemble_usccs(np.full(6, 110101), np.arange(6))
    paths = write(tmp_path, bank=bank(id=codes), platform=platform(id=codes))
    assert {config.key_type for config in infer(paths).datasets.values()} == {"uscc"}
    codes[0] = "9" * 18  # One wrong code in six is more than a slip.
    paths = write(tmp_path, bank=bank(id=codes), platform=platform(id=codes))
    assert {config.key_type for config in infer(paths).datasets.values()} == {"text"}


def test_two_common_columns_are_refused_and_named(tmp_path: Path) -> None:
    error = refused(write(tmp_path, bank=bank(year=range(6)), platform=platform(year=range(6))))
    assert "id, year" in str(error)
    assert "--config" in error.advice


def test_no_common_column_is_refused(tmp_path: Path) -> None:
    assert "no column stands in all 2 files" in str(
        refused(write(tmp_path, bank={"a": IDS, "y": [0, 1] * 3}, platform={"b": IDS}))
    )


def test_two_outcomes_are_refused_and_named(tmp_path: Path) -> None:
    error = refused(write(tmp_path, bank=bank(), platform=platform(TARGET=[1, 0] * 3)))
    assert "bank.Default, platform.TARGET" in str(error)
    assert "--config" in error.advice
    assert "bank.Default, bank.y" in str(
        refused(write(tmp_path, bank=bank(y=[1, 0] * 3), platform=platform()))
    )


@pytest.mark.parametrize("cells", [[0] * 6, [0, 1, 2] * 2])
def test_an_outcome_that_has_not_two_values_is_none(tmp_path: Path, cells: list[int]) -> None:
    error = refused(write(tmp_path, bank=bank(Default=cells), platform=platform()))
    assert "cannot be inferred" in str(error)


def test_a_column_named_like_an_outcome_with_many_values_does_not_disturb(tmp_path: Path) -> None:
    paths = write(tmp_path, bank=bank(), platform=platform(y=range(6)))
    assert infer(paths).datasets["bank"].label == "Default"


def test_one_file_is_no_federation(tmp_path: Path) -> None:
    assert "two parties" in str(refused(write(tmp_path, bank=bank())))
