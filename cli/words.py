"""Words in both languages: where they are kept, and which language commands speak.

A package that has texts has them in words.en.toml and words.zh.toml. Commands speak the language that
ISTHMUS_LANG names: en (the default), zh, or auto for the language of the terminal (LC_ALL, LANG). What
machines read, such as the fields of --format json, is English in both.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
#: The variable that says which language commands speak.
VARIABLE = "ISTHMUS_LANG"


def spoken(environment: Mapping[str, str] = os.environ) -> Language:
    """The language that commands speak; English where the variable names another one."""
    asked = environment.get(VARIABLE, "en")
    if asked == "auto":
        asked = environment.get("LC_ALL") or environment.get("LANG") or "en"
    return "zh" if asked.lower().startswith("zh") else "en"


@cache
def texts(package: str, language: Language) -> Mapping[str, str]:
    """A package's words.LANGUAGE.toml: `group.name` -> text, with places like {count}."""
    text = resources.files(package).joinpath(f"words.{language}.toml").read_text("utf-8")
    return {
        f"{group}.{name}": words
        for group, entries in tomllib.loads(text).items()
        for name, words in entries.items()
    }
