"""Unified social credit codes (USCC): the key by which the parties know a firm.

GB 32100-2015, "The coding rule of the unified social credit identifier for legal entities and other
organizations": 18 characters,

    1      registration authority        9 = market regulation
    2      kind of organisation          1 = enterprise
    3-8    administrative division       six digits, GB/T 2260
    9-17   organisation code             GB 11714: eight characters and their own check character
    18     check character               weighted sum modulo 31

over digits and capital letters without I, O, S, V, Z. Only the shape and the last character are
checked here: the inner check of GB 11714 is not, because codes carried over from older registers
break it and are in force all the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from crypto.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

#: GB 32100-2015, table 2: a character's place is its value.
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
#: GB 32100-2015, clause 5.5: the weight of place i (from 1) is 3^(i-1) modulo 31.
WEIGHTS = tuple(pow(3, place, 31) for place in range(17))

#: The places of 9-17 that carry the organisation code, and its weights (GB 11714-1997, clause 4).
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)

_SHAPE = re.compile(rf"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}")
_BODY = re.compile(rf"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{9}}")

_LETTERS = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)
#: Code point to value, for code points below 128; -1 where the alphabet has no such character.
_VALUE = np.full(128, -1, dtype=np.int64)
_VALUE[_LETTERS] = np.arange(31)


def uscc_check_character(body17: str) -> str:
    """The 18th character for the first seventeen.

    Raises `UsageError` where `body17` is not seventeen characters of the alphabet with digits at 3-8.
    """
    if not _BODY.fullmatch(body17):
        raise UsageError(
            "this is not the first seventeen characters of a unified social credit code",
            advice="Give 17 characters: digits and capitals without I, O, S, V, Z; digits at 3 to 8.",
        )
    total = sum(weight * ALPHABET.index(character) for weight, character in zip(WEIGHTS, body17, strict=True))
    return ALPHABET[-total % 31]


def is_uscc(code: str) -> bool:
    """Whether `code` has the shape of a unified social credit code and the right check character.

    Capitals only: a lower-case code is repaired by whoever prepares the file, never in silence here.
    """
    return (
        isinstance(code, str)
        and _SHAPE.fullmatch(code) is not None
        and (uscc_check_character(code[:17]) == code[17])
    )


def valid_uscc(series: pd.Series) -> NDArray[np.bool_]:
    """`is_uscc` for every row of a column, at about a million rows a second.

    A missing value, a number and a text of another length are False.
    """
    cells = series.to_numpy(dtype=object)
    right_length = np.fromiter(
        (isinstance(cell, str) and len(cell) == 18 for cell in cells), dtype=np.bool_, count=len(cells)
    )
    valid = right_length.copy()
    if right_length.any():
        codes = cells[right_length].astype("U18")
        points = codes.view(np.uint32).reshape(len(codes), 18)
        values = np.where(points < 128, _VALUE[np.minimum(points, 127)], -1)
        # GB/T 2260 divisions are digits, so their values are at most 9.
        shaped = (values >= 0).all(axis=1) & (values[:, 2:8] <= 9).all(axis=1)
        valid[right_length] = shaped & (_check_values(values[:, :17]) == values[:, 17])
    return valid


def assemble_usccs(division: NDArray[np.int64], serial: NDArray[np.int64]) -> NDArray[np.str_]:
    """Codes of enterprises under market regulation ("91"), with both check characters right.

    `division` holds six-digit division codes; `serial` numbers below 31^8, whose eight base-31 digits
    become the organisation code's body. Different serials give different codes. Both arrays have
    shape (n,); so does the answer, of dtype U18.
    """
    values = np.empty((len(serial), 18), dtype=np.int64)
    values[:, :2] = 9, 1
    for place in range(6):
        values[:, 7 - place] = division // 10**place % 10
    for place in range(8):
        values[:, 15 - place] = serial // 31**place % 31
    values[:, 16] = _organisation_check_values(values[:, 8:16])
    values[:, 17] = _check_values(values[:, :17])
    text = _LETTERS[values].astype(np.uint32)
    return np.ascontiguousarray(text).view("U18").reshape(-1)


def _check_values(bodies: NDArray[np.int64]) -> NDArray[np.int64]:
    """GB 32100-2015, clause 5.5, for rows of seventeen values."""
    remainder: NDArray[np.int64] = -(bodies @ np.array(WEIGHTS)) % 31
    return remainder


def _organisation_check_values(bodies: NDArray[np.int64]) -> NDArray[np.int64]:
    """GB 11714-1997, clause 4, for rows of eight values: 11 - (sum mod 11); ten is X, eleven is 0.

    GB 11714 gives letters their place in the full alphabet (A = 10 ... Z = 35).
    """
    full = np.array([int(letter, 36) for letter in ALPHABET])
    check = -(full[bodies] @ np.array(_ORGANISATION_WEIGHTS)) % 11
    return np.where(check == 10, ALPHABET.index("X"), check)
