"""Every command that a page shows is run, in the order in which a reader meets it."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

import pytest

from tests import postgresql
from tests.docs.blocks import ALONE, LANGUAGES, ROOT, Block, all_blocks
from tests.docs.playing import Reader
from tests.docs.town import Town

BLOCKS = all_blocks()
TOWN = [
    block for block in BLOCKS if block.scene == "town" and (block.language == "sh" or "file" in block.said)
]
#: Commands of minutes, which another test runs: as they stand on a page -> that test.
ELSEWHERE: dict[str, str] = {}


def pages(scene: str) -> dict[str, list[Block]]:
    found: dict[str, list[Block]] = {}
    for block in BLOCKS:
        if block.scene == scene and (block.language == "sh" or "file" in block.said):
            found.setdefault(block.page, []).append(block)
    return found


def spoken(command: str) -> str:
    """The command without a comment behind it and without spaces that say nothing."""
    return shlex.join(shlex.split(command, comments=True))


@pytest.mark.skipif(postgresql.absent() is not None, reason=str(postgresql.absent()))
def test_three_parties_join_and_finish_a_round_by_the_pages_alone(tmp_path: Path) -> None:
    with postgresql.server() as server:
        town = Town(tmp_path, server)
        told = sorted(TOWN, key=lambda block: block.step)
        try:
            for step, together in itertools.groupby(told, key=lambda block: block.step):
                town.before(step)
                for block in together:
                    town.reader.run(block)
        finally:
            town.reader.stop()


@pytest.mark.parametrize("page", sorted(pages(ALONE)))
def test_the_commands_of_a_page_run(page: str, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    try:
        for block in pages(ALONE)[page]:
            reader.run(block)
    finally:
        reader.stop()


# -- what the pages themselves must be -------------------------------------------------------------------


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.at)
def test_a_block_says_what_it_is(block: Block) -> None:
    assert block.language in LANGUAGES, f"{block.at}: {block.language!r} is none of {sorted(LANGUAGES)}"
    assert block.scene in ("town", ALONE), block.at
    assert block.language == "sh" or not re.search(r"^\s*(isthmus|make) [a-z]", block.text, re.M), (
        f"{block.at} shows a command and is not tagged sh, so that nobody would run it"
    )


@pytest.mark.parametrize("page", sorted({block.page for block in TOWN}))
def test_the_blocks_of_a_page_run_in_its_order(page: str) -> None:
    steps = [block.step for block in TOWN if block.page == page]
    folders = {block.said["in"] for block in TOWN if block.page == page}
    if len(folders) == 1:
        assert steps == sorted(steps)


def test_a_party_needs_four_commands_from_an_invitation_to_a_round() -> None:
    """Of a new party: those before the round (step 5 looks, and may be left out)."""
    for party in ("bank", "platform", "public"):
        typed = [
            command
            for block in TOWN
            if block.said["in"] == party and block.language == "sh" and block.step < 5
            for _, command in block.commands()
        ]
        assert [command.split()[1:3] for command in typed] == [
            ["party", "join"],
            ["data", "inspect"],
            ["grant", "new"],
            ["party", "start"],
        ]


def test_what_is_run_elsewhere_is_on_a_page_and_its_test_exists() -> None:
    shown = {spoken(command) for block in BLOCKS if block.language == "sh" for _, command in block.commands()}
    for command, test in ELSEWHERE.items():
        file, _, name = test.partition("::")
        assert command in shown, f"no page shows {command!r} any more"
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.M), test
