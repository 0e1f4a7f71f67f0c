"""Whatever an error can say, and what to do next, is told in Chinese too; no entry is of what is gone."""

from __future__ import annotations

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.codes.sentences import FRAMES, PLACE, chinese, entries
from cli.words import texts
from federation.errors import GrantRefused, PeerSilent, SessionEnded
from tests.cli.codes.raised import ROOT, folder, modules, raised

#: Tables whose sentences are no folder's: what stands around others, libraries' own, help of options.
OTHERS = {FRAMES, "libraries", "options"}


def test_every_sentence_that_an_error_is_raised_with_is_in_chinese_too() -> None:
    known = {english for table in entries().values() for english in table}
    missing = sorted({(folder(module), text) for module, text in raised() if text not in known})
    assert not missing, f"{missing}: add each to cli/codes/sentences.zh.toml, in the table of its folder"


def test_every_sentence_stands_in_the_source_of_its_folder() -> None:
    texts: dict[str, str] = {}
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                name = folder(module)
                texts[name] = f"{texts.get(name, '')}\n{node.value}"
    whole = {(folder(module), text) for module, text in raised()}  # Some are put together of several texts.
    lost = {
        (name, english)
        for name, table in entries().items()
        if name not in OTHERS
        for english in table
        if (name, english) not in whole
        and not all(part.strip() in texts.get(name, "") for part in PLACE.split(english))
    }
    assert not lost, f"{lost}: changed, moved or dropped; change cli/codes/sentences.zh.toml with it"


def test_both_languages_fill_in_the_same() -> None:
    for table in entries().values():
        for english, told in table.items():
            assert sorted(PLACE.findall(english)) == sorted(PLACE.findall(told)), english
            for command in re.findall(r"`isthmus [^`]+`", english):
                assert command in told, english


def test_no_sentence_stands_twice() -> None:
    every = [english for table in entries().values() for english in table]
    assert len(every) == len(set(every))


def test_an_end_has_a_full_stop_where_a_next_step_has_one() -> None:
    for table in entries().values():
        for english, told in table.items():
            assert english.endswith(".") == told.endswith("。"), english


def test_what_was_heard_from_another_role_is_told_in_the_readers_language() -> None:
    silent = PeerSilent("bank", "sending a message", 2.5)
    told = SessionEnded("aggregator", silent.cause)
    assert chinese(told.what) == "aggregator 结束了会话：参与方 bank：等待 bank 满 2.5 秒仍无回应（发送消息）"


def test_what_a_service_said_is_told_in_the_readers_language() -> None:
    said = "the node ended: party bank, file home: this party is not admitted to a federation yet"
    assert chinese(said) == "the node 已结束：参与方 bank，文件 home：此参与方尚未获准加入任何联邦"


def test_a_rule_stands_before_its_sentence_in_any_language() -> None:
    told = GrantRefused("G-RIGHTS", "until yesterday", party="bank")
    assert chinese(SessionEnded("bank", told.cause).what) == (
        "bank 结束了会话：参与方 bank：G-RIGHTS: 数据的某项权利已到期"
    )


def test_several_problems_are_told_each_in_chinese_in_their_order() -> None:
    told = chinese("the plan has 2 problem(s):\n  - parties: at least two are needed\n  - shape: is missing")
    assert told is not None
    head, *items = told.split("\n  - ")
    assert "2" in head and len(items) == 2 and items[1].startswith("shape")
    assert all(re.search(r"[\u4e00-\u9fff]", each) for each in (head, *items))


def test_problems_in_one_line_are_told_each_in_chinese() -> None:
    told = chinese(
        "2 problems: bank key must be true or false; x names column 'a', which the table does not have"
    )
    assert told == "2 个问题：bank key 须为 true 或 false；x 指定了列 'a'，而表中没有"


def test_a_sentence_of_another_role_that_nearly_fits_again_and_again_is_looked_up_in_bounded_time() -> None:
    for text in (
        " of " * 5000,
        "party " * 5000,
        ", " * 5000,
        "a; b: " * 1000,
        "G-A: " * 5000,
        "x: must be answers, " * 400,
    ):
        assert chinese(text) is None  # With patterns that try again, no test run would see the end of it.


@given(
    st.lists(
        st.sampled_from(
            ["party ", ", file ", ": ", "; ", "\n  - ", "waited ", " s for ", " (", ")", "{1}", "G-A: "]
        )
        | st.text(max_size=5)
    )
)
def test_whatever_another_role_says_is_looked_up_without_an_error(parts: list[str]) -> None:
    chinese("".join(parts))


@pytest.mark.parametrize("sentence", ["", "nobody translated this", "a: b", "{1}", "; ", "G-GRANT: "])
def test_what_no_entry_has_is_nothing(sentence: str) -> None:
    assert chinese(sentence) is None


def test_the_tables_are_folders_that_there_are() -> None:
    assert all((ROOT / name).is_dir() for name in entries() if name not in OTHERS)
    assert set(entries()) & set(texts("cli.codes", "zh")) == set()
