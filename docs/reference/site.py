"""Hooks of the site, so that pages are written for readers of the repository and for no tool."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """A page that `nav` does not name comes last, under a heading of its own: none is out of reach."""
    docs = Path(config.docs_dir)
    named = set(_pages(config.nav))
    more = [str(page.relative_to(docs)) for page in sorted(docs.rglob("*.md"))]
    if left := [page for page in more if page not in named]:
        config.nav = [*config.nav, {"More": left}]
    return config


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """A link to a file beside docs/, such as ../deploy/README.md, is told by its name alone."""

    def beside(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), found[2]))
        return f"`{target.removeprefix('../')}`" if target.startswith("../") else found[0]

    return re.sub(r"\[([^\]]*)\]\(([^):#]+)(?:#[^)]*)?\)", beside, markdown)


def _pages(entries: list[Any]) -> list[str]:
    found: list[str] = []
    for entry in entries:
        for below in entry.values():
            found += _pages(below) if isinstance(below, list) else [below]
    return found
