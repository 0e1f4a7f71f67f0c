"""A document as one HTML file that opens without a network, or as Markdown (without pictures)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from parties.document.blocks import Block, Document, Facts, Items, Picture, Section, Table, Words
from parties.report.write import environment, style_sheet

#: What Markdown would take for more than text.
_MARKS = re.compile(r"([\\`*_{}\[\]<>|#~])")


def html(document: Document) -> str:
    """The page. Every text is escaped."""
    templates = environment(Path(__file__).parent)
    templates.tests["of"] = lambda block, name: type(block).__name__ == name
    numbered = tuple(_numbered(document.sections))
    return templates.get_template("document.html").render(
        document=document, numbered=numbered, css=style_sheet()
    )


def markdown(document: Document) -> str:
    """The text; tables in the notation of GitHub."""
    lines = [f"# {_plain(document.title)} {document.chinese}", "", *_facts(document.facts)]
    for number, depth, section in _numbered(document.sections):
        lines += ["", f"{'#' * (depth + 1)} {number} {_plain(section.english)} {section.chinese}"]
        for block in section.blocks:
            lines += ["", *_block(block)]
    return "\n".join(lines).rstrip() + "\n"


def _numbered(
    sections: tuple[Section, ...], above: str = "", depth: int = 1
) -> Iterator[tuple[str, int, Section]]:
    """Number, depth (1 for a part) and section, in the order of reading."""
    for place, section in enumerate(sections, start=1):
        number = f"{above}{place}"
        yield number, depth, section
        yield from _numbered(section.parts, f"{number}.", depth + 1)


def _block(block: Block) -> list[str]:
    if isinstance(block, Words):
        return [_plain(block.text)]
    if isinstance(block, Items):
        return [f"- {_plain(text)}" for text in block.texts]
    if isinstance(block, Facts):
        return _facts(block.rows)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Picture):
        return [f"*{_plain(block.caption)} The picture stands in the HTML document.*"]
    return [f"**Not available:** {_plain(block.what)}. {_plain(block.why)}"]


def _facts(rows: tuple[tuple[str, str], ...]) -> list[str]:
    return [f"- **{_plain(name)}:** {_plain(told)}" for name, told in rows]


def _table(table: Table) -> list[str]:
    rule = ["---"] + ["---" if table.prose else "---:"] * (len(table.head) - 1)
    rows = [_row(row) for row in table.rows]
    return [_plain(table.caption), "", _row(table.head), f"| {' | '.join(rule)} |", *rows]


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(_plain, cells))} |"


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
