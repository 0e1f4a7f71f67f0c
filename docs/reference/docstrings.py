"""Docstrings are written for the terminal, where an indented part may follow its sentence at once.

Markdown wants an empty line between the two, or it runs them together.
"""

from __future__ import annotations

import itertools
from typing import Any

import griffe


class Apart(griffe.Extension):
    """Puts an empty line before each indented part."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called by griffe for everything that it has read."""
        if obj.docstring is None:
            return
        lines = obj.docstring.value.splitlines()
        told = lines[:1]
        for before, line in itertools.pairwise(lines):
            if line.startswith("    ") and before.strip() and not before.startswith(" "):
                told.append("")
            told.append(line)
        obj.docstring.value = "\n".join(told)
