"""`--trust NAME=FINGERPRINT`: whose keys the caller has compared, the same at every command on packs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from crypto.codes import Code
from crypto.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

_HELP = "A role's fingerprint, as that role told you itself: whose signatures these are. Once for each."


def trust_option(help_text: str = _HELP) -> Callable[[F], F]:
    """The option, as often as there are roles, passed as `trust`."""
    return click.option("--trust", multiple=True, metavar="NAME=FINGERPRINT", help=help_text)


def trusted(texts: Sequence[str]) -> dict[str, str]:
    """Name -> fingerprint, in its normal form; `UsageError` for what is none."""
    from crypto.identity import normal_fingerprint

    found = {}
    for text in texts:
        name, equals, fingerprint = text.partition("=")
        if not name or not equals or name in found:
            raise UsageError(
                f"{text[:80]!r} is not NAME=FINGERPRINT, each name once",
                field="--trust",
                advice="Give for instance --trust 'bank=a1b2 ...', all 64 digits.",
                code=Code.FINGERPRINT_MALFORMED,
            )
        found[name] = normal_fingerprint(fingerprint)
    return found
