"""Sentences of errors and their next steps in Chinese.

A sentence is English where it is raised and where it travels; it is told in the language of who reads it.
sentences.zh.toml has what can be raised, by the folder that raises it: the English as it stands in the
source, its places numbered in their order, and the Chinese, which has each of them once. What fills a place
is looked up too: a cause that another role gave stands in the sentence of the one that tells it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
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
#: What stands before a sentence: the field, the message or the party that it is about.
_PLACED = re.compile(r"(\[[^\]]{1,200}\]|[^\s:]{1,200}:) ")
#: What has fewer letters than this fits much that it is not meant for: then its places must be short.
_FEW_LETTERS, _FEW_WORDS = 14, 6
#: How several sentences that were found together are told.
_ITEM, _AND = "\n  - ", "; "
#: A sentence within a sentence, and no deeper than this; and how long one is that is looked up.
_DEPTH, _LONGEST = 6, 10_000


def chinese(sentence: str, depth: int = _DEPTH) -> str | None:
    """The sentence in Chinese; None where no template has it."""
    catalogue = _catalogue()
    if (whole := catalogue.whole.get(sentence)) is not None or depth == 0 or len(sentence) > _LONGEST:
        return whole
    if (rule := _RULE.match(sentence)) is not None:
        rest = chinese(sentence[rule.end() :], depth - 1)
        return None if rest is None else f"{rule[0]}{rest}"
    if sentence.startswith(_ITEM):
        items = sentence.split(_ITEM)[1:]
        return "".join(f"{_ITEM}{chinese(each, depth - 1) or each}" for each in items)
    if (framed := _filled(catalogue.frames, sentence, depth)) is not None:
        return framed
    if _AND in sentence:
        several = [chinese(part, depth - 1) for part in sentence.split(_AND)]
        if all(several):
            return "；".join(filter(None, several))
    placed = _PLACED.match(sentence)
    return (
        _filled(catalogue.templates, sentence, depth)
        or (placed and _after(placed[1], sentence[placed.end() :], depth))
        or _filled(catalogue.short, sentence, depth, words=_FEW_WORDS)
    )


def in_language(sentence: str, language: Language) -> str:
    """The sentence in the language; in English where no template has it."""
    return sentence if language == "en" else chinese(sentence) or sentence


def _filled(
    templates: Sequence[_Template], sentence: str, depth: int, words: int | None = None
) -> str | None:
    """By the first of `templates` that it fits. words: of a place that is no sentence by itself, at most."""
    for template in templates:
        if (values := template.values(sentence)) is None:
            continue
        long = [words is not None and len(value.split()) > words for value in values]
        told = [
            chinese(value, min(1, depth - 1) if much else depth - 1)
            for value, much in zip(values, long, strict=True)
        ]
        if all(each or not much for each, much in zip(told, long, strict=True)):
            return template.filled([each or value for each, value in zip(told, values, strict=True)])
    return None


def _after(place: str, sentence: str, depth: int) -> str | None:
    """A sentence that stands after the `place` that it is about."""
    told = chinese(sentence, depth - 1)
    if told is None:
        return None
    return f"{place[:-1]}：{told}" if place.endswith(":") else f"{place} {told}"


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
    """whole: sentences without a place. templates: the others; of two that fit, what says more is first.

    frames: what stands around others. short: templates that say so little that they fit much which they are
    not meant for.
    """

    whole: Mapping[str, str]
    frames: Sequence[_Template]
    templates: Sequence[_Template]
    short: Sequence[_Template]


@cache
def _catalogue() -> _Catalogue:
    by_folder = dict(entries())
    frames = by_folder.pop(FRAMES)
    others = {english: told for table in by_folder.values() for english, told in table.items()}
    whole = {english: told for english, told in others.items() if PLACE.search(english) is None}
    letters = {english: len(PLACE.sub("", english)) for english in others.keys() - whole.keys()}
    placed = sorted(letters, key=lambda english: (-letters[english], english))
    short = [each for each in placed if letters[each] < _FEW_LETTERS and each.startswith("{")]
    long = [each for each in placed if each not in short]
    return _Catalogue(whole, _templates(frames, frames), _templates(long, others), _templates(short, others))


def _templates(sentences: Iterable[str], told: Mapping[str, str]) -> list[_Template]:
    return [_Template(PLACE.split(each), told[each]) for each in sentences]
