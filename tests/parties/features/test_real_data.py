"""Real firms: the files of two public collections become features, party by party."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.connectors import read_table
from parties.dataset import DatasetConfig, infer, load_config
from parties.features import MIN_SUPPORT, FeatureSpec, Whitening, read_label
from parties.features.support import off_the_mode
from parties.keys import KeyReport, align_keys

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("ISTHMUS_DATA", ROOT.parent / "shared" / "data"))
SBA, SPAIN = DATA / "sba_flagship_fy0306", DATA / "spain_sme_bankruptcy"

needs = {
    folder: pytest.mark.skipif(
        not folder.is_dir(),
        reason=f"{folder.name} is not there: set ISTHMUS_DATA to the folder that holds it",
    )
    for folder in (SBA, SPAIN)
}


def files(folder: Path) -> dict[str, Path]:
    return {party: folder / f"{party}.csv.gz" for party in ("bank", "platform", "public")}


def prepared(config: DatasetConfig) -> tuple[pd.DataFrame, KeyReport, FeatureSpec, Whitening]:
    frame = read_table(config.file)
    config.check_columns(frame.columns)
    keys = align_keys(frame, config)
    rows = frame.iloc[keys.positions.open_locally()]
    training = np.random.default_rng(0).permutation(len(rows))[: int(0.7 * len(rows))]
    spec = FeatureSpec.fit(rows, training, config)
    z = spec.transform(rows)[training]
    np.testing.assert_allclose(z.var(axis=0), 1)
    assert min(off_the_mode(feature) for feature in z.T) >= MIN_SUPPORT
    return rows, keys.report, spec, Whitening.fit(z)


@needs[SBA]
def test_small_business_loans_need_no_configuration() -> None:
    datasets, _ = infer(files(SBA))
    assert {config.key for config in datasets.values()} == {"entity_id"}
    counts = {}
    for party, config in datasets.items():
        rows, report, spec, whitening = prepared(config)
        assert report == KeyReport(15_222, 0, 0, 0)
        counts[party] = (len(spec.names), whitening.rank)
        if config.label:
            assert (party, config.label) == ("bank", "default")
            assert int(read_label(rows, config).sum()) == 3_951
    assert counts == {"bank": (18, 16), "platform": (6, 6), "public": (39, 38)}


@needs[SPAIN]
def test_spanish_firms_are_ambiguous_without_a_configuration() -> None:
    with pytest.raises(UsageError, match="entity_id, company_key, YEAR"):
        infer(files(SPAIN))


@needs[SPAIN]
def test_spanish_firms_with_their_configuration() -> None:
    datasets = load_config(ROOT / "tests" / "data" / "spain.toml", files(SPAIN))
    counts = {}
    for party, config in datasets.items():
        rows, report, spec, whitening = prepared(config)
        # Eighteen rows of the published file repeat a firm and year; both rows of each are left out.
        assert report == KeyReport(2_823, 0, 0, 36)
        assert not any(name.startswith(("YEAR", "company_key", "label")) for name in spec.names)
        counts[party] = (len(spec.names), whitening.rank)
        if config.label:
            assert int(read_label(rows, config).sum()) == 62
    assert counts == {"bank": (18, 16), "platform": (9, 9), "public": (20, 18)}
