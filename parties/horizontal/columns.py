"""The columns that the parties share: their names and kinds, and one reading of a cell at every party."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from crypto.codes import Code
from crypto.errors import UsageError
from federation.errors import PlanRefused
from federation.files import canonical_json
from federation.tables import Column
from parties.dataset import DatasetConfig, Place
from parties.features.columns import Levels, is_empty, is_numeric, levels, number_text, parsed

Kind: TypeAlias = Literal["numeric", "categorical"]
#: Every feature column with its kind, by name: equal at all parties of a horizontal run.
Schema: TypeAlias = tuple[tuple[str, Kind], ...]

#: Buckets that the levels of one column are hashed into.
BUCKETS = 1 << 12
#: Whole numbers from here on are not all float64s: texts of such numbers stay texts.
_EXACT = 2.0**53


def schema(frame: pd.DataFrame, dataset: DatasetConfig, declared: Mapping[str, Column]) -> Schema:
    """This party's feature columns and their kinds, sorted by name: files may order them as they like.

    What is declared decides: the plan ([columns.NAME] with a range or with levels), then the party's own
    `categorical`. Otherwise truth values and text are levels, numbers are numbers, text that holds numbers
    only is numbers too, and so is a column with no cell at all, as it says nothing else. So a kind can
    depend on one party's data where nobody declares it; then the schemas differ and the round is refused
    (`refuse_difference`) rather than one column read in two ways.

    Raises `UsageError` where two columns have one name, for columns that `dataset` or the plan names and
    the table lacks, for dates, and for text of which some cells are numbers and most are.
    """
    if not frame.columns.is_unique:
        raise dataset.error(
            "the table has two columns of one name", advice="Rename one of them: names tell columns apart."
        )
    dataset.check_read(frame.columns)
    features = dataset.feature_columns(frame.columns)
    absent = sorted(set(declared) - set(features))
    if absent:
        raise dataset.error(
            f"the plan declares columns that are no features of this table: {', '.join(absent)}",
            advice="Name the columns as the plan does, and exclude none of them; or have the plan corrected.",
        )
    return tuple((name, _kind(frame[name], dataset, declared.get(name))) for name in sorted(features))


def schema_digest(own: Schema) -> bytes:
    """SHA-256 over names and kinds: what the parties compare, without telling a name."""
    return hashlib.sha256(canonical_json([list(column) for column in own])).digest()


def refuse_difference(own: Schema, digests: Mapping[str, bytes], dataset: DatasetConfig) -> None:
    """Raise `PlanRefused` where a party's digest (`digests`: party -> digest) is another than this one's.

    The error's cause, which travels, names parties; this party's columns stand in the advice, which stays.
    """
    mine = schema_digest(own)
    others = sorted(party for party, digest in digests.items() if digest != mine)
    if not others:
        return
    listing = ", ".join(f"{name} ({kind})" for name, kind in own)
    raise PlanRefused(
        f"the feature columns of {dataset.holder} differ from those of {', '.join(others)}",
        party=dataset.holder,
        file=dataset.source.name,
        advice=f"Compare columns with them; here they are: {listing}. Exclude what others lack; where a kind "
        "differs (a column without a cell counts as numeric), declare the column in the plan, as "
        "[columns.NAME] with a range or with levels.",
        code=Code.COLUMNS_DIFFER,
    )


def _kind(series: pd.Series, dataset: DatasetConfig, declared: Column | None) -> Kind:
    if declared is not None:
        return "numeric" if declared.range is not None else "categorical"
    coded = series.name in dataset.categorical
    if is_empty(series):
        return "categorical" if coded else "numeric"
    coded = coded or isinstance(series.dtype, pd.CategoricalDtype)
    if coded or types.is_bool_dtype(series.dtype):
        return "categorical"
    return "numeric" if is_numeric(series) or _holds_numbers(series, dataset) else "categorical"


def _holds_numbers(series: pd.Series, dataset: DatasetConfig) -> bool:
    """Whether a column of text holds nothing but numbers and gaps; see `schema` for what is refused."""
    found = levels(series, dataset.place)
    are_numbers = ~np.isnan(parsed(found.texts))
    present = found.codes[found.codes >= 0]
    count = int(are_numbers[present].sum())
    if len(present) > count > len(present) / 2:
        raise dataset.error(
            f"{len(present) - count} of {len(present)} cells are not numbers, and all others are",
            column=str(series.name),
            advice="Clean those cells or leave them empty; or declare the column categorical, or exclude it.",
        )
    return count == len(present)


def shared_levels(series: pd.Series, place: Place) -> Levels:
    """A column's levels under the names that every party gives them, whatever it stores them as.

    A text that is a number is written as numbers are: 54, 54.0 and "054" are one level. So a code keeps its
    name where one party's file holds text, another's whole numbers and a third's, for a gap, float64.
    """
    found = levels(series, place)
    shared = [shared_name(name) for name in found.texts]
    texts = tuple(sorted(set(shared)))
    place_of = {name: position for position, name in enumerate(texts)}
    again = np.array([*(place_of[name] for name in shared), -1], dtype=np.int64)
    return Levels(texts, again[found.codes])


def shared_name(text: str) -> str:
    """One level's name, as `shared_levels` writes it; "" for a text that a table would read as missing."""
    stripped = text.strip()
    if stripped.lower() in ("true", "false"):
        return stripped.lower()
    number = float(parsed([stripped])[0])
    return number_text(number) if np.isfinite(number) and abs(number) < _EXACT else stripped


def level_salt(secret: bytes) -> bytes:
    """The key (32 bytes) under which levels are hashed; from what the parties share and nobody else has."""
    if len(secret) < 16:
        raise UsageError(
            "the secret that the parties share is shorter than 16 bytes",
            advice="Derive it from the session's keys.",
        )
    return hmac.digest(secret, b"isthmus horizontal levels 1", "sha256")


def buckets(column: str, texts: tuple[str, ...], salt: bytes) -> npt.NDArray[np.int64]:
    """The bucket, from 0 to BUCKETS - 1, of each level: HMAC-SHA256 (RFC 2104) of column and level.

    Without `salt` buckets say nothing on levels. Whoever has it can try names that it can guess.
    """
    name = column.encode()
    prefix = len(name).to_bytes(4, "big") + name
    tags = (hmac.digest(salt, prefix + text.encode(), "sha256") for text in texts)
    return np.array([int.from_bytes(tag[:8], "big") % BUCKETS for tag in tags], dtype=np.int64)
