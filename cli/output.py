"""How commands speak: text for people, one JSON object for machines, errors with their next step."""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.words import spoken
from crypto.codes import Code
from crypto.errors import IsthmusError, Refusal

F = TypeVar("F", bound=Callable[..., Any])


def format_option(command: F) -> F:
    """`--format text|json`, passed as `output`."""
    return click.option(
        "--format",
        "output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Text for people or one JSON object for machines.",
    )(command)


def say(output: str, facts: dict[str, Any], text: str) -> None:
    """Print `facts` as one JSON object, or `text`."""
    click.echo(json.dumps(facts, ensure_ascii=False, allow_nan=False) if output == "json" else text)


def say_error(error: IsthmusError) -> None:
    """The error and its next step, on the standard error; as JSON too when JSON was asked for."""
    if _json_was_asked_for():
        facts = {
            "error": type(error).__name__,
            "code": error.code,
            "what": error.what,
            "party": error.party,
            "file": error.file,
            "field": error.field,
            "advice": error.advice,
            "exit_code": error.exit_code,
        }
        click.echo(json.dumps({"failed": facts}, ensure_ascii=False))
    tell_error(error)


def tell_error(error: IsthmusError) -> None:
    """The error with its code, and its next step, for people: on the standard error."""
    from cli.codes import lines

    for line in lines(error, spoken()):
        click.echo(line, err=True)


@contextlib.contextmanager
def naming(file: Path) -> Iterator[None]:
    """Name `file` in an error about what was read from it, where the error names none."""
    try:
        yield
    except IsthmusError as error:
        if error.file is None:
            error.file = str(file)
        raise


def confirm_fingerprint(fingerprint: str, whose: str, question: str, party: str | None) -> None:
    """Show a fingerprint and ask whether it is the one that was read out; anything but yes is a refusal.

    Where nobody can answer (no terminal) it is a refusal too: a fingerprint that nobody compared is none.
    """
    click.echo(f"{whose}:\n  {fingerprint}", err=True)
    try:
        same = click.confirm(question, err=True)
    except click.Abort:
        click.echo(err=True)
        raise Refusal(
            "the fingerprint was not compared, so nothing was changed",
            party=party,
            advice="Answer at a terminal, or give the one that was read out with --fingerprint.",
            code=Code.FINGERPRINT_UNCHECKED,
        ) from None
    if not same:
        raise Refusal(
            "the fingerprint is not the one that was read out, so nothing was changed",
            party=party,
            advice="Ask the other side how its file reached you, and for the file again.",
            code=Code.FINGERPRINT_DIFFERS,
        )


def _json_was_asked_for() -> bool:
    arguments = sys.argv[1:]
    return "--format=json" in arguments or any(
        first == "--format" and second == "json" for first, second in itertools.pairwise(arguments)
    )
