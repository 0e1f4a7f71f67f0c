"""Every command that a page shows is run, in the order in which a reader meets it."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests import postgresql
from tests.docs.blocks import ALONE, LANGUAGES, ROOT, Block, all_blocks, spoken
from tests.docs.playing import Reader
from tests.docs.town import Town

BLOCKS = all_blocks()
TOWN = [
    block for block in BLOCKS if block.scene == "town" and (block.language == "sh" or "file" in block.said)
]
READERS = {"toml": tomllib.loads, "json": json.loads, "yaml": yaml.safe_load}
_BORDER, _ATTACKS = "tests/benchmarks/border", "tests/benchmarks/attacks/test_suite.py"
_CONTROLS = f"{_ATTACKS}::test_every_positive_control_succeeds_and_every_negative_one_stays_at_chance"
_THIRD = "tests/benchmarks/faults/test_third.py::test_no_cell_fails"
_OBSERVED = "tests/system/test_rejects.py::test_the_bank_is_told_the_bad_rates_of_its_bands"
_MADE = "tests/docs/test_commands.py::test_make_does_what_the_pages_say"
#: Commands of minutes, which another test runs: as they stand on a page -> that test.
ELSEWHERE = {
    "make demo": _MADE,
    "make test": _MADE,
    "isthmus demo horizontal": "tests/system/test_demo.py::"
    "test_banks_with_the_same_columns_see_what_one_model_is_worth_to_each_of_them",
    "isthmus demo hybrid": "tests/system/test_demo_hybrid.py::"
    "test_each_countrys_figures_are_those_that_its_bank_has",
    "isthmus demo --data firms": "tests/system/test_own_files.py::"
    "test_a_users_own_files_need_no_configuration_when_they_are_unambiguous",
    "isthmus demo --data firms --config run.toml": "tests/system/test_own_files.py::"
    "test_a_configuration_names_what_cannot_be_inferred",
    "isthmus demo horizontal --data banks": "tests/system/test_demo_horizontal.py::"
    "test_each_banks_figures_are_those_that_it_has_itself",
    "isthmus demo horizontal --data loans.csv --by State --parties 6": "tests/system/test_real_loans.py::"
    "test_ten_rounds_over_six_states_are_as_good_as_all_loans_in_one_place",
    "isthmus model score --home bank --file new.csv --out new-scores.csv": "tests/system/test_results.py::"
    "test_new_firms_need_no_outcome_and_a_firm_has_one_score_in_any_table",
    "isthmus bench border --plan plan.toml": f"{_BORDER}/test_preflight.py::"
    "test_papers_beside_the_plan_are_found_by_themselves",
    "isthmus bench border --fast": f"{_BORDER}/test_command.py::"
    "test_violations_and_clean_rounds_are_counted_with_scenarios",
    "isthmus bench border S2 --latency 100": "tests/system/test_border.py::"
    "test_a_round_across_a_border_ends_with_a_file_that_is_judged_the_same_elsewhere",
    "isthmus bench attacks": _CONTROLS,
    "isthmus bench attacks labels sums --seed 3": _CONTROLS,
    "isthmus bench attacks --quick": _CONTROLS,
    "isthmus bench attacks --format json": _CONTROLS,
    "isthmus bench attacks --weakened": f"{_ATTACKS}::test_the_textbooks_protocols_give_way",
    "isthmus bench faults": _THIRD,
    "isthmus bench faults --third --format json": _THIRD,
    "isthmus bench faults --cells horizontal/member --out kept": _THIRD,
    "isthmus model train turned-down.toml --home federation": _OBSERVED,
    "isthmus model rejects rejected.csv --home bank --observed 20261127-143009-b41c77": _OBSERVED,
    "isthmus party dry-run plan.toml --home bank": "tests/parties/sandbox/test_dry_run.py::"
    "test_a_dry_run_leaves_nothing_and_shows_its_steps",
    "isthmus party start --home bank --metrics-port 9464": "tests/system/test_service.py::"
    "test_a_node_in_the_background_takes_part_and_shows_how_it_is",
    "isthmus ledger serve packs --lang zh": "tests/cli/test_ledger_pages.py::"
    "test_pages_are_served_from_the_command_until_its_parent_goes",
}


def pages(scene: str) -> dict[str, list[Block]]:
    found: dict[str, list[Block]] = {}
    for block in BLOCKS:
        if block.scene == scene and (block.language == "sh" or "file" in block.said):
            found.setdefault(block.page, []).append(block)
    return found


@pytest.mark.skipif(postgresql.absent() is not None, reason=str(postgresql.absent()))
def test_three_parties_join_and_finish_a_round_by_the_pages_alone(tmp_path: Path) -> None:
    with postgresql.server() as server:
        town = Town(tmp_path, server, ELSEWHERE)
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
    reader = Reader(tmp_path, elsewhere=ELSEWHERE)
    try:
        for block in pages(ALONE)[page]:
            reader.run(block)
    finally:
        reader.stop()


def test_make_does_what_the_pages_say() -> None:
    """Only said, not done: it would install everything, and run this test again."""
    for target, does in (
        ("demo", 'isthmus" demo'),
        ("test", "-m pytest"),
        ("docs", "-m mkdocs build --strict"),
    ):
        said = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert does in said.stdout, target


# -- what the pages themselves must be -------------------------------------------------------------------


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.at)
def test_a_block_says_what_it_is(block: Block) -> None:
    assert block.language in LANGUAGES, f"{block.at}: {block.language!r} is none of {sorted(LANGUAGES)}"
    assert block.scene in ("town", ALONE), block.at
    assert block.language == "sh" or not re.search(r"^\s*(isthmus|make) [a-z]", block.text, re.M), (
        f"{block.at} shows a command and is not tagged sh, so that nobody would run it"
    )


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language in READERS], ids=lambda block: block.at
)
def test_a_file_that_is_shown_can_be_read(block: Block) -> None:
    READERS[block.language](block.text)


def test_the_figures_of_limitations_are_those_that_were_measured() -> None:
    told, measured = (
        set(re.findall(r"(?<![\w.])0\.\d{3}(?!\d)", (ROOT / "docs" / page).read_text(encoding="utf-8")))
        for page in ("limitations.md", "attacks.md")
    )
    assert told and told <= measured


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
    assert len(ELSEWHERE) < 40, "what is run elsewhere is the exception"
    for command, test in ELSEWHERE.items():
        file, _, name = test.partition("::")
        assert command in shown, f"no page shows {command!r} any more"
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.M), test
