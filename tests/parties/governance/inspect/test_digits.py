"""Check digits say yes to what the standards make, and no to one changed digit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iban as their_iban
from stdnum import lei as their_lei
from stdnum import luhn
from stdnum.cn import ric

from parties.governance.inspect.digits import is_card, is_iban, is_lei, is_national_id
from tests.parties.governance.inspect import people

fuzz = settings(deadline=None, database=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)
MADE = {
    is_national_id: people.national_id,
    is_iban: people.iban,
    is_lei: people.lei,
    is_card: people.card,
}


@pytest.mark.parametrize("check", MADE)
@fuzz
@given(seed=SEEDS, place=st.integers(0, 30), by=st.integers(1, 9))
def test_a_right_one_passes_and_one_changed_digit_does_not(check, seed, place, by) -> None:  # type: ignore[no-untyped-def]
    text = MADE[check](np.random.default_rng(seed))
    assert check(text)
    place %= len(text)
    if text[place].isdigit():
        wrong = text[:place] + str((int(text[place]) + by) % 10) + text[place + 1 :]
        assert not check(wrong)


@pytest.mark.parametrize(
    ("check", "published"),
    [
        (is_national_id, "11010519491231002X"),  # GB 11643-1999, its own example
        (is_national_id, "440524188001010014"),  # the other; born before 1900
        (is_iban, "GB82WEST12345698765432"),  # ISO 13616
        (is_iban, "DE89370400440532013000"),
        (is_lei, "506700GE1G29325QX363"),  # the GLEIF's
        (is_card, "4111111111111111"),
    ],
)
def test_published_examples(check, published) -> None:  # type: ignore[no-untyped-def]
    assert check(published) is (published != "440524188001010014")


@fuzz
@given(text=st.from_regex(r"[1-9][0-9]{5}(19|20)[0-9]{9}[0-9X]", fullmatch=True))
def test_no_national_id_passes_that_another_library_refuses_for_its_digit(text: str) -> None:
    if is_national_id(text):
        assert ric.calc_check_digit(text) == text[-1]
        assert ric.get_birth_date(text) is not None


@fuzz
@given(text=st.from_regex(r"DE[0-9]{20}", fullmatch=True), seed=SEEDS)
def test_account_numbers_agree_with_another_library(text: str, seed: int) -> None:
    assert is_iban(text) == their_iban.is_valid(text, check_country=False)
    assert their_iban.is_valid(people.iban(np.random.default_rng(seed)), check_country=False)


@fuzz
@given(text=st.from_regex(r"[0-9A-Z]{18}[0-9]{2}", fullmatch=True), seed=SEEDS)
def test_entity_identifiers_agree_with_another_library(text: str, seed: int) -> None:
    assert is_lei(text) == their_lei.is_valid(text)
    assert their_lei.is_valid(people.lei(np.random.default_rng(seed)))


@fuzz
@given(text=st.from_regex(r"[2-6][0-9]{12,18}", fullmatch=True))
def test_card_numbers_agree_with_another_library(text: str) -> None:
    assert is_card(text) == luhn.is_valid(text)


@fuzz
@given(text=st.text(max_size=40))
def test_no_text_makes_a_check_fail(text: str) -> None:
    for check in MADE:
        assert check(text) in (True, False)
