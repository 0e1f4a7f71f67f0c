"""Check digits of identifiers. Each function takes a text without spaces, in capitals, and never raises.

A text of chance passes in one case of 10 (Luhn), 11 (national id, before its date is looked at) or 97 (IBAN,
LEI), so one that passes shows little and a column of which most pass shows all.
"""

from __future__ import annotations

import datetime as dt
import re

_NATIONAL_ID = re.compile(r"[1-9][0-9]{16}[0-9X]")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_LEI = re.compile(r"[A-Z0-9]{18}[0-9]{2}")
_CARD = re.compile(r"[2-6][0-9]{12,18}")

#: GB 11643-1999: the weight of place i (from the left, 0 to 16) is 2^(17-i) modulo 11.
_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))


def is_national_id(text: str) -> bool:
    """A Chinese citizen's number (GB 11643-1999): a date of birth in places 7 to 14, ISO 7064 MOD 11-2."""
    if not _NATIONAL_ID.fullmatch(text):
        return False
    try:
        born = dt.date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, text[:17], strict=True))
    return 1900 <= born.year < 2100 and "10X98765432"[total % 11] == text[17]


def is_iban(text: str) -> bool:
    """An international bank account number (ISO 13616): letters as 10 to 35, remainder 1 modulo 97."""
    return _IBAN.fullmatch(text) is not None and _number(text[4:] + text[:4]) % 97 == 1


def is_lei(text: str) -> bool:
    """A legal entity identifier (ISO 17442): remainder 1 modulo 97, as ISO 7064 MOD 97-10 has it."""
    return _LEI.fullmatch(text) is not None and _number(text) % 97 == 1


def is_card(text: str) -> bool:
    """A payment card's number (ISO/IEC 7812): 13 to 19 digits of a card scheme, Luhn's sum."""
    if not _CARD.fullmatch(text):
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(text)))
    return sum(each // 10 + each % 10 for each in doubled) % 10 == 0


def _number(text: str) -> int:
    return int("".join(str(int(character, 36)) for character in text))
