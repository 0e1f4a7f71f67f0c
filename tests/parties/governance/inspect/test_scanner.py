"""Each kind of identifier is found wherever it stands, and numbers, codes and categories give no alarm."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from parties.connectors import read_table
from parties.four_flows import Settings, generate
from parties.governance.inspect.kinds import Kind
from parties.governance.inspect.scanner import scan
from tests.parties.governance.inspect import people

SHARED = Path("/work/shared/data")
ROWS = 400
VALUES: list[tuple[Kind, Callable[[np.random.Generator], str]]] = [
    (Kind.CREDIT_CODE, people.credit_code),
    (Kind.NATIONAL_ID, people.national_id),
    (Kind.PHONE, people.mobile),
    (Kind.PHONE, lambda random: f"+49 30 {random.integers(10**6, 10**7)}"),
    (Kind.EMAIL, people.e_mail),
    (Kind.IBAN, people.iban),
    (Kind.LEI, people.lei),
    (Kind.CARD, people.card),
    (Kind.PERSON_NAME, people.name),
    (Kind.FIRM_NAME, people.firm),
]
TITLES = [
    (Kind.NATIONAL_ID, "身份证号"),
    (Kind.NATIONAL_ID, "passport_no"),
    (Kind.PHONE, "手机"),
    (Kind.PHONE, "contactPhone"),
    (Kind.CARD, "银行卡号"),
    (Kind.IBAN, "account_number"),
]


def column(title: str, make: Callable[[np.random.Generator], object], rows: int = ROWS) -> pd.Series:
    random = np.random.default_rng(3)
    return pd.Series([make(random) for _ in range(rows)], name=title)


@pytest.mark.parametrize(("kind", "make"), VALUES)
def test_each_kind_is_found_by_its_values_under_a_plain_title(kind, make) -> None:  # type: ignore[no-untyped-def]
    (found,) = scan(column("c7", make))
    assert (found.kind, found.how) == (kind, "whole")
    assert found.share > 0.65


@pytest.mark.parametrize(("kind", "make"), VALUES[:8])
def test_gaps_spaces_hyphens_and_some_dirt_hide_nothing(kind, make) -> None:  # type: ignore[no-untyped-def]
    cells = column("c7", make).astype(object)
    if kind not in (Kind.EMAIL,):
        cells = cells.map(lambda text: f" {text[:4]} {text[4:8]}-{text[8:]}")
    cells[::9] = None
    cells[::10] = "unknown"
    assert [found.kind for found in scan(cells)] == [kind]


def test_telephone_numbers_that_became_numbers_are_found() -> None:
    cells = column("c7", people.mobile).astype(np.int64)
    assert [found.kind for found in scan(cells)] == [Kind.PHONE]
    with_gaps = cells.astype(np.float64)
    with_gaps[::5] = np.nan
    assert [found.kind for found in scan(with_gaps)] == [Kind.PHONE]


@pytest.mark.parametrize(("kind", "make"), [VALUES[1], VALUES[2], VALUES[4]])
def test_one_identifier_inside_a_remark_is_found(kind, make) -> None:  # type: ignore[no-untyped-def]
    remarks = column("remark", lambda random: f"asked {random.integers(1000)} times")
    remarks[17] = f"call the owner: {make(np.random.default_rng(1))}, mornings"
    (found,) = scan(remarks)
    assert (found.kind, found.how, found.cells) == (kind, "inside", 1)


@pytest.mark.parametrize(("kind", "title"), TITLES)
def test_a_title_is_believed_where_the_cells_are_long_numbers(kind: Kind, title: str) -> None:
    found = scan(column(title, lambda random: f"A{random.integers(10**8, 10**9)}"))
    assert [(each.kind, each.how) for each in found] == [(kind, "title")]


@pytest.mark.parametrize(
    ("kind", "title", "make"),
    [
        (Kind.PERSON_NAME, "法定代表人", lambda random: f"阿{random.integers(999)}"),
        (Kind.PERSON_NAME, "owner_name", lambda random: f"Person {random.integers(999)}"),
        (Kind.ADDRESS, "注册地址", lambda random: f"Road {random.integers(999)}"),
        (
            Kind.BIRTH_DATE,
            "出生日期",
            lambda random: f"19{random.integers(40, 99)}-03-0{random.integers(1, 9)}",
        ),
        (Kind.BIRTH_DATE, "birthYear", lambda random: int(random.integers(1940, 2005))),
    ],
)
def test_names_addresses_and_births_are_found_by_title(kind, title, make) -> None:  # type: ignore[no-untyped-def]
    assert [found.kind for found in scan(column(title, make))] == [kind]


@pytest.mark.parametrize(
    ("title", "make"),
    [
        ("telephone", lambda random: random.choice(["yes", "none"])),
        ("phone_bill", lambda random: float(random.lognormal(3, 1))),
        ("account_no", lambda random: int(random.integers(0, 5))),
        ("director", lambda random: random.choice(["yes", "no"])),
        ("address", lambda random: int(random.integers(0, 3))),
        ("order", lambda random: f"{random.integers(10**17, 10**18)}"),
        ("hash", lambda random: random.bytes(8).hex()),
        ("amount", lambda random: int(random.integers(10**10, 10**14))),
        ("amount", lambda random: float(random.lognormal(25, 3))),
        ("month", lambda random: f"20{random.integers(10, 25)}-0{random.integers(1, 9)}"),
        ("founded", lambda random: dt.datetime(2000, 1, 1, tzinfo=dt.UTC)),
        ("city", lambda random: random.choice(["北京", "石家庄", "张家口", "上海", "广州", "深圳"])),
        ("flag", lambda random: bool(random.integers(0, 2))),
        ("empty", lambda random: None),
    ],
)
def test_what_identifies_nobody_gives_no_alarm(title, make) -> None:  # type: ignore[no-untyped-def]
    assert scan(column(title, make)) == ()


def test_codes_of_sole_traders_are_counted() -> None:
    random = np.random.default_rng(1)
    codes = [people.credit_code(random, "92" if row < 30 else "91") for row in range(100)]
    (found,) = scan(pd.Series(codes, name="uscc"))
    assert found.sole_traders == 30


@pytest.mark.parametrize("dirt", [{}, {"name_variants": True, "gbk": True, "duplicate_ids": True}])
def test_generated_tables_hold_credit_codes_and_names_of_firms_and_nothing_else(
    tmp_path: Path,
    dirt: dict[str, bool],
) -> None:
    written = generate(Settings(firms=500, seed=2, **dirt)).write(tmp_path, "csv.gz")  # type: ignore[arg-type]
    for party in ("bank", "platform", "public"):
        frame = read_table(written[party])
        found = {name: [each.kind for each in scan(frame[name])] for name in frame.columns}
        assert found.pop("uscc") == [Kind.CREDIT_CODE]
        assert found.pop("firm_name", [Kind.FIRM_NAME]) == [Kind.FIRM_NAME]
        assert not any(found.values())


@pytest.mark.skipif(not SHARED.exists(), reason="the shared tables are not on this machine")
@pytest.mark.parametrize(
    "name", ["spain_sme_bankruptcy", "south_german_credit", "german_credit_statlog", "fate_benchmarks"]
)
def test_published_tables_identify_nobody(name: str) -> None:
    for file in sorted((SHARED / name).glob("*.csv.gz"))[:4]:
        frame = read_table(file)
        assert not [column for column in frame.columns if scan(frame[column])]


def test_nothing_that_was_found_shows_a_cell() -> None:
    for _, make in VALUES:
        cells = column("c7", make)
        told = repr(scan(cells))
        assert not [cell for cell in cells if str(cell) in told]
