"""Names in exports: a vocabulary for what the standards have no word for, and identifiers that never vary."""

from __future__ import annotations

import re
import uuid

from federation import files
from federation.errors import UsageError

#: Where this project's own words are. `.invalid` never resolves (RFC 2606): a reader asks nobody anything.
NAMESPACE = "https://isthmus.invalid/ns/1#"
_ROOT = uuid.uuid5(uuid.NAMESPACE_URL, NAMESPACE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,126}")


def identifier(*parts: str) -> str:
    """A UUID of version 5 (RFC 9562): the same parts give the same one, on every machine."""
    return str(uuid.uuid5(_ROOT, files.canonical_json(parts).decode("ascii")))


def urn(*parts: str) -> str:
    """`identifier` as a URI."""
    return f"urn:uuid:{identifier(*parts)}"


def checked(name: str, what: str, file: str) -> str:
    """A name that can stand in a URI; `UsageError` for any other: no honest pack has one."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"the {what} in it is no name of letters, digits and . _ + -, so nothing was exported",
            file=file,
            advice="Verify the pack: `isthmus ledger verify PACK`.",
        )
    return name


def line(text: str) -> str:
    """One line without what a terminal would act on: a pack or a case may say anything."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
