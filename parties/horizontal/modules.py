"""Torch modules of a party's own: the plan names one, and it runs only if this party approved its source.

    [modules]                                       # party.toml
    "package.module:factory" = "<SHA-256 of the source file that defines it>"

The factory is called as `factory(numeric, cardinalities)`: the width of the numeric input and the number of
codes of each categorical column. It returns a `torch.nn.Module` that takes (numeric float32 n x d, codes
int64 n x k) and gives n logits.

What the hash covers: the bytes of the one file that defines the factory, and these bytes are what is run -
not a compiled copy beside it, nor a file that was changed between the check and the import. What it does not
cover: whatever that file imports (other modules of its package, the package's own `__init__`, torch), files
that it reads, environment variables. A reviewer who approves a file approves those as installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, TypeAlias, cast

from crypto.codes import Code
from crypto.errors import UsageError
from federation.errors import PlanRefused

if TYPE_CHECKING:
    from torch import nn

Factory: TypeAlias = "Callable[[int, tuple[int, ...]], nn.Module]"

_REFERENCE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")
_HEX = re.compile(r"[0-9a-f]{64}")


def approvals(table: object, party: str, source: str = "party.toml") -> dict[str, str]:
    """The table [modules] of party.toml, checked: "package.module:factory" -> hash.

    An absent table (None) approves nothing. Raises one `UsageError` that lists every problem.
    """
    problems = []
    if table is None:
        return {}
    if not isinstance(table, Mapping):
        problems.append("[modules] must be a table")
        table = {}
    for name, value in table.items():
        if not _REFERENCE.fullmatch(str(name)):
            problems.append(f'[modules] {name!r} is not "package.module:factory"')
        if not (isinstance(value, str) and _HEX.fullmatch(value)):
            problems.append(f"[modules] {name!r} must be a SHA-256 in 64 lower-case hexadecimal digits")
    if problems:
        raise UsageError(
            "; ".join(problems),
            party=party,
            file=source,
            advice="Correct the table; `sha256sum` of the module's source file gives the hash.",
        )
    return {str(name): str(value) for name, value in table.items()}


def load_factory(reference: str, planned: str, approved: Mapping[str, str], party: str) -> Factory:
    """The factory that `reference` names, from a source file whose SHA-256 is `planned` and approved.

    Nothing of the file, and nothing of the packages around it, runs before both comparisons. Raises
    `PlanRefused` naming both hashes where they differ, and where the module is not installed, was not
    approved, or does not itself define the factory.
    """
    module, factory = _parsed(reference, party)
    spec, source = _source(module, party)
    _compare(reference, hashlib.sha256(source).hexdigest(), planned, approved.get(reference), party)
    found = getattr(_executed(spec, source, party), factory, None)
    if not callable(found) or getattr(found, "__module__", module) != module:
        raise PlanRefused(
            f"the file of {module} does not itself define {factory}",
            party=party,
            field="model.module",
            advice="Name the module that defines the factory: only that file's hash says what would run.",
        )
    return cast("Factory", found)


def source_hash(reference: str, party: str) -> str:
    """SHA-256 of the source file that `reference` names here, for a person to compare and approve.

    Raises `PlanRefused` where it is not installed. Runs none of it.
    """
    return hashlib.sha256(_source(_parsed(reference, party)[0], party)[1]).hexdigest()


def _parsed(reference: str, party: str) -> tuple[str, str]:
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise PlanRefused('a module is named as "package.module:factory"', party=party, field="model.module")
    return found.group(1), found.group(2)


def _source(module: str, party: str) -> tuple[ModuleSpec, bytes]:
    """Where `module` is installed, and its source, found without importing the packages that hold it."""
    spec = _found(module)
    if spec is None or spec.origin is None or not isinstance(spec.loader, SourceFileLoader):
        raise PlanRefused(
            f"no source file of the module {module} is installed here",
            party=party,
            field="model.module",
            advice="Install the package with its .py files (each folder with an __init__.py), read it, and "
            "approve its hash under [modules] in party.toml.",
            code=Code.MODULE_UNFIT,
        )
    try:
        return spec, Path(spec.origin).read_bytes()
    except OSError as error:
        raise PlanRefused(
            f"the source file of {module} cannot be read: {error.strerror or type(error).__name__}",
            party=party,
            field="model.module",
            advice="Mend the installation of that package.",
        ) from None


def _found(module: str) -> ModuleSpec | None:
    """As `importlib.util.find_spec`, which however runs the packages that hold the module."""
    path: list[str] | None = None
    spec: ModuleSpec | None = None
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        name = ".".join(parts[:count])
        try:
            finders = (finder.find_spec(name, path, None) for finder in sys.meta_path)
            spec = next((found for found in finders if found is not None), None)
        except KeyError:  # A folder without __init__.py inside another: Python asks for its loaded parent.
            return None
        path = list(spec.submodule_search_locations or ()) if spec is not None else []
    return spec


def _compare(reference: str, installed: str, planned: str, approved: str | None, party: str) -> None:
    if approved is None:
        raise PlanRefused(
            f"this party has not approved {reference} (installed {installed}, plan {planned})",
            party=party,
            field="model.module",
            advice="Read the module's source; then put its hash under [modules] in party.toml.",
            code=Code.MODULE_NOT_APPROVED,
        )
    if installed != approved:
        raise PlanRefused(
            f"the source file of {reference} is not the approved one (installed {installed}, "
            f"approved {approved}, plan {planned})",
            party=party,
            field="model.module",
            advice="Find out who changed the file; install the approved version, or read this one and put "
            "its hash under [modules] in party.toml.",
            code=Code.MODULE_NOT_APPROVED,
        )
    if planned != approved:
        raise PlanRefused(
            f"the plan's hash of {reference} is not the approved one (plan {planned}, approved {approved})",
            party=party,
            field="model.module_sha256",
            advice="Install the version of the module that the plan means and approve it, or have the plan "
            "corrected.",
            code=Code.MODULE_NOT_APPROVED,
        )


class _TheseBytes(SourceFileLoader):
    """Runs the source that was hashed, whatever file or compiled copy stands at its path by now."""

    def __init__(self, name: str, path: str, source: bytes) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        """Compile the hashed bytes; never a .pyc, whose content no hash here covers."""
        return self.source_to_code(self._source, self.path)


def _executed(spec: ModuleSpec, source: bytes, party: str) -> ModuleType:
    """A fresh module from `source`, under its own name: classes in it look themselves up by that name."""
    spec.loader = _TheseBytes(spec.name, str(spec.origin), source)
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(spec.name)
    sys.modules[spec.name] = module
    ran = False
    try:
        spec.loader.exec_module(module)
        ran = True
    except (ImportError, SyntaxError) as error:
        raise PlanRefused(
            f"the module {spec.name} cannot be imported: {type(error).__name__}",
            party=party,
            field="model.module",
            advice="Import it by hand in this environment, and install what it lacks.",
            code=Code.MODULE_UNFIT,
        ) from None
    finally:
        if not ran:
            del sys.modules[spec.name]
            if before is not None:
                sys.modules[spec.name] = before
    return module
