"""A hook of the site: a page that `nav` names and that is not written yet is left out, with its heading."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Called by mkdocs before it looks for pages."""
    config.nav = _present(config.nav, Path(config.docs_dir))
    return config


def _present(entries: list[Any], docs: Path) -> list[Any]:
    kept: list[Any] = []
    for entry in entries:
        ((title, below),) = entry.items()
        if isinstance(below, list):
            if inside := _present(below, docs):
                kept.append({title: inside})
        elif title not in _WRITTEN_LATER or (docs / below).exists():
            kept.append(entry)
    return kept


#: The only ones: any other page that is missing breaks the build.
_WRITTEN_LATER = ("Operations guide", "Error codes")
