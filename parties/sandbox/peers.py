"""Peers for a horizontal sandbox: parties with the same columns and the same kind of outcome, other firms.

Three sources: generated banks, a folder with a table for each party, or one table that is split by a column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_lowercase

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.codes import Code
from crypto.private import Private
from crypto.summation.protection import MOST_MEMBERS
from federation import files
from federation.errors import UsageError
from federation.ids import PartyId, party_id
from federation.plan import Plan
from federation.tables import Model, PlanParty, Training
from parties.connectors import columns, read_table
from parties.dataset import DatasetConfig
from parties.dataset.inference import LABEL_NAMES
from parties.four_flows import Settings, generate
from parties.sandbox.founding import tables_in, told_of

#: A sum over two parties tells each the other's part: plans refuse it without noise. Each is a process here.
FEWEST, MOST = 3, MOST_MEMBERS
#: Generated banks: the largest has so many times the firms of the smallest.
_LARGEST = 5.0
#: The share of generated firms that default: more than in the main job, as the smallest bank is tested too.
BASE_RATE = 0.12
#: What a bank's application form asks beside its own columns.
_ASKED = ("industry", "region", "age_years", "employees", "tax_grade")
#: How far the banks' customers differ by industry and region: the standard deviation of log odds.
_MIX = 0.8
#: Fewer generated firms for each bank would leave the smallest without outcomes to learn from.
_FEWEST_FIRMS = 300
_KEY_NAME = re.compile(r"(^|[_ ])(id|key|uscc)$", re.IGNORECASE)
_ROW = "row"


@dataclass(frozen=True, slots=True)
class Roles:
    """What the user says of the columns; None or empty where it is to be inferred."""

    key: str | None = None
    label: str | None = None
    exclude: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnRoles:
    """The columns' roles, and what the user said of the others."""

    key: str
    label: str
    roles: Roles


@dataclass(frozen=True, slots=True)
class Peers:
    """Each party's dataset, and the sentences that say what was inferred or generated."""

    datasets: Mapping[PartyId, DatasetConfig]
    sentences: tuple[str, ...]


def horizontal_plan(parties: Sequence[PartyId], kind: str, strategy: str) -> Plan:
    """One model of `kind` over `parties`, trained by `strategy`; all else is a plan's default."""
    return Plan(
        name="sandbox",
        purpose="credit-scoring",
        shape="horizontal",
        parties={name: PlanParty() for name in parties},
        model=Model.model_validate({"kind": kind}),
        training=Training.model_validate({"strategy": strategy}),
    )


# -- generated banks -----------------------------------------------------------------------------------


def check_banks(firms: int, parties: int) -> None:
    """Raise `UsageError` where so many banks cannot be made of so many firms."""
    if firms < _FEWEST_FIRMS * parties:
        raise UsageError(
            f"{firms:,} firms are too few for {parties} banks",
            field="--firms",
            advice=f"Generate {_FEWEST_FIRMS * parties:,} at least.",
        )


def generated_banks(folder: Path, settings: Settings, parties: int) -> Peers:
    """Banks with customers of their own: unequal in number, different by industry and region."""
    check_banks(settings.firms, parties)
    world = generate(replace(settings, base_rate=BASE_RATE, platform_overlap=1.0, public_overlap=1.0))
    asked = world.public[["uscc", *_ASKED]]
    table = world.bank.drop(columns="lender").merge(asked, on="uscc", how="left", validate="one_to_one")
    lenders = share_out(table, parties, np.random.default_rng([settings.seed, parties]))
    datasets = {}
    for place in range(parties):
        name = PartyId(f"bank-{ascii_lowercase[place]}")
        own = table[lenders == place].reset_index(drop=True)
        file = write_table(folder, name, own)
        datasets[name] = DatasetConfig(
            name="data", file=file, key="uscc", key_type="uscc", label="default_12m", party=name
        )
    sizes = ", ".join(f"{name} {int((lenders == place).sum()):,}" for place, name in enumerate(datasets))
    told = (
        f"Generated {settings.firms:,} firms, seed {settings.seed}, as customers of {parties} banks: {sizes}."
    )
    return Peers(datasets, (told,))


