"""The check character of GB 32100-2015, against codes that are public and in force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.identifiers import ALPHABET, assemble_usccs, is_uscc, uscc_check_character, valid_uscc

# Published by the firms themselves (Tencent, Alibaba, Huawei, Baidu): an oracle that is not ours.
IN_FORCE = ["9144030071526726XG", "91330100799655058B", "914403001922038216", "91110000802100433B"]


@pytest.mark.parametrize("code", IN_FORCE)
def test_codes_in_force_are_valid(code: str) -> None:
    assert uscc_check_character(code[:17]) == code[17]
    assert is_uscc(code)


@pytest.mark.parametrize("code", IN_FORCE)
def test_every_single_wrong_character_is_found(code: str) -> None:
    for place in range(18):
        for other in ALPHABET.replace(code[place], ""):
            assert not is_uscc(code[:place] + other + code[place + 1 :])


@pytest.mark.parametrize("code", IN_FORCE)
def test_two_neighbours_exchanged_are_found(code: str) -> None:
    for place in range(17):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert swapped == code or not is_uscc(swapped)


@pytest.mark.parametrize(
    "code", ["", "9144030071526726xG", IN_FORCE[0] + " ", IN_FORCE[0][:17], "９" + IN_FORCE[0][1:], "O" * 18]
)
def test_what_is_not_a_code_is_not_valid(code: str) -> None:
    assert not is_uscc(code)


def test_a_body_of_another_shape_is_refused_without_being_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        uscc_check_character("91440300715267OIZ")
    assert "715267" not in str(caught.value) + caught.value.advice


def test_the_column_check_agrees_with_the_single_check() -> None:
    cells = [*IN_FORCE, IN_FORCE[0].lower(), "9" * 18, "", None, 914403001922038216, float("nan"), pd.NA]
    cells += [IN_FORCE[2] + "0", " " + IN_FORCE[2], "９" + IN_FORCE[0][1:], "A" * 18, "\U0001f600" * 18]
    expected = [isinstance(cell, str) and is_uscc(cell) for cell in cells]
    assert valid_uscc(pd.Series(cells, dtype=object)).tolist() == expected
    assert sum(expected) == 4


@pytest.mark.parametrize("dtype", ["str", "int64", object])
def test_an_empty_column_has_no_valid_codes(dtype: object) -> None:
    assert valid_uscc(pd.Series([], dtype=dtype)).shape == (0,)


@pytest.mark.parametrize("code", IN_FORCE)
def test_codes_are_assembled_with_both_check_characters(code: str) -> None:
    serial = sum(ALPHABET.index(letter) * 31**place for place, letter in enumerate(reversed(code[8:16])))
    assert assemble_usccs(np.array([int(code[2:8])]), np.array([serial])).tolist() == [code]


def test_different_serials_give_different_codes() -> None:
    codes = assemble_usccs(np.full(5000, 110101), np.arange(5000) * 31**4 + 7)
    assert len(set(codes.tolist())) == 5000
    assert valid_uscc(pd.Series(codes)).all()
