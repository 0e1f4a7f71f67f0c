"""Identifiers of nobody: made by rule, with the right check digits."""

from __future__ import annotations

import datetime as dt
import string

import numpy as np

from parties.identifiers import uscc_check_character

_ALPHABET = string.digits + string.ascii_uppercase


def national_id(random: np.random.Generator) -> str:
    """GB 11643: a district, a day of birth, a serial, and the check character by its definition."""
    born = dt.date(1950, 1, 1) + dt.timedelta(days=int(random.integers(0, 18_000)))
    body = f"{random.choice(['110105', '310115', '440305'])}{born:%Y%m%d}{random.integers(0, 1000):03d}"
    # ISO 7064 MOD 11-2, digit by digit.
    product = 0
    for digit in body:
        product = (product + int(digit)) * 2 % 11
    return body + "0123456789X"[(12 - product) % 11]


def mobile(random: np.random.Generator) -> str:
    return f"1{random.choice(list('35789'))}{random.integers(0, 10**9):09d}"


def e_mail(random: np.random.Generator) -> str:
    return f"user{random.integers(0, 10**6)}@example.com"


def iban(random: np.random.Generator) -> str:
    account = f"{random.integers(0, 10**18):018d}"
    check = 98 - int(account + "1314" + "00") % 97
    return f"DE{check:02d}{account}"


def lei(random: np.random.Generator) -> str:
    body = "5493" + "".join(random.choice(list(_ALPHABET), 14))
    number = int("".join(str(int(letter, 36)) for letter in body) + "00")
    return f"{body}{98 - number % 97:02d}"


def card(random: np.random.Generator) -> str:
    body = f"6222{random.integers(0, 10**14):014d}"
    return next(
        body + digit
        for digit in string.digits
        if sum(
            sum(divmod(int(each) * (1 + place % 2), 10)) for place, each in enumerate(reversed(body + digit))
        )
        % 10
        == 0
    )


def credit_code(random: np.random.Generator, kind: str = "91") -> str:
    body = f"{kind}440300{random.integers(0, 10**9):09d}"
    return body + uscc_check_character(body)


def name(random: np.random.Generator) -> str:
    given = list("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英")
    return random.choice(list("王李张刘陈杨黄赵吴周")) + "".join(random.choice(given, random.integers(1, 3)))


def firm(random: np.random.Generator) -> str:
    first, second = random.choice(list("华金恒瑞")), random.choice(list("达源通隆"))
    return f"{first}{second}{random.integers(0, 999)}贸易有限公司"
