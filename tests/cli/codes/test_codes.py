"""Every code is explained in both languages, raised somewhere, and never changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from cli.codes import lines, meaning, named, nearest
from cli.words import LANGUAGES, spoken, texts
from crypto.codes import Code
from crypto.errors import IsthmusError, PeerFailure, Refusal, UsageError

ROOT = Path(__file__).parents[3]
#: Every code that was ever released, by its name. Lines are added and none is changed: scripts, logs and
#: people's notes have the numbers.
RELEASED = dict(
    line.split() for line in (Path(__file__).parent / "released.txt").read_text("utf-8").splitlines()
)


@cache
def sources() -> dict[Path, str]:
    """The modules that name a code."""
    rooms = ("crypto", "federation", "parties", "cli", "benchmarks")
    files = sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))
    texts = {path: path.read_text("utf-8") for path in files}
    return {path: text for path, text in texts.items() if re.search("Code\\.|PeerSilent|_CAUSES", text)}


def test_no_released_code_was_changed_or_dropped() -> None:
    now = {code.name: code.value for code in Code}
    changed = {name for name, value in RELEASED.items() if now.get(name) != value}
    assert not changed, f"{changed}: a code is for good; take a new number and leave the old one where it is"
    missing = sorted(now.keys() - RELEASED.keys())
    assert not missing, f"{missing}: add new codes to tests/cli/codes/released.txt, a line NAME CODE each"


def test_no_two_kinds_of_error_have_one_code() -> None:
    assert len(Code.__members__) == len({code.value for code in Code}) >= 60
    assert all(re.fullmatch(r"IST-[1-9]\d{3}", code) for code in Code)


def test_every_code_is_raised_somewhere() -> None:
    raised = {name for text in sources().values() for name in re.findall(r"\bCode\.([A-Z_]+)\b", text)}
    assert {code.name for code in Code} == raised


def test_every_code_is_explained_in_both_languages() -> None:
    for code in Code:
        for language in LANGUAGES:
            told = meaning(code, language)
            for text in (told.title, told.why, told.next, told.family):
                assert text.strip() == text != ""
                assert bool(re.search(r"[\u4e00-\u9fff]", text)) == (language == "zh"), text
            assert told.next.endswith("。" if language == "zh" else "."), code


def test_both_languages_have_the_same_entries_and_places() -> None:
    english, chinese = texts("cli.codes", "en"), texts("cli.codes", "zh")
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        if key.startswith("label."):
            places = sorted(re.findall(r"\{[^{}]*\}", text))
            assert places == sorted(re.findall(r"\{[^{}]*\}", chinese[key])), key
    codes = {key.partition(".")[0] for key in english if key.startswith("IST-")}
    assert codes == set(Code)  # And none is explained that there is not.


def test_an_error_in_english_is_as_it_was_raised() -> None:
    error = UsageError(
        "it is not there", party="bank", file="loans.csv", advice="Look.", code=Code.FILE_MISSING
    )
    assert lines(error, "en") == (
        "error[IST-1007]: party bank, file loans.csv: it is not there",
        "next:  Look.",
    )


def test_an_error_in_chinese_has_its_title_its_sentence_and_its_next_step() -> None:
    error = UsageError(
        "the table has no such key column", party="bank", file="loans.csv", code=Code.KEY_COLUMN_MISSING
    )
    first, step = lines(error, "zh")
    assert first == "错误[IST-2301]：缺少键列\n  参与方 bank，文件 loans.csv：表中没有该键列"
    assert step == f"下一步：{meaning(Code.KEY_COLUMN_MISSING, 'zh').next}"


def test_a_next_step_that_says_more_than_its_code_does_is_told_in_chinese() -> None:
    error = UsageError("it is not there", advice="See `isthmus round list`.", code=Code.FILE_MISSING)
    assert lines(error, "zh")[1] == "下一步：查看 `isthmus round list`。"


def test_a_sentence_without_a_template_stays_english_after_the_chinese_title() -> None:
    first, step = lines(Refusal("nobody translated this", advice="Do that."), "zh")
    assert first == "错误[IST-3000]：已拒绝\n  nobody translated this"
    assert step == "下一步：Do that."


@pytest.mark.parametrize("written", ["IST-3504", "ist-3504", "3504", " IST-3504\n"])
def test_a_code_is_found_as_people_write_it(written: str) -> None:
    assert named(written) == Code.GRANT_EXPIRED


def test_what_is_no_code_has_near_ones() -> None:
    assert named("IST-3999") is None and named("grant") is None
    assert "IST-3504" in nearest("ist-35004", []) and nearest("gramt", ["grant", "party"]) == ["grant"]


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "en"),
        ({"ISTHMUS_LANG": "zh"}, "zh"),
        ({"ISTHMUS_LANG": "auto", "LANG": "zh_CN.UTF-8"}, "zh"),
        ({"ISTHMUS_LANG": "auto", "LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"ISTHMUS_LANG": "auto"}, "en"),
        ({"ISTHMUS_LANG": "tlh"}, "en"),
    ],
)
def test_the_language_is_the_one_that_was_asked_for(environment: dict[str, str], language: str) -> None:
    assert spoken(environment) == language


def test_every_class_of_errors_has_a_code_of_its_own_branch() -> None:
    def every(root: type[IsthmusError]) -> Iterator[type[IsthmusError]]:
        yield root
        for child in root.__subclasses__():
            yield from every(child)

    branches = {UsageError: "12", Refusal: "3", PeerFailure: "4"}
    for kind in every(IsthmusError):
        for branch, digits in branches.items():
            if issubclass(kind, branch):
                assert kind.code[4] in digits, kind
