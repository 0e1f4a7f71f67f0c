"""The rules in plain language, as `isthmus policy explain` and the evidence pack's readers show them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from crypto.codes import Code
from crypto.errors import UsageError

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its title, what it demands, where it comes from, and who decides it."""

    id: str
    by: tuple[str, ...]
    title: Mapping[str, str]
    demands: Mapping[str, str]
    source: str

    def to_json(self) -> dict[str, object]:
        """All of it, in both languages."""
        return {
            "rule": self.id,
            "by": list(self.by),
            "title": dict(self.title),
            "demands": dict(self.demands),
            "source": self.source,
        }

    def lines(self, language: Language) -> list[str]:
        """For people to read."""
        words = _WORDS[language]
        return [
            f"{self.id}  {self.title[language]}",
            f"  {self.demands[language]}",
            f"  {words['by']}: {', '.join(words[each] for each in self.by)}",
            f"  {words['source']}: {self.source}",
        ]


_WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "by": "decided",
        "source": "source",
        "guard": "before each message leaves",
        "acceptance": "when an order arrives, before anything is sent",
        "verify": "afterwards, from the evidence pack",
    },
    "zh": {
        "by": "裁决时点",
        "source": "依据",
        "guard": "每条消息发出之前",
        "acceptance": "收到指令时，任何内容发出之前",
        "verify": "事后，依据证据包",
    },
}


@cache
def catalogue() -> Mapping[str, Rule]:
    """Every rule, by its id, in the order of the file."""
    text = resources.files("federation.governance.guard").joinpath("rules.toml").read_text("utf-8")
    return {
        name: Rule(name, tuple(rule["by"].split(", ")), rule["title"], rule["demands"], rule["source"])
        for name, rule in tomllib.loads(text).items()
    }


def rule(name: str) -> Rule:
    """The rule of that id, in any case; `UsageError` when there is none."""
    found = catalogue().get(name.upper())
    if found is None:
        raise UsageError(
            f"there is no rule {name!r}",
            field="RULE",
            advice="`isthmus policy explain` lists them.",
            code=Code.NO_RULE,
        )
    return found
