"""Sentences of errors and their next steps in Chinese.

A sentence is English where it is raised and where it travels; it is told in the language of who reads it.
sentences.zh.toml has what can be raised, by the folder that raises it: the English as it stands in the
source, its places numbered in their order, and the Chinese, which has each of them once. What fills a place
is looked up too: a cause that another role gave stands in the sentence of the one that tells it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from cli.words import Language

#: Sentences that stand around others, such as a cause of another role; tried before all others.
FRAMES = "frames"
#: A place that is filled in: {1}, {2}, ...
PLACE = re.compile(r"\{\d+\}")
#: What `crypto.errors` and the guard write before a sentence: a rule.
_RULE = re.compile(r"[A-Z]{1,2}(-[A-Z]+)+: ")
#: How several sentences that were found together are told.
_ITEM, _AND = "\n  - ", "; "
#: A sentence within a sentence within a sentence, and no deeper.
_DEPTH = 4


def chinese(sentence: str, depth: int = _DEPTH) -> str | None:
    """The sentence in Chinese; None where no template has it."""
    catalogue = _catalogue()
    if (whole := catalogue.whole.get(sentence)) is not None or depth == 0:
        return whole
    if (rule := _RULE.match(sentence)) is not None:
        rest = chinese(sentence[rule.end() :], depth - 1)
        return None if rest is None else f"{rule[0]}{rest}"
    if sentence.startswith(_ITEM):
        items = sentence.split(_ITEM)[1:]
        return "".join(f"{_ITEM}{chinese(each, depth - 1) or each}" for each in items)
    if _AND in sentence:
        several = [chinese(part, depth - 1) for part in sentence.split(_AND)]
        if all(several):
            return "；".join(filter(None, several))
    for template in catalogue.templates:
        if (values := template.values(sentence)) is not None:
            return template.filled([chinese(value, depth - 1) or value for value in values])
    return None


def in_language(sentence: str, language: Language) -> str:
    """The sentence in the language; in English where no template has it."""
    return sentence if language == "en" else chinese(sentence) or sentence


def entries() -> Mapping[str, Mapping[str, str]]:
    """Folder (or `FRAMES`) -> English sentence -> Chinese one."""
    text = resources.files(__package__ or __name__).joinpath("sentences.zh.toml").read_text("utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True, slots=True)
class _Template:
    """parts: what stands before, between and after the places of the English sentence."""

    parts: Sequence[str]
    target: str

    def values(self, sentence: str) -> list[str] | None:
        """What fills the places, each as short as can be; None where it is another sentence.

        In time linear in its length: a sentence may come from another role.
        """
        first, *between, last = self.parts
        start, end = len(first), len(sentence) - len(last)
        if not (sentence.startswith(first) and sentence.endswith(last)):
            return None
        found = []
        for part in between:
            if (at := sentence.find(part, start, end)) < 0:
                return None
            found.append(sentence[start:at])
            start = at + len(part)
        return [*found, sentence[start:end]] if start <= end else None

    def filled(self, values: Sequence[str]) -> str:
        return PLACE.sub(lambda place: values[int(place[0][1:-1]) - 1], self.target)


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """whole: sentences without a place. templates: the others; of two that fit, what says more is first."""

    whole: Mapping[str, str]
    templates: Sequence[_Template]


@cache
def _catalogue() -> _Catalogue:
    by_folder = dict(entries())
    frames = by_folder.pop(FRAMES)
    others = {english: told for table in by_folder.values() for english, told in table.items()}
    whole = {english: told for english, told in others.items() if PLACE.search(english) is None}
    placed = sorted(others.keys() - whole.keys(), key=lambda english: -len(PLACE.sub("", english)))
    return _Catalogue(whole, [*_templates(frames, frames), *_templates(placed, others)])


def _templates(sentences: Sequence[str] | Mapping[str, str], told: Mapping[str, str]) -> Iterator[_Template]:
    for english in sentences:
        yield _Template(PLACE.split(english), told[english])
