"""Which Isthmus this is: what `isthmus --version` shows, and what a run's bundle is pinned to."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import tomllib
from pathlib import Path


@functools.cache
def installed_version() -> str:
    """The version of the Isthmus that is running: of the clone it runs from, or of the wheel."""
    project = Path(__file__).parents[1] / "pyproject.toml"
    if project.is_file():
        declared = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        if declared.get("name") == "isthmus":
            return str(declared["version"])
    return importlib.metadata.version("isthmus")


def component_versions() -> dict[str, str]:
    """By name: Isthmus and Flower, which two roles of a round must have alike, and Python, for people."""
    return {
        "isthmus": installed_version(),
        "flwr": importlib.metadata.version("flwr"),
        "python": platform.python_version(),
    }
