"""Guessing the roles of columns from the files themselves, for a first look. A guess is told, or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from crypto.codes import Code
from crypto.errors import UsageError
from parties.connectors import columns, read_table
from parties.dataset.config import DatasetConfig, KeyType
from parties.identifiers import valid_uscc

#: The names (in any case) under which an outcome is looked for.
LABEL_NAMES = ("default", "label", "target", "y")
#: The share of a key column's cells that must be valid codes for it to be read as such.
_USCC_SHARE = 0.9

_CONFIG = "Say it yourself: pass --config FILE with `key` and `label`."


class Inference(NamedTuple):
    """Each party's configuration, and the sentences that say what was inferred and from what."""

    datasets: dict[str, DatasetConfig]
    sentences: tuple[str, ...]


def infer(paths: Mapping[str, Path]) -> Inference:
    """Infer each party's configuration from its file (`paths`: party to file).

    The key is the one column that all files have; it holds credit codes where nine cells in ten of every
    file are valid (GB 32100). The label is the one column named default, label, target or y, in any case,
    that holds two values. Every other column is a feature. Raises `UsageError` where that is ambiguous.
    """
    if len(paths) < 2:
        raise UsageError(
            f"there are {len(paths)} files; a federation needs two parties at least",
            advice="Give a directory with one file per party.",
        )
    headers = {party: tuple(columns(path)) for party, path in paths.items()}
    key = _common_column(headers)
    named = {
        party: [name for name in header if name.lower() in LABEL_NAMES and name != key]
        for party, header in headers.items()
    }
    tables = {party: read_table(path) for party, path in paths.items()}
    holder, label = _label(named, tables)
    key_type = _key_type([table[key] for table in tables.values()])
    datasets = {
        party: DatasetConfig(
            name=party,
            file=path,
            key=key,
            key_type=key_type,
            label=label if party == holder else None,
            party=party,
        )
        for party, path in paths.items()
    }
    kind = "unified social credit codes (GB 32100)" if key_type == "uscc" else "text"
    sentences = [
        f"The key is {key}: the one column that all {len(paths)} files have; it is read as {kind}.",
        f"The label is {label}, held by {holder}: the one column named like an outcome with two values.",
    ]
    for party, config in datasets.items():
        count = len(config.feature_columns(headers[party]))
        sentences.append(f"Every other column of {party} is a feature ({count} columns).")
    return Inference(datasets, tuple(sentences))


def _common_column(headers: Mapping[str, Sequence[str]]) -> str:
    first, *others = headers.values()
    common = [name for name in first if all(name in other for other in others)]
    if not common:
        raise UsageError(
            f"no column stands in all {len(headers)} files, so the key cannot be inferred",
            advice="Give the key the same name in every file, or pass --config FILE that names each.",
            code=Code.KEY_AMBIGUOUS,
        )
    if len(common) > 1:
        raise UsageError(
            f"the key is ambiguous: all {len(headers)} files have the columns {', '.join(common)}",
            advice=_CONFIG,
            code=Code.KEY_AMBIGUOUS,
        )
    return common[0]


def _label(named: Mapping[str, Sequence[str]], tables: Mapping[str, pd.DataFrame]) -> tuple[str, str]:
    found = [
        (party, name)
        for party, names in named.items()
        for name in names
        if tables[party][name].nunique(dropna=True) == 2
    ]
    if len(found) == 1:
        return found[0]
    if found:
        listing = ", ".join(f"{party}.{name}" for party, name in found)
        raise UsageError(
            f"the label is ambiguous: {listing} could each be the outcome",
            advice=_CONFIG,
            code=Code.LABEL_AMBIGUOUS,
        )
    near = ", ".join(
        f"{party}.{name} has {tables[party][name].nunique(dropna=True)}"
        for party, names in named.items()
        for name in names
    )
    raise UsageError(
        f"the label cannot be inferred: no file has a two-valued column named {', '.join(LABEL_NAMES)}"
        + (f" ({near} different values)" if near else ""),
        advice=_CONFIG,
        code=Code.LABEL_AMBIGUOUS,
    )


def _key_type(keys: Sequence[pd.Series]) -> KeyType:
    def mostly_codes(series: pd.Series) -> bool:
        present = series.dropna()
        return len(present) > 0 and float(valid_uscc(present).mean()) >= _USCC_SHARE

    return "uscc" if all(mostly_codes(series) for series in keys) else "text"
