"""A next step that names a command names one that exists: in errors, docstrings and help texts."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.test_readme import parse

ROOT = Path(__file__).parent.parent
ROOMS = ("crypto", "federation", "parties", "cli", "benchmarks")


def texts(source: str) -> Iterator[str]:
    """Every text in a program; what an f-string fills in is written as `x`."""
    tree = ast.parse(source)
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
            yield "".join(map(str, parts))


def named_commands(source: str) -> Iterator[str]:
    """Commands in backquotes, and texts that are a command and nothing else."""
    for text in texts(source):
        yield from (" ".join(found.split()) for found in re.findall(r"`(isthmus [^`]+)`", text))
        if re.fullmatch(r"isthmus [a-z]+ [a-z]+", text):
            yield text


FOUND = sorted(
    {
        (str(path.relative_to(ROOT)), command)
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for command in named_commands(path.read_text(encoding="utf-8"))
    }
)


def test_the_program_names_commands() -> None:
    assert len(FOUND) > 30


@pytest.mark.parametrize(("file", "command"), FOUND)
def test_a_named_command_exists_with_its_options(file: str, command: str) -> None:
    parse(shlex.split(command)[1:])


def test_a_command_in_any_kind_of_text_is_found() -> None:
    source = '"""Use `isthmus party strat`."""\nf"run `isthmus party trust {a}`"\nstop("isthmus party stop")'
    assert sorted(named_commands(source)) == [
        "isthmus party stop",
        "isthmus party strat",
        "isthmus party trust x",
    ]
    with pytest.raises(click.ClickException):
        parse(["party", "strat"])
