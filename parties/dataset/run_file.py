"""One configuration file for all parties of a run, as a demonstration or a rehearsal needs it.

    key = "entity_id"                  # the same column at every party
    key_type = "text"                  # optional: "text" (default) or "uscc"
    label = "bank.default"             # party.column; or `label` in the party's own table
    group = "company"                  # optional, at every party; or "party.column", or in a party's table
    exclude = ["YEAR"]                 # optional, at every party; a party's own list is added to it
    max_levels = 60                    # optional, at every party

    [parties.bank]                     # one table per party, even if empty
    file = "bank.csv.gz"               # optional where the command already knows the files
    exclude = ["branch"]
    categorical = ["sector"]
    size = "employees"
    units = { turnover = "10k-CNY" }

A party's table may hold every field of `parties.dataset.config` and overrules what stands above it. Exactly
one party has the label.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from crypto.codes import Code
from crypto.errors import UsageError
from parties.dataset.config import (
    FIELDS,
    KEY_TYPES,
    MAX_LEVELS_LIMIT,
    DatasetConfig,
    note_contradictions,
    read_roles,
)
from parties.dataset.problems import Problems, Table

_TOP = ("key", "key_type", "label", "group", "exclude", "max_levels", "parties")


def load_config(path: Path, files: Mapping[str, Path] | None = None) -> dict[str, DatasetConfig]:
    """Each party's configuration from the file at `path`.

    `files` gives each party's table where the command knows it already (`--data`); it overrules `file`
    and must have exactly the parties of the configuration. Otherwise every party's table names its file,
    relative to `path`. Raises one `UsageError` that lists every problem.
    """
    document = _parse(path)
    problems = Problems()
    top = Table(document, "", problems)
    top.refuse_others(_TOP)
    tables = _party_tables(document, problems)
    _check_parties(tables, files, problems)
    shared = _Shared(top, tuple(tables), problems)
    found: dict[str, dict[str, Any]] = {}
    for party, table in tables.items():
        reader = Table(table, f"[parties.{party}]", problems)
        reader.refuse_others(FIELDS)
        found[party] = shared.complete(party, reader, problems)
        note_contradictions(found[party], f"[parties.{party}]", problems)
        _add_file(found[party], party, reader, path, files)
    _check_one_label(found, problems)
    problems.refuse_if_any(file=path.name)
    return {party: DatasetConfig(**fields, party=party) for party, fields in found.items()}


class _Address(NamedTuple):
    """A column of one party, or of every party where `party` is None."""

    party: str | None
    column: str


class _Shared:
    """What stands above the parties' tables and holds for each that does not say otherwise."""

    def __init__(self, top: Table, parties: tuple[str, ...], problems: Problems) -> None:
        self.key = top.optional_text("key")
        self.key_type = top.choice("key_type", KEY_TYPES)
        self.max_levels = top.whole("max_levels", 2, MAX_LEVELS_LIMIT)
        self.exclude = top.texts("exclude") or ()
        self.label = self._address(top.optional_text("label"), parties)
        self.group = self._address(top.optional_text("group"), parties)
        if self.label is not None and self.label.party is None:
            problems.add("label must be a party of this file and its column: party.column")
            self.label = None

    @staticmethod
    def _address(text: str | None, parties: tuple[str, ...]) -> _Address | None:
        if text is None:
            return None
        party, _, column = text.partition(".")
        return _Address(party, column) if column and party in parties else _Address(None, text)

    def complete(self, party: str, reader: Table, problems: Problems) -> dict[str, Any]:
        """The fields of `party`: its own, then those that hold for all."""
        fields: dict[str, Any] = {"name": party}
        fields["key"] = reader.optional_text("key") or self.key or ""
        if not fields["key"]:
            problems.add(f"[parties.{party}] has no key: give `key` there or at the top of the file")
        for name in ("key_type", "max_levels"):
            if (value := getattr(self, name)) is not None:
                fields[name] = value
        own = read_roles(reader)
        for role in ("label", "group"):
            address: _Address | None = getattr(self, role)
            if address is None or address.party not in (None, party):
                continue
            if role in own and address.party is not None:
                problems.add(f"{role} of {party} stands both at the top and in [parties.{party}]: keep one")
            fields[role] = address.column
        fields |= own
        fields["exclude"] = tuple(dict.fromkeys((*self.exclude, *own.get("exclude", ()))))
        return fields


def _parse(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UsageError(
            "there is no such configuration file",
            file=path.name,
            advice="Check the path given to --config.",
            code=Code.FILE_MISSING,
        ) from None
    except OSError as error:
        raise UsageError(
            f"the configuration file cannot be read ({type(error).__name__})",
            file=path.name,
            advice="Check that it is a file and that this user may read it.",
            code=Code.FILE_DAMAGED,
        ) from None
    except UnicodeDecodeError:
        raise UsageError(
            "the configuration file is not UTF-8",
            file=path.name,
            advice="Save it as UTF-8.",
            code=Code.TOML_MALFORMED,
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"the configuration file is not TOML: {error}",
            file=path.name,
            advice="Texts stand in quotes, lists in brackets; a key stands once.",
            code=Code.TOML_MALFORMED,
        ) from None


def _party_tables(document: Mapping[str, object], problems: Problems) -> dict[str, Mapping[str, object]]:
    tables = document.get("parties")
    if not isinstance(tables, dict) or len(tables) < 2:
        problems.add("parties must be at least two tables, as in [parties.bank]")
        return {}
    named: dict[str, Mapping[str, object]] = {}
    for party, table in tables.items():
        if isinstance(table, dict):
            named[party] = table
        else:
            problems.add(f"parties.{party} must be a table: [parties.{party}]")
    return named


def _check_parties(
    tables: Mapping[str, object], files: Mapping[str, Path] | None, problems: Problems
) -> None:
    if files is None or not tables:
        return
    for party in sorted(set(tables) - set(files)):
        problems.add(f"[parties.{party}] has no file among the data")
    for party in sorted(set(files) - set(tables)):
        problems.add(f"the data have a file of {party}: give it a table [parties.{party}]")


def _add_file(
    fields: dict[str, Any], party: str, reader: Table, source: Path, files: Mapping[str, Path] | None
) -> None:
    if files is None:
        fields["file"] = source.parent / reader.text("file")
    else:
        reader.optional_text("file")  # A wrong one is a problem, even where it is overruled.
        fields["file"] = files.get(party, Path())


def _check_one_label(found: Mapping[str, Mapping[str, object]], problems: Problems) -> None:
    holders = [party for party, fields in found.items() if "label" in fields]
    if found and len(holders) != 1:
        named = " and ".join(holders) if holders else "no party"
        problems.add(f'{named} has the label: give it to exactly one, as in label = "bank.default"')
