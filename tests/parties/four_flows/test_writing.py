"""Same settings, same bytes; no party's file holds the truth; what is written can be read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.connectors import read_table
from parties.four_flows import FourFlows, Settings, capital, generate

World = Callable[..., FourFlows]
PARTIES = ("bank", "platform", "public")


@pytest.mark.parametrize("kind", ["csv.gz", "parquet"])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, kind: str) -> None:
    one, two, three = (
        generate(Settings(firms=500, seed=seed)).write(tmp_path / place, kind)  # type: ignore[arg-type]
        for place, seed in (("one", 7), ("two", 7), ("three", 8))
    )
    assert list(one) == ["bank", "platform", "public", "truth", "value", "settings", "readme"]
    for name, path in one.items():
        assert path.read_bytes() == two[name].read_bytes(), name
    for name in (*PARTIES, "truth", "value", "settings"):
        assert one[name].read_bytes() != three[name].read_bytes(), name


def test_a_switch_leaves_the_other_cells_as_they_were(world: World) -> None:
    plain = world(firms=500)
    dirty = world(firms=500, duplicate_ids=True, unit_mixup=True, name_variants=True, delayed_labels=True)
    pd.testing.assert_frame_equal(
        plain.public.sort_values("uscc", ignore_index=True),
        dirty.public.drop(columns="firm_name")
        .merge(plain.public, how="inner")
        .sort_values("uscc", ignore_index=True),
    )


def test_the_account_history_leaves_every_other_cell_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gaps, older rows and the order of rows too: a seed means what it meant before these columns."""
    dirty = Settings(
        firms=500,
        unit_mixup=True,
        duplicate_ids=True,
        name_variants=True,
        delayed_labels=True,
        rejected_applicants=True,
    )
    whole = generate(dirty)
    monkeypatch.setattr(capital, "account_history", lambda *_: {})
    without = generate(dirty)
    assert list(whole.bank.columns.difference(without.bank.columns)) == sorted(capital.HISTORY)
    pd.testing.assert_frame_equal(whole.bank.drop(columns=list(capital.HISTORY)), without.bank)
    for name in ("platform", "public"):
        pd.testing.assert_frame_equal(getattr(whole, name), getattr(without, name))
    pd.testing.assert_frame_equal(whole.truth.firms, without.truth.firms)


def test_a_gzip_file_tells_neither_time_nor_name(tmp_path: Path, world: World) -> None:
    header = world(firms=500).write(tmp_path)["bank"].read_bytes()[:10]
    assert header[4:8] == bytes(4)
    assert not header[3] & 0x08


@pytest.mark.parametrize("kind", ["csv.gz", "parquet"])
def test_what_is_written_is_read_back(tmp_path: Path, world: World, kind: str) -> None:
    made = world(firms=500)
    paths = made.write(tmp_path, kind)  # type: ignore[arg-type]
    for party in PARTIES:
        pd.testing.assert_frame_equal(read_table(paths[party]), getattr(made, party), check_dtype=False)
    pd.testing.assert_frame_equal(
        read_table(paths["truth"])[["uscc", "default_12m", "true_pd"]],
        made.truth.firms[["uscc", "default_12m", "true_pd"]],
        check_dtype=False,
    )


def test_gbk_files_are_gbk_and_are_read_back(tmp_path: Path, world: World) -> None:
    made = world(firms=500, gbk=True, name_variants=True)
    paths = made.write(tmp_path)
    content = gzip.decompress(paths["public"].read_bytes())
    assert "制造业" in content.decode("gbk")
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")
    pd.testing.assert_frame_equal(read_table(paths["public"]), made.public, check_dtype=False)
    with pytest.raises(UsageError, match="UTF-8"):
        made.write(tmp_path, "parquet")


def test_the_truth_stands_apart_from_every_party(tmp_path: Path, world: World) -> None:
    made = world(firms=500, seed=987654321)
    paths = made.write(tmp_path)
    beside = {path.name for path in tmp_path.iterdir()}
    assert beside == {"bank.csv.gz", "platform.csv.gz", "public.csv.gz", "README.md", "truth"}
    hidden = set(made.truth.firms) - {"uscc", "default_12m"}
    for party in PARTIES:
        assert not hidden & set(getattr(made, party))
    for party in ("platform", "public"):
        assert "default_12m" not in getattr(made, party)
    # Who has the seed can make the truth.
    assert "987654321" not in paths["readme"].read_text()
    assert json.loads(paths["settings"].read_text())["seed"] == 987654321
    worth = json.loads(paths["value"].read_text())
    assert worth["marginal_value"] == pytest.approx(dict(made.truth.marginal_value))


def test_counts_are_written_as_whole_numbers(tmp_path: Path, world: World) -> None:
    text = gzip.decompress(world(firms=500).write(tmp_path)["platform"].read_bytes()).decode()
    place = text.splitlines()[0].split(",").index("invoices")
    assert all("." not in line.split(",")[place] for line in text.splitlines()[1:])


def test_an_unknown_format_is_refused(tmp_path: Path, world: World) -> None:
    with pytest.raises(UsageError, match="format"):
        world(firms=500).write(tmp_path, "xlsx")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, world: World) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UsageError) as caught:
        world(firms=500).write(tmp_path / "taken")
    assert caught.value.file == str(tmp_path / "taken" / "bank.csv.gz")
