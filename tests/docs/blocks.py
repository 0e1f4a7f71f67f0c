"""The fenced blocks of the pages, and what a comment above one says of how it is run.

    <!-- run: scene=town in=bank step=3 answers=yes -->
    ```sh
    isthmus party join bank.invitation
    ```

`scene`, `in` (a folder of the scene) and `step` hold for all later blocks of the page too, the rest for the
next block alone. A block of another language is written to `file` with `mode`, where the comment names one.
Without any comment the blocks of a page run in its own empty folder.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: `sh` is run. Nothing else is; `text` is what is neither a command nor a file of a known form.
LANGUAGES = frozenset({"sh", "text", "toml", "json", "yaml", "sql", "python"})
ALONE = "alone"
_STICKY = {"scene": ALONE, "in": ".", "step": "0"}
_FENCE = re.compile(r"^( *)(`{3,}|~{3,})(.*)$")
_RUN = re.compile(r"^<!-- run: (.*) -->$")
_KEYS = frozenset({*_STICKY, "answers", "exit", "file", "mode"})


@dataclass(frozen=True)
class Block:
    """One fenced block. `at`: page and line, as an editor takes them."""

    page: str
    line: int
    language: str
    text: str
    said: dict[str, str]

    @property
    def at(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def scene(self) -> str:
        return self.said["scene"]

    @property
    def step(self) -> int:
        return int(self.said["step"])

    def commands(self) -> Iterator[tuple[int, str]]:
        """(line, command) for each; comments of a whole line and empty lines are none."""
        held, first = "", 0
        for number, line in enumerate(self.text.splitlines(), self.line + 1):
            if not held and (not line.strip() or line.lstrip().startswith("#")):
                continue
            first = first if held else number
            held += line.strip()
            if held.endswith("\\"):
                held = held[:-1]
                continue
            yield first, held
            held = ""
        assert not held, f"{self.at}: the last command is not complete"


def spoken(command: str) -> str:
    """The command without a comment behind it and without spaces that say nothing."""
    return shlex.join(shlex.split(command, comments=True))


def blocks(page: Path) -> list[Block]:
    """Every fenced block of the page, in order."""
    name, lines = str(page.relative_to(ROOT)), page.read_text(encoding="utf-8").splitlines()
    found: list[Block] = []
    sticky, once = dict(_STICKY), dict[str, str]()
    place = 0
    while place < len(lines):
        if said := _RUN.match(lines[place]):
            given = dict(word.split("=", 1) for word in said[1].split())
            assert set(given) <= _KEYS, f"{name}:{place + 1}: unknown {set(given) - _KEYS}"
            sticky |= {key: value for key, value in given.items() if key in sticky}
            once = {key: value for key, value in given.items() if key not in sticky}
            below = lines[place + 1] if place + 1 < len(lines) else ""
            assert _FENCE.match(below), f"{name}:{place + 1}: the comment stands above no block"
        elif fence := _FENCE.match(lines[place]):
            start, end = place, re.compile(rf"^ *{re.escape(fence[2])}$")
            assert not fence[1], f"{name}:{place + 1}: a block is not indented"
            place += 1
            while place < len(lines) and not end.match(lines[place]):
                place += 1
            assert place < len(lines), f"{name}:{start + 1}: the block is not closed"
            text = "".join(f"{line}\n" for line in lines[start + 1 : place])
            found.append(Block(name, start + 1, fence[3].strip(), text, {**sticky, **once}))
            once = {}
        place += 1
    return found


def all_blocks() -> list[Block]:
    return [block for page in PAGES for block in blocks(page)]
