"""`isthmus help` and the pages that are made of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.commands.help import page
from cli.main import isthmus
from cli.words import Language
from crypto.codes import Code
from crypto.errors import UsageError

DOCS = Path(__file__).parents[3] / "docs"


def helped(*topic: str, language: str = "en") -> str:
    done = CliRunner().invoke(isthmus, ["help", *topic], env={"ISTHMUS_LANG": language}, prog_name="isthmus")
    if done.exception is not None:
        raise done.exception
    return done.output


@pytest.mark.parametrize(("name", "language"), [("errors.md", "en"), ("errors.zh.md", "zh")])
def test_the_page_of_errors_is_the_one_that_the_codes_make(name: str, language: Language) -> None:
    made = page(language)
    again = f"ISTHMUS_LANG={language} isthmus help --markdown > docs/{name}"
    assert (DOCS / name).read_text("utf-8") == made, f"run `{again}`"
    assert all(f"### {code} " in made for code in Code)


def test_help_lists_every_code_and_explains_one() -> None:
    assert all(code in helped() for code in Code)
    assert helped("2301").startswith("IST-2301: The key column is missing\n")
    assert "缺少键列" in helped("ist-2301", language="zh")
    assert json.loads(helped("IST-2301", "--format", "json"))["code"] == "IST-2301"
    assert {each["code"] for each in json.loads(helped("--format", "json"))["codes"]} == set(Code)


def test_help_of_a_command_is_its_help() -> None:
    told = CliRunner().invoke(isthmus, ["party", "join", "--help"], prog_name="isthmus").output
    assert helped("party", "join") == told.removesuffix("\n") + "\n"


def test_what_is_neither_code_nor_command_is_told_what_is_near() -> None:
    with pytest.raises(UsageError) as refused:
        helped("grant", "neww")
    assert refused.value.code == Code.NO_SUCH_TOPIC and "new" in refused.value.advice
    with pytest.raises(UsageError, match="IST-35004") as refused:
        helped("IST-35004")
    assert "IST-3504" in refused.value.advice


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_command_that_a_next_step_names_is_there(language: Language) -> None:
    named = re.findall(r"`isthmus ((?:[a-z][a-z-]* ?)+)", page(language))
    assert len(named) > 20
    for words in named:
        context = click.Context(isthmus, info_name="isthmus")
        for word in words.split():
            if isinstance(context.command, click.Group):
                found = context.command.get_command(context, word)
                assert found is not None, f"`isthmus {words}`"
                context = click.Context(found, info_name=word, parent=context)
