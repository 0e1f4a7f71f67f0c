"""Every sentence and next step that an error is raised with, read from the source.

What is read: a text, an f-string (its places numbered in their order), either side of a condition or of a
sum, and a name that stands for one of these in the same function or module. A sentence that is put together
elsewhere, such as a list of problems, is not seen here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROOMS = ("crypto", "federation", "parties", "cli", "benchmarks")
#: Where a place is, until it is numbered.
_PLACE = "\0"


@cache
def modules() -> dict[Path, ast.Module]:
    """Every module of the product, by its path."""
    files = (file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py")))
    return {file: ast.parse(file.read_text("utf-8")) for file in files}


def folder(module: Path) -> str:
    """The folder of a module below its room's, as sentences.zh.toml names it."""
    return "/".join(module.relative_to(ROOT).parts[:-1][:2])


@cache
def errors() -> frozenset[str]:
    """The names of `IsthmusError` and of all that is derived from it."""
    bases = {
        node.name: [ast.unparse(base).rpartition(".")[2] for base in node.bases]
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"IsthmusError"}
    while more := {name for name, above in bases.items() if found & {*above}} - found:
        found |= more
    return frozenset(found)


@cache
def raised() -> frozenset[tuple[Path, str]]:
    """Module and sentence of every error that is made and of what the doctor finds, and the next steps."""
    return frozenset(
        (module, _numbered(text))
        for module, tree in modules().items()
        for scope, call in _calls(tree)
        for expression in _told(call, module)
        for text in _texts(expression, [*scope, tree])
        if re.search(r"[A-Za-z]{2,}", text)
    )


def _told(call: ast.Call, module: Path) -> list[ast.expr]:
    """What of the call's arguments is for people."""
    advice = [each.value for each in call.keywords if each.arg == "advice"]
    match ast.unparse(call.func).rpartition(".")[2]:
        case "Finding":
            return call.args[2:4] if module.parent.name == "readiness" else []
        case "PeerSilent":  # A name, and what was waited for.
            return call.args[1:2]
        case "GrantRefused":  # A rule, and a sentence.
            return [*call.args[1:2], *advice]
        case name:
            return [*call.args[:1], *advice] if name in errors() else []


def _calls(tree: ast.AST, scope: tuple[ast.AST, ...] = ()) -> Iterator[tuple[tuple[ast.AST, ...], ast.Call]]:
    for node in ast.iter_child_nodes(tree):
        inner = (node, *scope) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else scope
        if isinstance(node, ast.Call):
            yield inner, node
        yield from _calls(node, inner)


def _texts(expression: ast.expr, scopes: list[ast.AST]) -> list[str]:
    match expression:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(part.value if isinstance(part, ast.Constant) else _PLACE for part in parts)]
        case ast.IfExp(body=one, orelse=other):
            return [*_texts(one, scopes), *_texts(other, scopes)]
        case ast.BinOp(left=one, op=ast.Add(), right=other):
            firsts, seconds = (_texts(side, scopes) or [_PLACE] for side in (one, other))
            return [first + second for first in firsts for second in seconds]
        case ast.Name(id=name):
            for place, scope in enumerate(scopes):
                if values := list(_assigned(name, scope)):
                    return [text for value in values for text in _texts(value, scopes[place + 1 :])]
    return []


def _assigned(name: str, scope: ast.AST) -> Iterator[ast.expr]:
    nodes = scope.body if isinstance(scope, ast.Module) else ast.walk(scope)
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=given)], value=value) if given == name:
                yield value
            case ast.AnnAssign(target=ast.Name(id=given), value=ast.expr() as value) if given == name:
                yield value


def _numbered(text: str) -> str:
    first, *others = text.split(_PLACE)
    return first + "".join(f"{{{number}}}{other}" for number, other in enumerate(others, 1))
