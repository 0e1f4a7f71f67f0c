"""What a document is made of, before it is HTML or Markdown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list of sentences."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they are."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under a head. `prose`: cells are sentences; else all but the first column are figures."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    prose: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """Inline SVG, drawn where the form has pictures, and what it shows. Its figures stand in a table too."""

    draw: Callable[[], Markup]
    caption: str


@dataclass(frozen=True, slots=True)
class Absent:
    """What a reader would look for here and does not find, and why."""

    what: str
    why: str


Block: TypeAlias = Words | Items | Facts | Table | Picture | Absent


@dataclass(frozen=True, slots=True)
class Section:
    """A heading in English and Chinese, what stands under it, and sections within it."""

    english: str
    chinese: str
    blocks: tuple[Block, ...] = ()
    parts: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document; `facts` stand under its title."""

    title: str
    chinese: str
    run: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
