"""A rule pack says where each rule is from and what it allows and refuses, or it is not loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from federation.compliance.catalogue import Control, Pack, catalogue, read
from federation.compliance.judging import examples, judge
from federation.compliance.verdicts import Verdict
from federation.errors import UsageError
from tests.federation.compliance.asking import case

RESEARCH = Path("/work/shared/docs/compliance/controls.yaml")
#: Pack -> the beginnings of its controls' ids.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "neutral": ("T-", "G-"),
    "cn": ("CN-",),
    "gba": ("GBA-",),
    "eu": ("EU-",),
    "uk": ("UK-",),
    "us": ("US-",),
    "sg": ("SG-",),
    "my": ("MY-",),
    "hk": ("HK-",),
    "br": ("BR-",),
}

PACK = """
pack = "made-up"
title = { en = "Nowhere", zh = "无处" }
as_of = 2026-11-23
reviewed_by = ""
[[controls]]
id = "XX-RULE"
group = "made-up"
title = { en = "a", zh = "b" }
text = { en = "a", zh = "b" }
source = "Made-up Act, s. 1"
dated = 2026-01-01
kind = "automatic"
evidence = "nothing"
seen = "M"
check = "shown"
allow = { base = "reference", set = { "checks.XX-RULE" = "pass" }, verdict = "pass" }
refuse = { base = "reference", set = { "checks.XX-RULE" = "fail" }, verdict = "fail" }
"""


def parsed(text: str) -> Pack:
    return read("made-up.toml", text.encode(), catalogue().bases)


def without(key: str) -> str:
    return re.sub(rf"(?m)^{key} = .*\n", "", PACK)


SHIPPED = [(each, name, want, came) for each, name, want, came in examples(catalogue())]


@pytest.mark.parametrize(
    ("want", "came"),
    [pytest.param(want, came, id=f"{control.id}-{name}") for control, name, want, came in SHIPPED],
)
def test_each_rule_comes_to_its_verdict_where_it_allows_and_where_it_refuses(
    want: Verdict, came: Verdict
) -> None:
    assert came is want


def test_a_whole_pack_is_loaded_and_known_by_its_bytes() -> None:
    pack = parsed(PACK)
    assert [each.id for each in pack.controls] == ["XX-RULE"]
    assert pack.sha256 != parsed(PACK + "\n").sha256


@pytest.mark.parametrize("key", ["source", "allow", "refuse", "title", "dated", "seen", "kind", "evidence"])
def test_a_rule_that_lacks_something_is_refused_with_the_file_and_the_rule(key: str) -> None:
    head, rule = without(key).split("[[controls]]") if key != "title" else PACK.split("[[controls]]")
    text = f"{head}[[controls]]" + re.sub(rf"(?m)^{key} = .*\n", "", rule)
    with pytest.raises(UsageError, match=rf"XX-RULE\.{key}: Field required") as refused:
        parsed(text)
    assert refused.value.file == "made-up.toml"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('"shown"', '"shwon"', r"XX-RULE\.check: there is no check 'shwon'"),
        (
            'base = "reference", set = { "checks.XX-RULE" = "pass"',
            'base = "nowhere", set = {',
            "XX-RULE.allow",
        ),
        (
            '"checks.XX-RULE" = "pass"',
            '"checks.XX-RULE" = "maybe"',
            r"XX-RULE\.allow: the example is no case",
        ),
        ('verdict = "fail"', 'verdict = "pass"', "XX-RULE.refuse: what is refused does not come to pass"),
        ('verdict = "pass"', 'verdict = "fail"', "XX-RULE.allow: a case that is allowed does not fail"),
        ('check = "shown"', 'check = "shown"\nlegal = "yes"', "XX-RULE.legal: Extra inputs"),
        ('check = "shown"', 'check = "attested"', "XX-RULE.with: the check 'attested' cannot use it"),
        (
            'check = "shown"',
            'check = "attested"\nwith = { offices = ["janitor"] }',
            "XX-RULE.with: the check 'attested' cannot use it",
        ),
        (
            'check = "shown"',
            'check = "attested"\nwith = { offices = ["dpo"], max_age_day = 1 }',
            r"XX-RULE\.with\.max_age_day: 'attested' reads no such thing",
        ),
        ('source = "Made-up Act, s. 1"', 'source = ""', r"XX-RULE\.source: String should have at least"),
        ('id = "XX-RULE"', 'id = "rule"', r"rule\.id"),
        ('pack = "made-up"', "pack = ", "it is no TOML"),
    ],
)
def test_a_rule_that_cannot_be_asked_is_refused(before: str, after: str, told: str) -> None:
    assert before in PACK
    with pytest.raises(UsageError, match=told):
        parsed(PACK.replace(before, after))


def test_a_rule_that_is_there_twice_is_refused() -> None:
    rule = PACK[PACK.index("[[controls]]") :]
    with pytest.raises(UsageError, match="XX-RULE: there twice"):
        parsed(PACK + rule)


def of_pack(name: str) -> list[Control]:
    return [control for pack, control in catalogue() if pack.pack == name]


@pytest.mark.skipif(not RESEARCH.exists(), reason=f"{RESEARCH}, the research on controls, is not here")
@pytest.mark.parametrize("name", GROUPS)
def test_each_control_of_the_research_is_in_its_pack_with_its_kind_and_whether_it_was_seen(name: str) -> None:
    shipped = {control.id: control for control in of_pack(name)}
    if not shipped:
        pytest.skip(f"the pack {name} is not there yet")
    known: list[dict[str, Any]] = yaml.safe_load(RESEARCH.read_text(encoding="utf-8"))["controls"]
    kinds = {"auto": "automatic", "hybrid": "hybrid", "attest": "attest-only"}
    wanted = {each["id"]: each for each in known if each["id"].startswith(GROUPS[name])}
    assert set(shipped) >= set(wanted)
    for control, each in wanted.items():
        assert (shipped[control].kind, shipped[control].seen) == (kinds[each["kind"]], each["src"]), control


def test_every_control_and_every_answer_is_told_in_both_languages() -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for pack, control in catalogue():
        assert chinese.search(control.title.zh) and chinese.search(control.text.zh), control.id
        for example in (control.allow, control.refuse):
            for ruling in judge(catalogue().case(example)).rulings["R1"]:
                assert ruling.told.en.endswith("."), (pack.pack, ruling)
                assert chinese.search(ruling.told.zh) and ruling.told.zh.endswith("。"), (pack.pack, ruling)


def test_no_control_is_in_two_packs_and_each_pack_is_called_as_its_file() -> None:
    ids = [control.id for _, control in catalogue()]
    assert len(ids) == len(set(ids)) > 38
    folder = resources.files("federation.compliance").joinpath("packs")
    files = {each.name.removesuffix(".toml") for each in folder.iterdir()} - {"cases"}
    assert {pack.pack for pack in catalogue().packs} == files


def test_the_bases_are_clean_under_every_rule_that_reads_nothing_but_facts() -> None:
    for base in ("reference", "gba"):
        assert judge(case(base)).failed() == (), base
