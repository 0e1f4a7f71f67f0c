"""Documents that people edit, as TOML: read into a closed model with every problem told at once, and written.

What is wrong is told in plain words with the path of its field, and never by repeating what was written
there. TOML has dates of its own; everything else is as in JSON, so a document and its JSON form say the same.
"""

from __future__ import annotations

import datetime as dt
import enum
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from crypto.codes import Code
from federation import files
from federation.errors import UsageError

Model = TypeVar("Model", bound=BaseModel)

#: A line longer than this is broken up where it can be.
_WIDTH = 110

#: What a pattern of `federation.governance` asks for, in words.
_SHAPES = {
    r"^[A-Z]{2}$": 'two capital letters for a country or territory, as in "CN" (ISO 3166-1)',
    r"^([A-Z]{2}-[A-Z0-9]{1,3})?$": 'a place inside a country, as in "CN-GD" (ISO 3166-2)',
    r"^[0-9a-f]{64}$": "a SHA-256: 64 digits and letters a to f",
    r"^[a-z0-9][a-z0-9-]{0,62}$": "a name of lower-case letters, digits and hyphens, at most 63",
    r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$": "a name of letters, digits and . - _ , at most 63",
}
_KINDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known here: look for a misspelling",
    "string_type": "must be a text in quotation marks",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list, as in [...]",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "date_type": "must be a date, as in 2027-06-30",
    "date_parsing": "must be a date, as in 2027-06-30",
    "date_from_datetime_inexact": "must be a date without a time, as in 2027-06-30",
}


def read(
    path: Path, model: type[Model], what: str, advice: str
) -> tuple[Model | None, dict[str, Any], list[str]]:
    """The document in the file as a `model`, its raw table, and what is wrong with it, a sentence each.

    Where something is wrong there is no model. Raises `UsageError` where it is no TOML at all; `what` names
    the document there.
    """
    try:
        table = tomllib.loads(files.read(path, advice).decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UsageError(
            f"the {what} is not UTF-8 text",
            file=str(path),
            advice="Save it as UTF-8.",
            code=Code.TOML_MALFORMED,
        ) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        told = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it is nested too deeply"
        raise UsageError(
            f"the {what} is not TOML: {told}",
            file=str(path),
            advice="Mend that line.",
            code=Code.TOML_MALFORMED,
        ) from None
    try:
        return model.model_validate_json(json.dumps(table, default=_dated), strict=True), table, []
    except ValidationError as error:
        return None, table, [_told(detail) for detail in error.errors(include_url=False, include_input=False)]


def _dated(value: object) -> str:
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _told(detail: Mapping[str, Any]) -> str:
    """One problem: where it stands, and what is allowed there."""
    place = ".".join(_key(part) for part in detail["loc"] if part != "[key]")
    kind, allowed = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        told = str(allowed["error"])
        return f"{place}.{told}" if place else told
    return f"{place or 'the document'} {_asked(kind, allowed)}"


def _asked(kind: str, allowed: Mapping[str, Any]) -> str:
    if kind in _KINDS:
        return _KINDS[kind]
    if kind in ("literal_error", "enum"):
        return f"must be one of: {str(allowed['expected']).replace(chr(39), '')}"
    if kind == "string_pattern_mismatch":
        pattern = str(allowed["pattern"])
        return f"must be {_SHAPES.get(pattern, f'a text of the form {pattern}')}"
    if kind == "greater_than_equal":
        return f"must be {allowed['ge']} or more"
    if kind == "greater_than":
        return f"must be more than {allowed['gt']}"
    if kind == "less_than_equal":
        return f"must be {allowed['le']} or less"
    if kind in ("too_short", "string_too_short"):
        return "must not be empty"
    if kind == "string_too_long":
        return f"must have at most {allowed['max_length']} characters"
    return "is not of the kind that belongs here"


def _key(part: object) -> str:
    """A part of a field's path, as TOML writes it. Lists count from one, as people do."""
    if isinstance(part, int):
        return f"{part + 1}"
    text = str(part)
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _text(text)


def write(model: BaseModel) -> str:
    """A model as TOML. What is empty is left out where that is the default, but for an empty `egress`."""
    table = model.model_dump(mode="python", exclude_none=True)
    return "\n".join(_tables(table, ())).strip("\n") + "\n"


def _tables(table: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[str]:
    """`[a]` and `[a.b]`; whatever is deeper stands in its line."""
    kept = {name: value for name, value in table.items() if _says(name, value)}
    nested = {name: value for name, value in kept.items() if isinstance(value, dict) and len(place) < 2}
    plain = {name: value for name, value in kept.items() if name not in nested}
    if place and plain:
        yield from ("", f"[{'.'.join(map(_key, place))}]")
    for name, value in plain.items():
        yield from _line(name, value)
    for name, value in nested.items():
        yield from _tables(value, (*place, name))


def _says(name: str, value: object) -> bool:
    return name == "egress" or value not in ("", (), {})


def _line(name: str, value: Any) -> Iterator[str]:
    line = f"{_key(name)} = {_value(value)}"
    if len(line) <= _WIDTH or not isinstance(value, tuple):
        yield line
        return
    yield f"{_key(name)} = ["
    yield from (f"  {_value(item)}," for item in value)
    yield "]"


def _value(value: Any) -> str:
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dict):
        inner = {name: each for name, each in value.items() if _says(name, each)}
        return f"{{ {', '.join(f'{_key(name)} = {_value(each)}' for name, each in inner.items())} }}"
    return f"[{', '.join(map(_value, value))}]"


def _text(text: str) -> str:
    """A TOML basic string: JSON's, and DEL is written out too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
