"""Who reads the report learns all that the benchmark found, in either language, and nothing is made nicer."""

from __future__ import annotations

import html
import json
import re
import string
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.border.report import rows, table
from benchmarks.border.report.pages import SECTIONS, page
from benchmarks.border.report.words import Words, texts
from benchmarks.border.report.writing import write
from benchmarks.border.results import Border
from federation.compliance.catalogue import catalogue
from federation.compliance.verdicts import Language, Verdict
from federation.errors import UsageError
from tests.benchmarks.border.report.samples import LATENCIES, sample
from tests.browser import misfits, needs_chromium

LANGUAGES: tuple[Language, ...] = ("en", "zh")


@pytest.fixture(scope="module")
def pages() -> dict[Language, str]:
    return {language: page(sample(), language) for language in LANGUAGES}


def text(found: str) -> str:
    """What a reader reads, in one line."""
    without = re.sub(r"<style>.*?</style>|<[^>]+>", "", found, flags=re.DOTALL)
    return " ".join(html.unescape(without).split())


def test_both_languages_have_the_same_words_with_the_same_values_in_them() -> None:
    english, chinese = (texts(language) for language in LANGUAGES)
    assert list(english) == list(chinese)
    for key, told in english.items():
        fields = [
            {name for _, name, _, _ in string.Formatter().parse(each) if name}
            for each in (told, chinese[key])
        ]
        assert fields[0] == fields[1], key
        assert told.strip() and chinese[key].strip(), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_section_verdict_and_plan_is_in_the_page(
    pages: dict[Language, str], language: Language
) -> None:
    words = Words(language)
    for name in SECTIONS:
        assert f'id="{name}"' in pages[language]
    for verdict in Verdict:
        assert (
            f'<span class="state {verdict.value}">{words.name("verdict", verdict.value)}</span>'
            in pages[language]
        )
    for each in sample().scenarios:
        assert f'id="plan.{each.id}"' in pages[language]
        assert words.told(each.title) in text(pages[language])
    assert all(f"{each} ms" in text(pages[language]) for each in LATENCIES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_stands_in_it_with_its_sentence_source_and_mark(
    pages: dict[Language, str], language: Language
) -> None:
    words, read = Words(language), text(pages[language])
    for scenario in sample().scenarios:
        matrix = rows.matrix(scenario, catalogue())
        assert {row.id for row in (*matrix.asked, *matrix.not_asked)} == {
            control.id for _, control in catalogue()
        }
        for row in matrix.asked:
            assert row.control is not None
            assert row.control.source in read
            assert all(words.told(told) in read for _, told in row.said)
    marks = sum(
        row.from_memory
        for each in sample().scenarios
        for part in (rows.matrix(each, catalogue()),)
        for row in (*part.asked, *part.not_asked)
    )
    assert marks > 0
    # One more explains the mark.
    assert pages[language].count(f'<span class="mark">{words("readings.memory")}</span>') == marks + 1


def test_each_verdict_stands_in_the_column_of_its_border() -> None:
    for scenario in sample().scenarios:
        matrix = rows.matrix(scenario, catalogue())
        assert set(map(str, scenario.case.borders)) <= set(matrix.borders)
        cells = {
            (row.id, border): cell
            for row in (*matrix.asked, *matrix.not_asked)
            for border, cell in zip(("", *matrix.borders), row.cells, strict=True)
        }
        for each in scenario.judgement.rulings["R1"]:
            assert cells[each.control, each.border] is not None
        asked = {(each.control, each.border) for each in scenario.judgement.rulings["R1"]}
        assert {place for place, cell in cells.items() if cell is not None} == asked


def test_where_the_readings_differ_it_is_said(pages: dict[Language, str]) -> None:
    first, second = (rows.matrix(each, catalogue()) for each in sample().scenarios)
    flips = sum(row.flips for row in first.asked)
    assert flips > 0
    assert not any(row.flips for row in second.asked)
    assert pages["en"].count('<span class="flips">') == flips


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_missed_and_what_was_not_as_expected_is_on_top(
    pages: dict[Language, str], language: Language
) -> None:
    words, answer = Words(language), text(pages[language].split('<section id="summary"')[0])
    assert words("answer.not_as_expected", names="X2") in answer
    assert words("answer.unreviewed") in answer
    clean = replace(sample(), seeded=0, clean_runs=0, mutations=(), missed=(), attacks=(), alarms=())
    told = text(page(clean, language))
    for key in ("answer.no_violations", "answer.no_clean", "attacks.none", "violations.none"):
        assert words(key) in told


def test_every_missing_statement_is_told_with_office_and_command(pages: dict[Language, str]) -> None:
    waiting = rows.due(sample(), catalogue())
    needed = {
        (each.control, each.party, scenario.id)
        for scenario in sample().scenarios
        for each in scenario.judgement.rulings["R1"]
        if each.verdict is Verdict.NEEDS_ATTESTATION
    }
    assert sum(each.count for each in waiting) == len(needed)
    for each in waiting:
        assert each.office is not None
        assert each.office.en in text(pages["en"])
        assert f"policy attest {each.control} --office {each.example}" in text(pages["en"])


def test_nothing_from_outside_no_script_and_every_text_is_escaped(pages: dict[Language, str]) -> None:
    for found in pages.values():
        assert not re.search(r"<script|https?://|<link|<img|url\(", found)
        assert "Inward <only>" not in found
        ids = re.findall(r' id="([^"]+)"', found)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'href="#([^"]+)"', found)) <= set(ids)


