"""The pages' words in both languages, and how figures and times are written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from cli.words import LANGUAGES, Language, texts
from federation.ledger.findings import Finding

__all__ = ["LANGUAGES", "TAGS", "Language", "Words", "catalogue", "digest", "number", "size", "time"]

#: As the `lang` attribute has them.
TAGS: Mapping[Language, str] = {"en": "en", "zh": "zh-CN"}


def catalogue(language: Language) -> Mapping[str, str]:
    """Every text of these pages in one language."""
    return texts("cli.supervisor", language)


class Words:
    """The texts of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.tag = TAGS[language]
        self._texts = catalogue(language)

    def __call__(self, key: str, /, **values: object) -> str:
        """A text with its values put in. `KeyError` for one that the catalogue does not have."""
        return self._texts[key].format(**values)

    def name(self, group: str, value: str) -> str:
        """The words for one value of a closed list; the value itself where it is of none."""
        return self._texts.get(f"{group}.{value}", value)

    def place(self, code: str) -> str:
        """A place: its code and, where the catalogue has it, its name."""
        if not code:
            return self("place.unknown")
        named = self._texts.get(f"place.{code}")
        return f"{named} ({code})" if named else code

    def names(self, names: tuple[str, ...] | list[str]) -> str:
        """Several names in a row."""
        return self("common.comma").join(names)

    def where(self, finding: Finding) -> str:
        """The place that a finding names."""
        if finding.index is None:
            if finding.line is None:
                return finding.file
            return self("where.line", file=finding.file, line=finding.line)
        if finding.until is not None and finding.until > finding.index:
            return self("where.entries", first=finding.index, last=finding.until)
        told = [self.name("entry", finding.kind)] if finding.kind else []
        told += [time(finding.at)] if finding.at else []
        beside = self("where.beside", what=self.names(told)) if told else ""
        return self("where.entry", index=finding.index) + beside


def number(value: int) -> str:
    """With a comma at each thousand."""
    return f"{value:,}"


def size(count: int) -> str:
    """Bytes to three figures: `812 B`, `12.0 kB`."""
    if count < 1000:
        return f"{count} B"
    power = next((power for power in (1, 2) if count < 999.5 * 1000**power), 3)
    value = count / 1000**power
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {('kB', 'MB', 'GB')[power - 1]}"


def time(value: str | dt.datetime) -> str:
    """A time of a ledger or a grant, in UTC: `2026-11-27 09:00:00 UTC`; as it stands where it is none."""
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
    try:
        return time(dt.datetime.strptime(value, "%Y-%m-%dT%H:%M:%S%z"))
    except ValueError:
        return value


def digest(text: str) -> str:
    """The first 16 digits of a digest."""
    return f"{text[:16]}…" if len(text) > 16 else text
