"""An answer in one line: the verdict and its sentence in both languages."""

from __future__ import annotations

from collections.abc import Iterable

from federation.compliance.facts import Border
from federation.compliance.verdicts import Answer, Told, Verdict


def answer(verdict: Verdict, en: str, zh: str, *, border: Border | str = "", party: str = "") -> Answer:
    """The answer of that verdict; `border` and `party` where it is about one."""
    return Answer(verdict, Told(en, zh), str(border), party)


def passes(en: str, zh: str, *, border: Border | str = "", party: str = "") -> Answer:
    """It holds."""
    return answer(Verdict.PASS, en, zh, border=border, party=party)


def fails(en: str, zh: str, *, border: Border | str = "", party: str = "") -> Answer:
    """It does not hold."""
    return answer(Verdict.FAIL, en, zh, border=border, party=party)


def unknown(en: str, zh: str, *, border: Border | str = "", party: str = "") -> Answer:
    """The case does not tell."""
    return answer(Verdict.UNKNOWN, en, zh, border=border, party=party)


def to_attest(en: str, zh: str, *, border: Border | str = "", party: str = "") -> Answer:
    """A person must sign first."""
    return answer(Verdict.NEEDS_ATTESTATION, en, zh, border=border, party=party)


def no_question(en: str, zh: str) -> Answer:
    """It is not asked here."""
    return answer(Verdict.NOT_APPLICABLE, en, zh)


def listed(names: Iterable[object], language: str = "en") -> str:
    """Names in a row, as each language separates them."""
    return ("、" if language == "zh" else ", ").join(str(name) for name in names)
