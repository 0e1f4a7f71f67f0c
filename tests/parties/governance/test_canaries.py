"""Planted rows look like the table's own, change nothing of them, and are found in what would leave."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from federation.ledger.keeping import CANARIES
from parties.dataset import DatasetConfig
from parties.governance.canaries import ROWS, Canaries
from parties.identifiers import assemble_usccs, is_uscc
from parties.keys import align_keys
from parties.round.rows import read_own

MANIFEST = hashlib.sha256(b"manifest").hexdigest()
SEED = bytes(range(32))


def table(rows: int = 200) -> pd.DataFrame:
    drawn = np.random.default_rng(7)
    codes = assemble_usccs(np.full(rows, 440300), drawn.permutation(10_000)[:rows])
    return pd.DataFrame(
        {
            "uscc": pd.Series(codes.astype(str), dtype="str"),
            "sector": pd.Series(np.resize(["steel", "toys"], rows), dtype="str"),
            "turnover": drawn.lognormal(10, 1, rows),
            "margin": drawn.normal(size=rows),
            "staff": drawn.integers(1, 500, rows),
            "small": drawn.integers(0, 2, rows).astype(np.int8),
            "listed": drawn.random(rows) < 0.5,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(drawn.integers(0, 900, rows), "D"),
            "default_12m": drawn.integers(0, 2, rows),
        }
    )


def dataset(file: Path = Path("firms.parquet")) -> DatasetConfig:
    return DatasetConfig(
        name="data", file=file, key="uscc", key_type="uscc", label="default_12m", party="bank"
    )


def test_planted_rows_stand_behind_the_own_ones_and_keep_every_type() -> None:
    frame = table()
    planted = Canaries(SEED, MANIFEST).plant(frame, dataset()).frame
    assert len(planted) == len(frame) + ROWS == len(frame) + 32
    pd.testing.assert_frame_equal(planted[: len(frame)], frame)
    assert (planted.dtypes == frame.dtypes).all()
    assert align_keys(planted, dataset()).report.bad == 0  # Valid codes, all different.


def test_planted_identifiers_are_valid_codes_of_nobody() -> None:
    frame = table()
    ids = Canaries.draw(MANIFEST).plant(frame, dataset()).ids.open_locally()
    assert len(set(ids)) == ROWS
    assert all(is_uscc(each.decode()) for each in ids)
    assert not set(ids) & set(frame["uscc"].str.encode("ascii"))


def test_the_seed_decides_all_of_it_and_two_runs_have_nothing_in_common() -> None:
    one, again = (Canaries(SEED, MANIFEST).plant(table(), dataset()) for _ in range(2))
    pd.testing.assert_frame_equal(one.frame, again.frame)
    assert Canaries.draw(MANIFEST).commitment != Canaries.draw(MANIFEST).commitment
    other = Canaries.draw(MANIFEST).plant(table(), dataset())
    assert not set(other.ids.open_locally()) & set(one.ids.open_locally())


def test_the_commitment_holds_seed_and_manifest() -> None:
    canaries = Canaries(SEED, MANIFEST)
    expected = hashlib.sha256(b"isthmus canaries|" + SEED + bytes.fromhex(MANIFEST)).hexdigest()
    assert canaries.commitment == expected != Canaries(SEED, "00" * 32).commitment
    assert SEED.hex() not in repr(canaries) and str(SEED) not in repr(canaries)


@pytest.mark.parametrize(
    "encode",
    [
        lambda rows: rows.to_csv().encode(),
        lambda rows: rows[["turnover"]].to_numpy().tobytes(),
        lambda rows: rows[["turnover", "margin"]].to_numpy().astype(np.float32).tobytes(),
        lambda rows: rows["staff"].to_numpy().tobytes(),
        lambda rows: "".join(rows["sector"]).encode(),
        lambda rows: rows.drop(columns="since").to_json().encode("utf-16-le"),
        lambda rows: b"".join(rows["uscc"].str.encode("ascii")),
    ],
)
def test_any_path_that_would_write_out_the_table_is_found(encode: object) -> None:
    canaries = Canaries.draw(MANIFEST)
    frame = canaries.plant(table(), dataset()).frame
    assert canaries.found(encode(frame)) >= ROWS  # type: ignore[operator]
    assert canaries.hits >= ROWS


def test_rows_of_the_tables_own_are_found_too() -> None:
    canaries, frame = Canaries.draw(MANIFEST), table()
    canaries.plant(frame, dataset())
    assert canaries.found(b"".join(frame["uscc"].str.encode("ascii"))) > 0
    assert canaries.found(frame[["turnover", "margin"]].to_numpy().tobytes()) > 0
    assert canaries.found(frame["turnover"].to_numpy().tobytes()) == 0  # A column's numbers may be known.
    assert canaries.found(frame["default_12m"].to_numpy().tobytes()) == 0


def test_nothing_leaves_before_they_are_planted() -> None:
    with pytest.raises(RuntimeError, match="planted"):
        Canaries.draw(MANIFEST).found(b"")


def test_an_identifier_that_repeats_own_ones_is_not_aligned() -> None:
    frame = table().assign(short=np.arange(200, dtype=np.int32))
    planted = Canaries.draw(MANIFEST).plant(frame, DatasetConfig(name="d", file=Path("f.csv"), key="short"))
    assert planted.ids.open_locally() == ()


def test_the_opening_of_each_attempt_is_kept(tmp_path: Path) -> None:
    first, second = Canaries(SEED, MANIFEST), Canaries(bytes(32), MANIFEST)
    assert first.open(tmp_path, 1) == hashlib.sha256(SEED).hexdigest()
    second.open(tmp_path, 2)
    assert json.loads((tmp_path / CANARIES).read_bytes()) == {
        "1": {"seed": SEED.hex()},
        "2": {"seed": bytes(32).hex()},
    }
    assert (tmp_path / CANARIES).stat().st_mode & 0o077 == 0


def test_a_round_reads_planted_rows_that_no_count_and_no_alignment_position_knows_of(tmp_path: Path) -> None:
    file = tmp_path / "firms.parquet"
    table().to_parquet(file)
    plain, planted = read_own(dataset(file)), read_own(dataset(file), Canaries.draw(MANIFEST))
    assert planted.report == plain.report and planted.ids.open_locally() == plain.ids.open_locally()
    assert planted.positions.open_locally().max() < len(table())
    assert len(planted.planted.open_locally()) == ROWS and plain.planted.open_locally() == ()
