"""Every error has a next step of its own, and a command that is named anywhere exists."""

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
    """Every text in a program; what an f-string fills in is written as `x`, and `at` as what it is."""
    tree = ast.parse(source)
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else _filled(part) for part in node.values
            )


def _filled(part: ast.expr) -> str:
    value = part.value if isinstance(part, ast.FormattedValue) else None
    return " --home x" if isinstance(value, ast.Name) and value.id == "at" else "x"  # `cli.homes.at_home`


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


# -- every error has a next step ------------------------------------------------------------------------


def without_advice(source: str) -> list[int]:
    """Lines where an error of a class that has no advice of its own is made without one."""
    bare = {"UsageError", "Refusal", "PeerFailure"}
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in bare
        and "advice" not in {keyword.arg for keyword in node.keywords}
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_every_error_says_what_to_do_next(room: str) -> None:
    lines = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in (ROOT / room).rglob("*.py")
        for line in without_advice(path.read_text(encoding="utf-8"))
    }
    assert not lines


def test_an_error_without_a_next_step_would_be_found() -> None:
    assert without_advice('raise UsageError("no")\nraise Refusal("no", advice="Ask.")') == [1]
