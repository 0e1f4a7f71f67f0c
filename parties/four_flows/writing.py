"""Files: three tables, a README, and the truth in a folder of its own."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from crypto.errors import UsageError
from federation import files
from parties.four_flows.settings import Settings
from parties.four_flows.truth import Truth

if TYPE_CHECKING:
    import pandas as pd

Format = Literal["csv.gz", "parquet"]


def write_world(
    directory: Path, kind: Format, settings: Settings, tables: Mapping[str, pd.DataFrame], truth: Truth
) -> dict[str, Path]:
    """Write everything under `directory`, each file whole or not at all; returns each file's path."""
    if kind not in get_args(Format):
        raise UsageError(
            "the generator cannot write this format", field="format", advice="Choose csv.gz or parquet."
        )
    if settings.gbk and kind == "parquet":
        raise UsageError(
            "text in a Parquet file is always UTF-8, never GBK",
            field="format",
            advice="Choose csv.gz, or switch gbk off.",
        )
    paths = {}
    for name, frame in tables.items():
        paths[name] = directory / f"{name}.{kind}"
        _write_table(paths[name], kind, frame, "gbk" if settings.gbk else "utf-8")
    paths["truth"] = directory / "truth" / f"truth.{kind}"
    _write_table(paths["truth"], kind, truth.firms, "utf-8")
    paths["value"] = directory / "truth" / "value.json"
    worth = {"value": dict(truth.value), "marginal_value": dict(truth.marginal_value)}
    _write_json(paths["value"], worth | {"ceiling": truth.ceiling})
    paths["settings"] = directory / "truth" / "settings.json"
    _write_json(paths["settings"], dataclasses.asdict(settings))
    paths["readme"] = directory / "README.md"
    files.write(paths["readme"], _readme(kind, settings, tables).encode())
    return paths


def _write_table(path: Path, kind: Format, frame: pd.DataFrame, encoding: str) -> None:
    if kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        packed = io.BytesIO()
        pq.write_table(pa.Table.from_pandas(_whole_numbers(frame), preserve_index=False), packed)
        files.write(path, packed.getvalue())
        return
    text = _whole_numbers(frame).to_csv(index=False, lineterminator="\n")
    # Neither a time nor a file name in the gzip header: the same rows give the same bytes.
    files.write(path, gzip.compress(text.encode(encoding), compresslevel=6, mtime=0))


def _whole_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Counts as whole numbers that may be missing: 12, not 12.0; flags as 0 and 1."""
    whole = {}
    for name in frame.columns:
        column = frame[name]
        if column.dtype == "bool" or (column.dtype == "float64" and (column.dropna() % 1 == 0).all()):
            whole[name] = "Int64"
    return frame.astype(whole)


def _write_json(path: Path, content: object) -> None:
    files.write(path, (json.dumps(content, indent=2, sort_keys=True) + "\n").encode())


def _readme(kind: Format, settings: Settings, tables: Mapping[str, pd.DataFrame]) -> str:
    lines = [
        "# A generated world of small firms, seen through four flows",
        "",
        "Invented by Isthmus's four-flows generator. No firm, code or name in it stands for a real one.",
        "",
        "| file | rows | columns |",
        "|---|---|---|",
    ]
    for name, frame in tables.items():
        lines.append(f"| {name}.{kind} | {len(frame)} | {', '.join(frame.columns)} |")
    dirty = [
        field.name
        for field in dataclasses.fields(settings)
        if field.default in (False, None) and getattr(settings, field.name) not in (False, None)
    ]
    lines += [
        "",
        "The tables join on `uscc`; the label is `default_12m` in the bank's table (1 = default within",
        f"twelve months). Amounts are in yuan. Each firm is observed for {settings.months} months up to",
        "its loan; rows stand in no order, and some cells are empty.",
        "",
        f"Dirt switched on: {', '.join(dirty) or 'none'}.",
        "",
        "`truth/` holds the answers (and the settings with the seed, from which they can be made again).",
        "Give it to no party.",
        "",
    ]
    return "\n".join(lines)
