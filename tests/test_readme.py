"""What the pages say is what the program does: commands, options, keys, links."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic import BaseModel

from cli.main import isthmus
from federation.plan import Plan, load
from parties.dataset import from_party_table, load_config
from parties.dataset.config import FIELDS, MAX_LEVELS, MAX_LEVELS_LIMIT

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str = "") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)


def shown_commands() -> Iterator[tuple[str, str]]:
    """(page, command) for each line of a block and each inline mention that starts with `isthmus`."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = [
            line.strip()
            for block in re.findall(r"^```\w*\n(.*?)^```$", text, re.M | re.S)
            for line in block.splitlines()
        ]
        inline = [" ".join(found.split()) for found in re.findall(r"(?<!`)`(isthmus [^`]+)`(?!`)", text)]
        for command in dict.fromkeys([*lines, *inline]):
            if re.match(r"isthmus (?!COMMAND)", command):
                yield page.name, command


def parse(words: list[str]) -> click.Context:
    """The context of `isthmus WORDS`, parsed as the program would and not run."""
    command: click.Command = isthmus
    context = click.Context(isthmus, info_name="isthmus")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, found, words = command.resolve_command(context, words)
        if found is None:
            raise click.UsageError(f"no command {name}")
        command = found
        if isinstance(command, click.Group):
            context = click.Context(command, parent=context, info_name=name)
    command.make_parser(context).parse_args(list(words))
    options = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    for word in words:
        if word.startswith("--") and word.split("=")[0] not in options:
            raise click.NoSuchOption(word)
    return context


COMMANDS = list(shown_commands())


def test_the_pages_show_commands() -> None:
    assert len(COMMANDS) > 20


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_shown_command_exists_with_its_options(page: str, command: str) -> None:
    parse(shlex.split(command)[1:])


@pytest.mark.parametrize(
    "wrong", ["party strat", "party trust x y --hom bank", "nothing", "score --output x"]
)
def test_a_command_that_does_not_exist_would_be_found(wrong: str) -> None:
    with pytest.raises(click.ClickException):
        parse(wrong.split())


def test_every_make_target_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        shown = re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(encoding="utf-8"), re.M)
        assert set(shown) <= targets, page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_path_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("https://")]
    paths = re.findall(r"`((?:crypto|federation|parties|cli|docs|tests)/[a-z_/]+(?:\.py|\.md)?)`", text)
    assert not [link for link in links if not (page.parent / link).exists()]
    assert not [path for path in paths if not (ROOT / path).exists()]


# -- docs/plan.md --------------------------------------------------------------------------------------


def plan_keys() -> dict[str, Any]:
    """Every key of a plan, with its default; None where there is none to show."""
    keys: dict[str, Any] = {}
    for name, field in Plan.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            keys |= {f"{name}.{inner}": value for inner, value in default.model_dump().items()}
        else:
            keys[name] = None
    party = Plan.model_fields["parties"].annotation.__args__[1]  # type: ignore[union-attr]
    return keys | {f"parties.NAME.{name}": field.default for name, field in party.model_fields.items()}


def documented(page: str) -> dict[str, list[str]]:
    """The rows of the tables of a page whose first cell is one key: key to its other cells."""
    rows = re.findall(r"^\| `([a-zA-Z0-9_.]+)` \| (.*) \|$", (ROOT / "docs" / page).read_text("utf-8"), re.M)
    return {key: cells.split(" | ") for key, cells in rows}


def test_the_plans_page_lists_every_key_with_its_default() -> None:
    told, keys = documented("plan.md"), plan_keys()
    assert set(told) == set(keys)
    for key, default in keys.items():
        if default is not None:
            shown = list(default) if isinstance(default, tuple) else default
            assert tomllib.loads(f"x = {told[key][0].strip('`')}")["x"] == shown, key


def schema_bounds(schema: Mapping[str, Any]) -> list[float]:
    kinds = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
    return [schema[kind] for kind in kinds if kind in schema]


def test_the_plans_page_tells_every_bound() -> None:
    told, schema = documented("plan.md"), Plan.model_json_schema()
    for name, field in schema["properties"].items():
        table = schema["$defs"].get(field.get("$ref", "").rpartition("/")[2])
        for inner, inside in (table or {}).get("properties", {}).items():
            numbers = [
                float(number) for number in re.findall(r"\d[\d.]*(?:e-?\d+)?", told[f"{name}.{inner}"][1])
            ]
            assert numbers == schema_bounds(inside), f"{name}.{inner}"


@pytest.mark.parametrize("page", ["README.md", "docs/plan.md"])
def test_a_plan_that_is_shown_is_accepted(page: str, tmp_path: Path) -> None:
    shown = [block for block in blocks(ROOT / page, "toml") if "purpose" in block]
    assert shown
    for block in shown:
        (tmp_path / "plan.toml").write_text(block, encoding="utf-8")
        assert load(tmp_path / "plan.toml").parties


# -- docs/party.md -------------------------------------------------------------------------------------


def test_the_partys_page_lists_every_key_of_a_dataset() -> None:
    told = documented("party.md")
    assert {key for key in told if key in FIELDS} == set(FIELDS)
    assert told["max_levels"][0] == str(MAX_LEVELS)
    assert str(MAX_LEVELS_LIMIT) in told["max_levels"][1]


def test_the_configurations_that_are_shown_are_accepted(tmp_path: Path) -> None:
    party, columns, run = blocks(ROOT / "docs" / "party.md", "toml")
    table = tomllib.loads(f"{party}{columns}")
    dataset = from_party_table("loans", table["datasets"]["loans"], party=table["name"], folder=tmp_path)
    assert dataset.label == "default_12m" and dataset.columns["turnover"].special == (-999,)
    (tmp_path / "run.toml").write_text(run, encoding="utf-8")
    found = load_config(
        tmp_path / "run.toml", {name: tmp_path / f"{name}.csv" for name in ("bank", "platform", "public")}
    )
    assert found["bank"].label == "default"
