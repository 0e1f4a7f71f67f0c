"""The configuration of one party's dataset, from a TOML table.

    [datasets.loans]
    file = "loans.csv.gz"              # .csv, .csv.gz or .parquet; relative to the configuration file.
                                       # Or `folder`, or a table `sql`: see parties.dataset.sources
    key = "uscc"                       # the column by which the parties know a firm
    key_type = "uscc"                  # "text" (default) or "uscc" (GB 32100, check character checked)
    label = "default_12m"              # optional: the outcome; makes this the label party
    accepted = "approved"              # optional: whether a firm was accepted; the others have no outcome
    group = "holding"                  # optional: rows of one group stay on one side of a split
    size = "employees"                 # optional: firm size, for the lift on the smallest firms
    time = "approved_on"               # optional: when the decision was made: a date, a month, a year
    dates = ["balance_date"]           # other columns of dates: what was known when
    exclude = ["branch"]               # columns that are no features
    categorical = ["sector"]           # numbers that are codes; texts with many rare levels
    units = { turnover = "10k-CNY" }   # what its numbers are counted in
    max_levels = 60                    # the most levels of a text column
    privacy = { epsilon = 3.0, delta = 1e-5 }   # optional: the budget, see parties.dataset.budget
    share_points = true                # optional: the label party may hold this party's scorecard points
    [datasets.loans.columns.turnover]  # optional: what holds for single columns, see parties.dataset.rules
    special = [-999]

Every other column of the table is a feature.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from crypto.codes import Code
from crypto.errors import IsthmusError, UsageError
from parties.connectors import FileSource, Snapshot, Source
from parties.dataset.budget import Budget, read_budget
from parties.dataset.place import Place
from parties.dataset.problems import Problems, Table
from parties.dataset.rules import ColumnRules, read_rules, rule_contradictions
from parties.dataset.sources import SOURCES, read_source

KeyType = Literal["text", "uscc"]
KEY_TYPES: tuple[str, ...] = get_args(KeyType)

#: The most levels that a text column may have, unless the configuration says otherwise.
MAX_LEVELS = 60
#: The most that the configuration may say: a column of more levels than this describes single firms.
MAX_LEVELS_LIMIT = 1000

#: The fields of a dataset's table.
FIELDS = (
    "file",
    "key",
    "key_type",
    "label",
    "accepted",
    "group",
    "size",
    "time",
    "dates",
    "exclude",
    "categorical",
    "units",
    "max_levels",
    "columns",
)


@dataclass(frozen=True, slots=True)
class DatasetConfig:
    """The roles of a table's columns. Holds column names and units, never a cell.

    `units` maps a column to the unit of its numbers ("CNY", "10k-CNY", "ratio", ...). `share_points` lets the
    label party hold bins and points of this party's columns in a scorecard. `party` is whom errors name;
    where it is empty they name the dataset instead. `origin`: what is read where there is no `file`. Made by
    hand it is checked like a table: `UsageError` lists every problem.
    """

    name: str
    file: Path | None
    key: str
    key_type: KeyType = "text"
    label: str | None = None
    group: str | None = None
    size: str | None = None
    time: str | None = None
    dates: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    max_levels: int = MAX_LEVELS
    columns: Mapping[str, ColumnRules] = field(default_factory=dict)
    party: str = ""
    privacy: Budget | None = None
    share_points: bool = False
    accepted: str | None = None
    origin: Source | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", MappingProxyType(dict(self.units)))
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        problems = Problems()
        checked = {name: getattr(self, name) for name in ("name", *FIELDS) if name != "file"}
        for sentence in contradictions(**checked):
            problems.add(sentence)
        if (self.file is None) == (self.origin is None):
            problems.add("a dataset is read from a file or from something else, and from one of them")
        problems.refuse_if_any(party=self.party or None, file=self.file.name if self.file else None)

    @property
    def holder(self) -> str:
        """The party whom an error about this dataset names."""
        return self.party or self.name

    @property
    def place(self) -> Place:
        """The party and the file, or other source, that errors name."""
        return Place(self.holder, self.source.name)

    @property
    def source(self) -> Source:
        """What the rows are read from."""
        return self.origin if self.origin is not None else FileSource(self.path)

    @property
    def path(self) -> Path:
        """The file; `UsageError` where the rows come from elsewhere."""
        if self.file is None:
            raise self.place.error(
                "this needs a dataset that is one file",
                advice="Export the table to a .parquet file.",
                code=Code.CONFIGURATION,
            )
        return self.file

    def present(self) -> tuple[str, ...]:
        """The names of the source's columns; reads no row. `UsageError` names the party."""
        with self._named_in_errors():
            return self.source.columns()

    def read(self) -> Snapshot:
        """The rows as they are now: of a database or a folder the columns that have a part, of a file all."""
        with self._named_in_errors():
            return self.source.read(self._wanted, frozenset({self.key}))

    def digest(self) -> str:
        """The digest of what `read` would read."""
        with self._named_in_errors():
            return self.source.digest(self._wanted, frozenset({self.key}))

    def _wanted(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        roles = {self.key, self.label, self.accepted, self.group, self.size, self.time, *self.dates}
        return tuple(column for column in columns if column in roles or column not in self.exclude)

    @contextmanager
    def _named_in_errors(self) -> Iterator[None]:
        try:
            yield
        except IsthmusError as error:
            error.party = error.party or self.holder
            raise

    def feature_columns(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Those of `columns` that are features, in the table's order."""
        out = {self.key, self.label, self.accepted, self.group, self.time, *self.dates, *self.exclude}
        return tuple(column for column in columns if column not in out)

    def rules(self, column: str) -> ColumnRules:
        """What was said about `column`; empty rules where nothing was."""
        return self.columns.get(column, ColumnRules())

    def check_columns(self, columns: Iterable[str]) -> None:
        """Refuse when the configuration names columns that the table lacks; all of them at once."""
        present = set(columns)
        problems = Problems()
        for role, names in self._roles().items():
            for name in names:
                if name not in present:
                    problems.add(f"{role} names column {name!r}, which the table does not have")
        problems.refuse_if_any(
            party=self.holder,
            file=self.source.name,
            advice="Correct the names in the configuration: they are compared letter by letter.",
            code=Code.COLUMN_MISSING,
        )

    def check_read(self, columns: Iterable[str]) -> None:
        """`check_columns` of a table that was read: a database or a folder gives no excluded column."""
        self.check_columns([*columns, *(self.exclude if self.origin is not None else ())])

    def error(
        self, what: str, *, column: str | None = None, advice: str, code: Code | None = None
    ) -> UsageError:
        """A `UsageError` that names this party, this file and `column`."""
        return self.place.error(what, column=column, advice=advice, code=code)

    def _roles(self) -> dict[str, tuple[str, ...]]:
        single = {
            "key": self.key,
            "label": self.label,
            "accepted": self.accepted,
            "group": self.group,
            "size": self.size,
            "time": self.time,
        }
        return {role: (name,) for role, name in single.items() if name is not None} | {
            "dates": self.dates,
            "exclude": self.exclude,
            "categorical": self.categorical,
            "units": tuple(self.units),
            "columns": tuple(self.columns),
        }


def from_party_table(
    name: str, table: object, *, party: str, folder: Path, source: str = "party.toml"
) -> DatasetConfig:
    """The configuration of dataset `name` from its table [datasets.NAME] of the file `source` in `folder`.

    Raises one `UsageError` that lists every problem: the field, and what is allowed there.
    """
    section = f"[datasets.{name}]"
    problems = Problems()
    if not isinstance(table, Mapping):
        problems.add(f"{section} must be a table")
        table = {}
    reader = Table(table, section, problems)
    reader.refuse_others((*FIELDS, *SOURCES[1:], "privacy", "share_points"))
    fields: dict[str, Any] = {"name": name, "key": reader.text("key"), **read_roles(reader)}
    file, origin = read_source(reader, section, folder, problems)
    budget = read_budget(reader)
    share = reader.truth("share_points") or False
    note_contradictions(fields, section, problems)
    problems.refuse_if_any(party=party, file=source)
    return DatasetConfig(**fields, file=file, origin=origin, party=party, privacy=budget, share_points=share)


def read_roles(reader: Table) -> dict[str, Any]:
    """The fields that say what a column is, from a table; absent ones are left out."""
    fields = {
        "key_type": reader.choice("key_type", KEY_TYPES),
        "label": reader.optional_text("label"),
        "accepted": reader.optional_text("accepted"),
        "group": reader.optional_text("group"),
        "size": reader.optional_text("size"),
        "time": reader.optional_text("time"),
        "dates": reader.texts("dates"),
        "exclude": reader.texts("exclude"),
        "categorical": reader.texts("categorical"),
        "units": reader.text_map("units"),
        "max_levels": reader.whole("max_levels", 2, MAX_LEVELS_LIMIT),
        "columns": read_rules(reader),
    }
    return {name: value for name, value in fields.items() if value is not None}


def note_contradictions(fields: Mapping[str, Any], section: str, problems: Problems) -> None:
    """Add to `problems` what contradicts itself among `fields`.

    An absent key was read as an empty one and is noted already, so it is passed over here.
    """
    for sentence in contradictions(**(dict(fields) | {"key": fields["key"] or "\0"})):
        problems.add(f"{section} {sentence}")


def contradictions(
    *,
    key: str,
    name: str = "dataset",
    key_type: str = "text",
    label: str | None = None,
    accepted: str | None = None,
    group: str | None = None,
    size: str | None = None,
    time: str | None = None,
    dates: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    categorical: tuple[str, ...] = (),
    units: Mapping[str, str] | None = None,
    max_levels: int = MAX_LEVELS,
    columns: Mapping[str, ColumnRules] | None = None,
) -> list[str]:
    """What is wrong between fields of the right types, one sentence each."""
    found = [
        f"{role} is empty: give a name" for role, text in (("name", name), ("key", key)) if not text.strip()
    ]
    if key_type not in KEY_TYPES:
        found.append(f"key_type must be one of: {', '.join(KEY_TYPES)}")
    if not 2 <= max_levels <= MAX_LEVELS_LIMIT:
        found.append(f"max_levels must be a whole number from 2 to {MAX_LEVELS_LIMIT}")
    taken = {key: "key"}
    for role, column in (("label", label), ("accepted", accepted), ("group", group), ("time", time)):
        # Grouping by the key is no contradiction: it says that each firm is a group of its own.
        if column in taken and (role, taken[column]) != ("group", "key"):
            found.append(f"column {column!r} is both {taken[column]} and {role}: give each its own column")
        if column is not None:
            taken.setdefault(column, role)
    for column in dict.fromkeys(dates):
        if column in taken:
            found.append(f"dates names column {column!r}, which is the {taken[column]}")
    if accepted is not None and label is None:
        found.append("accepted says whose outcomes are known, and no label names them: give `label` too")
    if size is not None and size in (key, label):
        found.append(f"column {size!r} is both {taken[size]} and size: give each its own column")
    for listing, listed in (("dates", dates), ("exclude", exclude), ("categorical", categorical)):
        twice = sorted({column for column in listed if listed.count(column) > 1})
        found += [f"{listing} names column {column!r} twice" for column in twice]
    for column in dict.fromkeys(categorical):
        if column in taken:
            found.append(f"categorical names column {column!r}, which is the {taken[column]} and no feature")
        for listing, listed in (("dates", dates), ("exclude", exclude)):
            if column in listed:
                found.append(f"column {column!r} is in both categorical and {listing}: keep one")
    for column, unit in (units or {}).items():
        if not unit.strip():
            found.append(f"units gives column {column!r} an empty unit")
    found += rule_contradictions(columns or {}, _no_features(exclude, dates) | taken)
    return found


def _no_features(exclude: Iterable[str], dates: Iterable[str]) -> dict[str, str]:
    """Column -> why it is no feature, of those that lists name."""
    return dict.fromkeys(dates, "column of dates") | dict.fromkeys(exclude, "excluded column")
