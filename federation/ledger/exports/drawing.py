"""The parts of a PROV-JSON document: records by their names, attributes with their types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeAlias

from federation.ledger.lines import Logged

Json: TypeAlias = dict[str, Any]


class Drawing:
    """A PROV-JSON document under construction. Relations are numbered as they are drawn."""

    def __init__(self, prefixes: Mapping[str, str], state: str) -> None:
        self._prefixes = dict(prefixes)
        self._records: dict[str, dict[str, Json]] = {}
        self._numbers: Counter[str] = Counter()
        self.state = state

    def add(self, kind: str, name: str, label: str, **attributes: object) -> str:
        """An entity, activity or agent, once; `name` is its local name. Gives its qualified name.

        An attribute without a value is left out.
        """
        record = {
            "prov:label": label,
            **{_key(key): value for key, value in attributes.items() if value != ""},
        }
        self._records.setdefault(kind, {})[f"run:{name}"] = record
        return f"run:{name}"

    def relate(self, kind: str, **ends: object) -> None:
        """A relation between things that were added."""
        self._numbers[kind] += 1
        record = {_key(key): value for key, value in ends.items()}
        self._records.setdefault(kind, {})[f"_:{kind}{self._numbers[kind]}"] = record

    def document(self) -> Json:
        """All of it."""
        return {"prefix": self._prefixes, **self._records}


def _key(name: str) -> str:
    """`prov_type` as `prov:type`."""
    return name.replace("_", ":", 1)


def named(name: str) -> Json:
    """A qualified name as the value of an attribute."""
    return {"$": name, "type": "prov:QUALIFIED_NAME"}


def time(text: str) -> Json:
    """A time (UTC, `2026-11-27T09:00:00Z`) as the value of an attribute."""
    return {"$": _written(text), "type": "xsd:dateTime"}


def moment(entry: Logged) -> str:
    """The entry's time, for PROV's own attributes."""
    return _written(entry.at)


def at(entry: Logged | None) -> dict[str, object]:
    """When a relation came about: at the entry's time, where there is one."""
    return {} if entry is None else {"prov_time": moment(entry)}


def _written(text: str) -> str:
    """A time of the ledger (UTC) in the form that PROV tools write."""
    return text.removesuffix("Z") + "+00:00"
