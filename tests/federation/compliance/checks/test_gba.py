"""The Greater Bay Area contract: nobody outside, and filed within ten working days."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from federation.compliance.checks.gba import NINE_CITIES, working_days_on
from tests.federation.compliance.asking import case, rulings, verdict


@pytest.mark.parametrize("city", NINE_CITIES)
def test_each_of_the_nine_cities_is_inside(city: str) -> None:
    assert verdict("GBA-SC", case("gba", parties__shenzhen__place=city)) == "pass"


@pytest.mark.parametrize(
    ("facts", "came"),
    [
        ({"parties__shenzhen__place": "CN-SH"}, "fail"),
        ({"parties__shenzhen__place": "CN-GZ"}, "fail"),  # Guizhou, by ISO 3166-2.
        ({"parties__shenzhen__place": "CN-GD"}, "unknown"),
        ({"parties__shenzhen__place": ""}, "unknown"),
        ({"parties__aggregator__place": "CN-BJ"}, "fail"),
        ({"parties__hongkong__jurisdiction": "MO"}, "fail"),
        ({"parties__w": {"seat": "witness", "jurisdiction": "DE", "kind": "auditor"}}, "fail"),
        ({"parties__w": {"seat": "witness", "jurisdiction": "HK", "kind": "auditor"}}, "pass"),
        ({"papers": []}, "not-applicable"),
    ],
    ids=str,
)
def test_everybody_of_the_run_is_inside(facts: dict[str, Any], came: str) -> None:
    assert verdict("GBA-SC", case("gba", **facts)) == came


def test_who_is_outside_is_named() -> None:
    observer = {"seat": "witness", "jurisdiction": "DE", "kind": "auditor"}
    (found,) = rulings("GBA-SC", case("gba", parties__observer=observer))
    assert found.party == "observer" and "DE" in found.told.en and "见证方" in found.told.zh


@pytest.mark.parametrize(
    ("filed", "came"),
    [
        ("2026-07-15", "pass"),  # Ten working days after Wednesday, 1 July.
        ("2026-07-16", "unknown"),  # Unless a public holiday lay between.
        ("2026-07-24", "unknown"),
        ("2026-07-27", "fail"),
    ],
)
def test_it_is_filed_within_ten_working_days(filed: str, came: str) -> None:
    assert verdict("GBA-SC", case("gba", papers__0__filed=filed)) == came


def test_what_is_not_filed_yet_is_in_time_until_it_is_due() -> None:
    open_paper = {"papers__0__begins": "2026-11-16", "papers__0__filed": None}
    assert verdict("GBA-SC", case("gba", **open_paper)) == "pass"
    assert verdict("GBA-SC", case("gba", papers__0__filed=None)) == "fail"
    assert verdict("GBA-SC", case("gba", papers__0__begins=None)) == "unknown"


def test_working_days_leave_out_the_weekend() -> None:
    friday = dt.date(2026, 11, 20)
    assert working_days_on(friday, 1) == dt.date(2026, 11, 23)
    assert working_days_on(friday, 5) == dt.date(2026, 11, 27)
    assert working_days_on(friday, 0) == friday
