"""What a shell offers where a name is due: names of files, and those of one small TOML file, which is fast.

Nothing is opened that holds data or keys, and nothing is checked: an offer that is refused says why.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def _home(context: click.Context) -> Path:
    """--home as it was given, or its default."""
    given = context.params.get("home")
    defaults = (parameter.default for parameter in context.command.params if parameter.name == "home")
    return Path(str(given or next(defaults, ".")))


def _offering(names: Callable[[Path], Iterable[str]]) -> Completer:
    def offer(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        try:
            found = sorted(set(names(_home(context))))
        except (OSError, ValueError, AttributeError):  # No folder, or none of the expected kind: no offer.
            return []
        return [name for name in found if name.startswith(incomplete)]

    return offer


def _below(folder: Path, ending: str) -> list[str]:
    return [path.name.removesuffix(ending) for path in folder.glob(f"[!.]*{ending}")]


def _toml(home: Path) -> dict[str, Any]:
    return tomllib.loads((home / "party.toml").read_text("utf-8"))


def _topics(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from crypto.codes import Code

    root = context.find_root()
    commands = root.command.list_commands(root) if isinstance(root.command, click.Group) else []
    return [name for name in (*commands, *Code) if name.lower().startswith(incomplete.lower())]


#: Runs of the role in --home, the members of its federation, and a party's data sets and grants.
run_names = _offering(lambda home: [path.name for path in (home / "rounds").iterdir() if path.is_dir()])
member_names = _offering(lambda home: _below(home / "members", ".json"))
dataset_names = _offering(lambda home: _toml(home).get("datasets", {}))
grant_names = _offering(lambda home: _below(home / "governance" / "grants", ".dsse.json"))
topics: Completer = _topics