def share_out(table: pd.DataFrame, parties: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """The bank (n,) of each firm: sizes fall evenly to a fifth, tastes for industries and regions differ.

    The chances are fitted to the sizes by iterative proportional fitting, so that a taste for a large region
    does not make a small bank large.
    """
    sizes = _LARGEST ** -np.linspace(0.0, 1.0, parties)
    sizes *= len(table) / sizes.sum()
    chances = np.ones((parties, len(table)))
    for column in ("industry", "region"):
        codes, levels = pd.factorize(table[column], sort=True)
        tastes = np.exp(_MIX * random.standard_normal((parties, len(levels))))
        chances *= np.column_stack([tastes, np.ones(parties)])[:, codes]  # An empty cell has code -1.
    for _ in range(50):
        chances *= (sizes / chances.sum(axis=1))[:, None]
        chances /= chances.sum(axis=0)
    drawn = random.random(len(table)) > np.cumsum(chances, axis=0)
    places: npt.NDArray[np.int64] = np.minimum(drawn.sum(axis=0), parties - 1)
    return places


# -- the user's own tables -----------------------------------------------------------------------------


def given_peers(data: Path, roles: Roles) -> Peers:
    """A folder with one table for each party; their roles as told, or inferred."""
    paths, others = tables_in(data)
    _check_number(list(paths), "tables", str(data))
    headers = {party: columns(path) for party, path in paths.items()}
    common = [name for name in headers[min(headers)] if all(name in header for header in headers.values())]
    tables = {PartyId(party): read_table(path) for party, path in paths.items()}
    found, sentences = _inferred(tables, common, roles, str(data))
    datasets = {}
    for party, path in paths.items():
        alone = tuple(name for name in headers[party] if name not in common)
        if alone:
            sentences.append(f"Left out of {party}, as another table lacks them: {', '.join(alone)}.")
        datasets[PartyId(party)] = _dataset(PartyId(party), path, found, alone)
    return Peers(datasets, (*sentences, *told_of(others)))


@dataclass(frozen=True, slots=True)
class Split:
    """One table parted by a column, not written yet."""

    tables: Mapping[PartyId, Private[pd.DataFrame]]
    found: ColumnRoles
    sentences: tuple[str, ...]

    def write(self, folder: Path) -> Peers:
        """Put each party's table into its own folder."""
        datasets = {
            party: _dataset(party, write_table(folder, party, own.open_locally(), parquet=True), self.found)
            for party, own in self.tables.items()
        }
        return Peers(datasets, self.sentences)


def split_table(file: Path, by: str, parties: int, roles: Roles) -> Split:
    """One table, a party for each of the `parties` most frequent values of its column `by`.

    Rows with other values, or none, are left out. A table in which nothing names the rows is given row
    numbers as keys. Raises `UsageError` that names the file and the option.
    """
    table = read_table(file)
    if by not in table.columns:
        raise UsageError(
            f"there is no column {by!r} to split by",
            file=str(file),
            field="--by",
            advice=f"Name one of its columns: {', '.join(map(str, table.columns))}.",
        )
    rows = dict(_largest(table, by, parties))
    _check_number(list(rows), f"values of {by}", str(file))
    kept = table.drop(columns=by)
    if roles.key is None and not _keys(kept, _label_of(kept, roles)):
        kept.insert(0, _ROW, np.arange(len(kept)))
        roles = replace(roles, key=_ROW)
    tables = {party: kept[marks].reset_index(drop=True) for party, marks in rows.items()}
    found, sentences = _inferred(tables, list(kept.columns), roles, str(file))
    total = sum(map(len, tables.values()))
    told = (
        f"Split {file.name} by {by}: {len(tables)} of {table[by].nunique()} values, {total:,} of "
        f"{len(table):,} rows."
    )
    return Split({party: Private(own) for party, own in tables.items()}, found, (told, *sentences))


def _largest(table: pd.DataFrame, by: str, parties: int) -> Iterator[tuple[PartyId, npt.NDArray[np.bool_]]]:
    """The parties of a split with the marks (n,) of their rows, the largest first."""
    taken: set[str] = set()
    for place, value in enumerate(table[by].value_counts().index[:parties], start=1):
        slug = re.sub(r"[^a-z0-9]+", "-", f"{by}-{value}".lower()).strip("-")
        name = slug[:32].rstrip("-")
        if not re.match("[a-z]", name) or name in taken:
            name = f"party-{place}"
        taken.add(name)
        yield party_id(name), (table[by] == value).to_numpy(dtype=bool, na_value=False)


def _check_number(parties: Sequence[str], what: str, file: str) -> None:
    if len(parties) > MOST:
        raise UsageError(
            f"{len(parties)} {what}, and each would be a process of its own on this machine",
            file=file,
            advice=f"Give {MOST} at most.",
        )
    if len(parties) < FEWEST:
        raise UsageError(
            f"{len(parties)} {what} make {len(parties)} parties, and a horizontal round needs {FEWEST}",
            file=file,
            advice="A sum over two would tell each the other's part: give more.",
        )


def _inferred(
    tables: Mapping[PartyId, pd.DataFrame], common: list[str], roles: Roles, file: str
) -> tuple[ColumnRoles, list[str]]:
    """Key and label of tables that all have the columns `common`; and the sentences that tell them."""
    _check_named(roles, common, file)
    whole = pd.concat([table[common] for table in tables.values()], ignore_index=True)
    labels = [label for label in [_label_of(whole, roles)] if label is not None]
    if not labels:
        raise UsageError(
            f"the label cannot be inferred: no column with two values is named {', '.join(LABEL_NAMES)}, or "
            "more than one is",
            file=file,
            advice="Name the outcome's column with --label.",
            code=Code.LABEL_AMBIGUOUS,
        )
    label = labels[0]
    keys = [roles.key] if roles.key is not None else _keys_of_all(tables, common, label)
    if len(keys) != 1:
        told = f": {', '.join(keys)} could each be it" if keys else ", as no column names each row once"
        raise UsageError(
            f"the key cannot be inferred{told}",
            file=file,
            advice="Name the firms' column with --key.",
            code=Code.KEY_AMBIGUOUS,
        )
    key = keys[0]
    features = [name for name in common if name not in (key, label, *roles.exclude)]
    if not features:
        raise UsageError(
            "no column is left as a feature",
            file=file,
            advice="Every table needs columns of the same names besides key, label and those excluded.",
            code=Code.NO_FEATURE,
        )
    told = f"The key is {key}, the label {label}; {len(features)} other columns are features."
    return ColumnRoles(key, label, roles), [told]


def _check_named(roles: Roles, common: list[str], file: str) -> None:
    named = {"--key": [roles.key], "--label": [roles.label]}
    lists = {"--exclude": roles.exclude, "--categorical": roles.categorical}
    for option, names in {**named, **lists}.items():
        for name in names:
            if name is not None and name not in common:
                raise UsageError(
                    f"{option} names {name!r}, which is not a column of every table",
                    file=file,
                    field=option,
                    advice=f"Columns of every table: {', '.join(common)}.",
                    code=Code.COLUMN_MISSING,
                )


def _label_of(table: pd.DataFrame, roles: Roles) -> str | None:
    if roles.label is not None:
        return roles.label
    named = [str(name) for name in table.columns if str(name).lower() in LABEL_NAMES]
    found = [name for name in named if table[name].nunique(dropna=True) == 2]
    return found[0] if len(found) == 1 else None


def _keys_of_all(tables: Mapping[PartyId, pd.DataFrame], common: list[str], label: str) -> list[str]:
    each = [set(_keys(table[common], label)) for table in tables.values()]
    shared = [name for name in common if all(name in found for found in each)]
    named = [name for name in shared if _KEY_NAME.search(name)]
    return named if len(named) == 1 else shared


def _keys(table: pd.DataFrame, label: str | None) -> list[str]:
    """Columns of text or whole numbers that name each row once; measurements have decimals or repeat."""
    return [
        str(name)
        for name in table.columns
        if name != label
        and table[name].dtype.kind != "f"
        and table[name].notna().all()
        and table[name].is_unique
    ]


def _dataset(party: PartyId, file: Path, found: ColumnRoles, alone: tuple[str, ...] = ()) -> DatasetConfig:
    return DatasetConfig(
        name="data",
        file=file.resolve(),
        key=found.key,
        label=found.label,
        exclude=(*found.roles.exclude, *alone),
        categorical=found.roles.categorical,
        party=party,
    )


def write_table(folder: Path, party: PartyId, table: pd.DataFrame, *, parquet: bool = False) -> Path:
    """A party's table in its own folder. Parquet keeps the kinds that the whole table's columns have."""
    home = folder / "parties" / party
    home.mkdir(parents=True, exist_ok=True)
    file = home / f"{party}.{'parquet' if parquet else 'csv.gz'}"
    if parquet:
        files.write_private(file, table.to_parquet(index=False))
    else:
        table.to_csv(file, index=False, compression={"method": "gzip", "mtime": 0})
    return file
