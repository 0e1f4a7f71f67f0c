"""The report's words in both languages. What the supervisor's pages have words for is taken from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cli import words
from cli.supervisor import words as supervisor
from cli.supervisor.words import TAGS
from federation.compliance.verdicts import Language, Told


def texts(language: Language) -> Mapping[str, str]:
    """Every text of the report in one language."""
    return words.texts("benchmarks.border.report", language)


class Words:
    """The texts of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.tag = TAGS[language]
        self.supervisor = supervisor.Words(language)
        self._texts = texts(language)

    def __call__(self, key: str, /, **values: object) -> str:
        """A text with its values put in. `KeyError` for one that there is not."""
        return self._texts[key].format(**values)

    def name(self, group: str, value: str) -> str:
        """The words for one value of a list; the value itself where there are none."""
        return self._texts.get(f"{group}.{value.replace(' ', '-')}", value)

    def forms(self, forms: Iterable[str]) -> str:
        """Forms in a row, as the supervisor's pages call them."""
        return self.names(self.supervisor.name("form", form) for form in forms)

    def place(self, code: str) -> str:
        """A place: its name and code."""
        return self.supervisor.place(code)

    def names(self, names: Iterable[str]) -> str:
        """Several names in a row; the word for none where there is none."""
        return self("common.comma").join(names) or self("common.none")

    def told(self, told: Told) -> str:
        """What is told, in this language."""
        return told.zh if self.language == "zh" else told.en
