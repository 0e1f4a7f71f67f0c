"""What a column may hold that identifies somebody, and how strictly each kind is graded.

Grades of a draft lean to the strict side: an owner may lower them and says why; nobody is surprised by one
that is too high. Sources: PIPL articles 4 and 28 (personal; sensitive: financial accounts), GB/T 35273-2020
annex B (identity numbers are sensitive), JR/T 0197-2020 (levels 1 to 5), NFRA Order 2024 No. 24.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from federation.governance.terms import Nfra, Personal


class Kind(enum.Enum):
    """What an identifier identifies by."""

    CREDIT_CODE = "credit-code"
    LEI = "lei"
    FIRM_NAME = "firm-name"
    NATIONAL_ID = "national-id"
    PHONE = "phone"
    EMAIL = "e-mail"
    IBAN = "iban"
    CARD = "bank-card"
    PERSON_NAME = "person-name"
    BIRTH_DATE = "birth-date"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Grading:
    """What a kind is called, and the grades that a draft proposes."""

    words: str
    personal: Personal
    jrt0197: int
    nfra: Nfra
    why: str


_FIRM = "it names an organisation and no person"
_SENSITIVE = Nfra.SENSITIVE_GENERAL

GRADING: dict[Kind, Grading] = {
    Kind.CREDIT_CODE: Grading(
        "unified social credit codes (GB 32100)", Personal.NONE, 2, Nfra.OTHER_GENERAL, _FIRM
    ),
    Kind.LEI: Grading("legal entity identifiers (ISO 17442)", Personal.NONE, 2, Nfra.OTHER_GENERAL, _FIRM),
    Kind.FIRM_NAME: Grading("names of firms", Personal.NONE, 2, Nfra.OTHER_GENERAL, _FIRM),
    Kind.NATIONAL_ID: Grading(
        "national identity numbers",
        Personal.SENSITIVE,
        4,
        _SENSITIVE,
        "an identity number is sensitive personal information (GB/T 35273 annex B)",
    ),
    Kind.PHONE: Grading(
        "telephone numbers", Personal.PERSONAL, 3, _SENSITIVE, "a number reaches one person (PIPL art. 4)"
    ),
    Kind.EMAIL: Grading(
        "e-mail addresses", Personal.PERSONAL, 3, _SENSITIVE, "an address reaches one person (PIPL art. 4)"
    ),
    Kind.IBAN: Grading(
        "bank account numbers",
        Personal.SENSITIVE,
        4,
        _SENSITIVE,
        "a person's financial account is sensitive personal information (PIPL art. 28)",
    ),
    Kind.CARD: Grading(
        "payment card numbers",
        Personal.SENSITIVE,
        4,
        _SENSITIVE,
        "a person's financial account is sensitive personal information (PIPL art. 28)",
    ),
    Kind.PERSON_NAME: Grading(
        "names of persons", Personal.PERSONAL, 3, _SENSITIVE, "a name identifies a person (PIPL art. 4)"
    ),
    Kind.BIRTH_DATE: Grading(
        "dates of birth", Personal.PERSONAL, 3, _SENSITIVE, "it narrows down a person (PIPL art. 4)"
    ),
    Kind.ADDRESS: Grading(
        "postal addresses", Personal.PERSONAL, 3, _SENSITIVE, "it may be a person's home (PIPL art. 4)"
    ),
}

#: What the title of a column says that it holds; the first that fits. The titles are in the form of `plain`.
_TITLES: dict[Kind, re.Pattern[str]] = {
    Kind.BIRTH_DATE: re.compile(r"出生|生日|\bbirth|\bdob\b"),
    Kind.NATIONAL_ID: re.compile(
        r"身份证|证件号|身份号|护照|\b(id card|national id|identity (card|no|number)|passport|ssn|"
        r"social security|nif|nie)\b|\bid (no|number)\b"
    ),
    Kind.PHONE: re.compile(r"手机|电话|联系方式|\b(tele|cell)?phone|\bmobile|\btel\b"),
    Kind.CARD: re.compile(r"银行卡|卡号|\bcard (no|number)\b|\bpan\b"),
    Kind.IBAN: re.compile(r"银行账号|银行账户|账号|\biban\b|\b(bank )?account (no|number)\b"),
    Kind.EMAIL: re.compile(r"邮箱|电子邮件|\be ?mail\b"),
    Kind.ADDRESS: re.compile(r"地址|住址|\baddress\b|\bstreet\b"),
    Kind.FIRM_NAME: re.compile(
        r"(企业|公司|单位|商户|供应商|客户|机构)名|"
        r"\b(firm|company|enterprise|business|trade|organi[sz]ation|supplier|merchant|vendor) name"
    ),
    Kind.PERSON_NAME: re.compile(
        r"姓名|法定代表人|法人代表|联系人|负责人|经办人|股东|实际控制人|"
        r"\b(first|last|middle|given|family|full|contact|owner|person|customer|client|director|manager|"
        r"guarantor|applicant|borrower|shareholder) name|\bsurname\b|\bcontact person\b|"
        r"\blegal rep(resentative)?\b|^(name|owner|director|shareholder)$"
    ),
}

#: Facts about a person that identify nobody alone, by title: personal, and of these the sensitive ones.
_PERSONAL = re.compile(
    r"性别|婚姻|学历|年龄段|国籍|户籍|个人收入|"
    r"\b(sex|gender|marital|personal status|nationality|education level)\b"
)
_SENSITIVE_TITLES = re.compile(
    r"民族|宗教|健康|病史|指纹|人脸|行踪|\b(ethnic\w*|race|religio\w*|health|medical|biometric\w*|fingerprint)\b"
)


def titled(title: str) -> Kind | None:
    """What the title of a column says that it identifies by, or None."""
    told = plain(title)
    return next((kind for kind, pattern in _TITLES.items() if pattern.search(told)), None)


def personal_by_title(title: str) -> Personal:
    """Whether a column is about a person's circumstances, by its title."""
    told = plain(title)
    if _SENSITIVE_TITLES.search(told):
        return Personal.SENSITIVE
    return Personal.PERSONAL if _PERSONAL.search(told) else Personal.NONE


def plain(title: str) -> str:
    """Lower case, one space between words: ownerName, owner_name and OWNER-NAME are one title."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", title)
    return re.sub(r"[\s_./-]+", " ", parted).strip().lower()
