"""Help speaks the language that was asked for, of commands that there are."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

from cli.codes.sentences import chinese
from cli.main import isthmus
from cli.words import texts
from tests.cli.walking import commands


def helped(*words: str, language: str) -> str:
    environment = {"ISTHMUS_LANG": language}
    return CliRunner().invoke(isthmus, [*words, "--help"], env=environment, prog_name="isthmus").output


def test_every_text_is_of_a_command() -> None:
    groups = {name.partition(" ")[0] for name in commands()} | {"isthmus"}
    for key in texts("cli", "zh"):
        group, _, name = key.partition(".")
        known = name in groups if group == "help" else f"{group} {name.replace('.', ' ')}" in commands()
        assert known, f"{key}: there is no such command any more; drop it from cli/words.zh.toml"


def test_every_command_has_a_text_in_chinese() -> None:
    known = texts("cli", "zh")
    missing = {
        name
        for name in commands()
        if (name.replace(" ", ".") if " " in name else f"help.{name}") not in known
    }
    assert not missing, f"{missing}: a new command; give it a line in cli/words.zh.toml"


@pytest.mark.parametrize("words", [(), ("party",), ("party", "join"), ("round", "launch"), ("doctor",)])
def test_help_is_in_the_language_that_was_asked_for(words: tuple[str, ...]) -> None:
    assert not re.search(r"[\u4e00-\u9fff]", helped(*words, language="en"))
    assert re.search(r"[\u4e00-\u9fff]", helped(*words, language="zh"))
    assert not re.search(r"[\u4e00-\u9fff]", helped(*words, language="en"))


def test_every_option_is_explained_in_chinese() -> None:
    missing = {
        each.help
        for command in commands().values()
        for each in command.params
        if isinstance(each, click.Option) and each.help and chinese(each.help) is None
    }
    assert not missing, f"{missing}: add each to cli/codes/sentences.zh.toml, in the table [options]"