def test_files_are_the_same_for_the_same_benchmark(tmp_path: Path) -> None:
    paths = write(sample(), tmp_path / "one")
    assert [each.name for each in paths] == ["report.json", "report.en.html", "report.zh.html", "oscal.json"]
    again = write(sample(), tmp_path / "two")
    assert [each.read_bytes() for each in paths] == [each.read_bytes() for each in again]
    assert json.loads(paths[0].read_text("utf-8")) == json.loads(json.dumps(sample().to_json()))
    results = json.loads(paths[-1].read_text("utf-8"))["assessment-results"]["results"]
    assert [each["title"] for each in results] == [each.case.name for each in sample().scenarios]


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written") as refused:
        write(sample(), tmp_path / "file")
    assert refused.value.file == str(tmp_path / "file")


def test_a_benchmark_of_nothing_is_told_as_such(tmp_path: Path) -> None:
    nothing = Border(7, "fast", ())
    paths = write(nothing, tmp_path, ("en",))
    assert [each.name for each in paths] == ["report.json", "report.en.html"]
    assert texts("en")["due.none"] in paths[1].read_text("utf-8")
    assert "nothing is known" in table.told(nothing)


def test_the_terminal_s_table_tells_plans_counts_attacks_and_what_to_sign() -> None:
    told = " ".join(table.told(sample(), width=240).split())
    for each in sample().scenarios:
        assert all(name in told for name in (each.id, *each.judgement.failed(), *each.expected))
    assert "3 seeded, 1 detected, 1 missed, 1 declared limits" in told
    assert "missed: violation that ended as missed" in told
    assert "Clean rounds: 200, 1 false alarms" in told
    assert "NOT as it must be" in told
    assert all(each.control in told for each in rows.due(sample(), catalogue()))
    assert max(map(len, table.told(sample()).splitlines())) <= 110


@needs_chromium
def test_nothing_is_cut_off_at_a_desk_or_on_a_telephone(pages: dict[Language, str], tmp_path: Path) -> None:
    # What is folded up is looked at too.
    named = {str(language): found.replace("<details>", "<details open>") for language, found in pages.items()}
    found = misfits(named, tmp_path, (1280, 390))
    assert found == {f"{name} {width}": [] for name in named for width in (1280, 390)}
