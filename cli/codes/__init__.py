"""What the codes of errors mean, and errors in the language that commands speak.

The texts are in words.en.toml and words.zh.toml here; the codes by themselves in `crypto.codes`. An error's
sentence and next step are English where it is raised; `cli.codes.sentences` has them in Chinese.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cli.codes.sentences import chinese, in_language
from cli.words import Language, texts
from crypto.codes import Code
from crypto.errors import IsthmusError

#: The version that the first codes came with, and those that came later.
_FIRST = "0.1.0"
_LATER: Mapping[Code, str] = {}

#: Codes of classes of errors, whose next step stands in the error alone.
_GENERAL = frozenset({Code.USAGE, Code.REFUSAL, Code.EGRESS, Code.PLAN, Code.PEER, Code.SYSTEM, Code.FAILED})


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means, in one language."""

    code: Code
    title: str
    why: str
    next: str
    family: str

    @property
    def since(self) -> str:
        """The version of Isthmus that it came with."""
        return _LATER.get(self.code, _FIRST)

    def to_json(self) -> dict[str, str]:
        """The fields by name."""
        return {
            "code": self.code,
            "title": self.title,
            "why": self.why,
            "next": self.next,
            "family": self.family,
            "since": self.since,
        }


def label(name: str, language: Language, **values: object) -> str:
    """A word of ours around what is told."""
    return texts(__name__, language)[f"label.{name}"].format(**values)


def meaning(code: Code, language: Language) -> Meaning:
    """What `code` means."""
    said = texts(__name__, language)
    title, why, step = (said[f"{code}.{field}"] for field in ("title", "why", "next"))
    return Meaning(code, title, why, step, said[f"family.{code[4:6]}"])


def meanings(language: Language) -> Iterator[Meaning]:
    """Of every code, in their order."""
    return (meaning(code, language) for code in sorted(Code))


def named(text: str) -> Code | None:
    """The code that somebody wrote: in any case, or its number alone; None where there is none such."""
    number = text.strip().upper().removeprefix("IST-")
    return next((code for code in Code if code == f"IST-{number}"), None)


def nearest(text: str, others: list[str]) -> list[str]:
    """Codes and `others` that look like `text`, the likeliest first."""
    known = [*Code, *others]
    wanted = text.strip()
    wanted = wanted.upper() if re.fullmatch(r"(?i)(ist-?)?\d+", wanted) else wanted.lower()
    if wanted.isdigit():
        wanted = f"IST-{wanted}"
    return [str(each) for each in difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)]


def lines(error: IsthmusError, language: Language) -> tuple[str, str]:
    """An error and its next step, for people: the two things that are written where it ends a command."""
    if language == "en":
        return f"error[{error.code}]: {error}", f"next:  {error.advice}"
    told = meaning(error.code, language)
    where = [
        label(name, language, value=value)
        for name in ("party", "file", "field")
        if (value := getattr(error, name)) is not None
    ]
    sentence = in_language(error.what, language)
    if where:
        sentence = f"{label('comma', language).join(where)}{label('colon', language)}{sentence}"
    first = f"{label('error', language)}[{error.code}]{label('colon', language)}{told.title}"
    own = chinese(error.advice) if error.advice != type(error).advice else None
    step = own or (in_language(error.advice, language) if error.code in _GENERAL else told.next)
    return f"{first}\n  {sentence}" if sentence != told.title else first, f"{label('next', language)}{step}"
