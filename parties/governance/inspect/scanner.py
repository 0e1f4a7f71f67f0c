"""Find identifiers in a column, over all of its rows: by the form and check digit of its cells, or its title.

A title alone decides nothing: the cells must not speak against it. A column `telephone` of yes and no tells
who has one, and no number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pandas.api import types
from pyarrow import compute

from parties.governance.inspect import digits
from parties.governance.inspect.kinds import Kind, titled
from parties.identifiers import is_uscc

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """An identifier that stands in a column: in how many of its filled cells, and how it was found.

    `how`: "whole" (the cell is one), "inside" (it stands in a longer text), "title" (the column says so, and
    cells do not speak against it). `sole_traders`: codes that begin with 92 (GB 32100: people in business).
    """

    kind: Kind
    cells: int
    share: float
    how: str
    sole_traders: int = 0


@dataclass(frozen=True, slots=True)
class _Form:
    """A form that RE2 finds fast, a check that is exact, and the least share of cells that shows it."""

    shape: str
    check: Callable[[str], bool]
    least: float


def _fits(_: str) -> bool:
    return True


_EMAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
_MOBILE = r"(0086|\+86|86)?1[3-9][0-9]{9}"
_CITIZEN = r"[1-9][0-9]{5}(19|20)[0-9]{9}[0-9Xx]"

#: Of chance one cell in ten passes Luhn's sum, one in 97 that of ISO 7064: less than `least` shows nothing.
_WHOLE: dict[Kind, _Form] = {
    Kind.CREDIT_CODE: _Form(r"[0-9A-Z]{2}[0-9]{6}[0-9A-Z]{10}", is_uscc, 0.3),
    Kind.NATIONAL_ID: _Form(_CITIZEN, digits.is_national_id, 0.001),
    Kind.EMAIL: _Form(_EMAIL, _fits, 0.0),
    Kind.PHONE: _Form(rf"{_MOBILE}|(\+|00)[1-9][0-9]{{7,14}}", _fits, 0.5),
    Kind.IBAN: _Form(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", digits.is_iban, 0.3),
    Kind.LEI: _Form(r"[A-Z0-9]{18}[0-9]{2}", digits.is_lei, 0.3),
    Kind.CARD: _Form(r"[2-6][0-9]{12,18}", digits.is_card, 0.5),
}
_INSIDE: dict[Kind, _Form] = {
    Kind.NATIONAL_ID: _Form(_CITIZEN, digits.is_national_id, 0.0),
    Kind.EMAIL: _Form(_EMAIL, _fits, 0.0),
    Kind.PHONE: _Form(_MOBILE, _fits, 0.0),
}
_FIRM = (
    r"公司|集团|[厂店行社]$|中心$|商行|合作社|"
    r"(?i:\b(ltd|limited|llc|inc|corp|gmbh|ag|co|plc|pte|s\.?l|s\.?a|bhd|ltda)\b\.?$)"
)
#: The hundred commonest family names and a few of two characters; more than four persons in five have one.
_FAMILY = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
    "钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_CHINESE_NAME = rf"^([{_FAMILY}]|欧阳|司马|上官|诸葛)[\x{{4e00}}-\x{{9fff}}]{{1,2}}$"
#: Fewer different texts than this are a list to choose from, not names.
_FEW = 20


def scan(column: pd.Series) -> tuple[Found, ...]:
    """What identifies somebody in the column; empty where nothing was found. No cell is in the answer."""
    cells = as_text(column)
    if cells is None:
        return _by_title(str(column.name), column)
    counted = cells.value_counts()
    if counted.empty:
        return ()
    texts = pa.array(counted.index.to_list(), pa.string())
    looked = _Column(
        str(column.name),
        compute.utf8_normalize(compute.utf8_trim_whitespace(texts), form="NFKC"),
        counted.to_numpy().astype(np.int64),
        not types.is_numeric_dtype(column.dtype),
    )
    return looked.whole() or looked.inside() or looked.named() or _by_title(looked.title, column)


def as_text(column: pd.Series) -> pd.Series | None:
    """The filled cells as texts; None for numbers too small to be of a telephone or an account."""
    filled = column.dropna()
    if types.is_bool_dtype(column.dtype) or types.is_datetime64_any_dtype(column.dtype) or filled.empty:
        return None
    if not types.is_numeric_dtype(column.dtype):
        return filled.astype("str")
    numbers = filled.to_numpy(dtype=np.float64)
    if not np.isfinite(numbers).all() or (numbers < 1e10).any() or (numbers >= 2.0**63).any():
        return None
    return filled.astype(np.int64).astype("str") if (numbers == np.floor(numbers)).all() else None


@dataclass(frozen=True, slots=True)
class _Column:
    """Different texts of a column and how many cells hold each."""

    title: str
    texts: pa.Array
    counts: Counts
    is_text: bool

    def whole(self) -> tuple[Found, ...]:
        """Kinds of which a cell is one, its spaces and hyphens aside."""
        compact = compute.utf8_upper(compute.replace_substring_regex(self.texts, r"[\s\-()]", ""))
        found: list[Found] = []
        for kind, form in _WHOLE.items():
            texts = self.texts if kind is Kind.EMAIL else compact
            held = self._holding(texts, f"^({form.shape})$", form.check)
            sole = 0
            if kind is Kind.CREDIT_CODE:
                sole = int(self.counts[held & _mask(compute.starts_with(compact, "92"))].sum())
            found += self._noted(kind, held, form.least, "whole", sole)
        return tuple(sorted(found, key=lambda each: -each.share)[:1])

    def inside(self) -> tuple[Found, ...]:
        """Kinds that stand somewhere in a longer text."""
        if not self.is_text:
            return ()
        found: list[Found] = []
        for kind, form in _INSIDE.items():
            edge = "[^0-9A-Za-z]"
            pattern = f"(?:^|{edge})(?P<one>{form.shape})(?:$|{edge})"
            held = self._holding(self.texts, pattern, form.check)
            held &= ~_mask(compute.match_substring_regex(self.texts, f"^({form.shape})$"))
            found += self._noted(kind, held, form.least, "inside")
        return tuple(found)

    def named(self) -> tuple[Found, ...]:
        """Names of firms, then of persons, by what most cells look like."""
        if not self.is_text or len(self.texts) < _FEW:
            return ()
        for kind, pattern, least in (
            (Kind.FIRM_NAME, _FIRM, 0.5),
            (Kind.PERSON_NAME, _CHINESE_NAME, 0.7),
        ):
            found = self._noted(kind, self._holding(self.texts, pattern, _fits), least, "whole")
            if found:
                return tuple(found)
        return ()

    def _holding(self, texts: pa.Array, pattern: str, check: Callable[[str], bool]) -> npt.NDArray[np.bool_]:
        held = _mask(compute.match_substring_regex(texts, pattern))
        if check is _fits or not held.any():
            return held
        exact = re.compile(pattern)
        held[held] = [_passes(exact, text, check) for text in texts.filter(pa.array(held)).to_pylist()]
        return held

    def _noted(
        self, kind: Kind, held: npt.NDArray[np.bool_], least: float, how: str, sole: int = 0
    ) -> Sequence[Found]:
        cells = int(self.counts[held].sum())
        share = cells / int(self.counts.sum())
        return [Found(kind, cells, share, how, sole)] if cells and share >= least else []


def _passes(pattern: re.Pattern[str], text: str, check: Callable[[str], bool]) -> bool:
    group = "one" if "one" in pattern.groupindex else 0
    return any(check(match[group].upper()) for match in pattern.finditer(text))


def _mask(marks: pa.Array) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = marks.to_numpy(zero_copy_only=False).astype(np.bool_)
    return mask


def _by_title(title: str, column: pd.Series) -> tuple[Found, ...]:
    """What the title says, where the cells do not speak against it."""
    kind = titled(title)
    filled = column.dropna()
    if kind is None or filled.empty or not _SPEAKS_FOR[kind](filled):
        return ()
    return (Found(kind, len(filled), 1.0, "title"),)


def _long_numbers(filled: pd.Series) -> bool:
    """Six digits at least in most cells: whole numbers or codes, no measures."""
    if types.is_numeric_dtype(filled.dtype):
        numbers = filled.to_numpy(dtype=np.float64)
        return float(((numbers >= 1e5) & (numbers == np.floor(numbers))).mean()) >= 0.8
    return float((filled.astype("str").str.count("[0-9]") >= 6).mean()) >= 0.8


def _many_texts(filled: pd.Series) -> bool:
    if types.is_numeric_dtype(filled.dtype) or types.is_datetime64_any_dtype(filled.dtype):
        return False
    different = filled.nunique()
    return different >= _FEW or different / len(filled) >= 0.3


def _days_or_years(filled: pd.Series) -> bool:
    if types.is_datetime64_any_dtype(filled.dtype):
        return True
    years = pd.to_numeric(filled.astype("str").str.slice(0, 4), errors="coerce")
    return float(years.between(1900, 2100).mean()) >= 0.8


_SPEAKS_FOR: dict[Kind, Callable[[pd.Series], bool]] = {
    Kind.CREDIT_CODE: _long_numbers,
    Kind.LEI: _long_numbers,
    Kind.NATIONAL_ID: _long_numbers,
    Kind.PHONE: _long_numbers,
    Kind.IBAN: _long_numbers,
    Kind.CARD: _long_numbers,
    Kind.EMAIL: _many_texts,
    Kind.FIRM_NAME: _many_texts,
    Kind.PERSON_NAME: _many_texts,
    Kind.ADDRESS: _many_texts,
    Kind.BIRTH_DATE: _days_or_years,
}
