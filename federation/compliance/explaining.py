"""A control in plain language, as `isthmus policy explain` shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from federation.compliance import offices
from federation.compliance.catalogue import Catalogue, Control, Pack, catalogue
from federation.compliance.verdicts import Language, Told


def find(name: str, rules: Catalogue | None = None) -> tuple[Pack, Control] | None:
    """The control of that id, in any case, and its pack."""
    rules = catalogue() if rules is None else rules
    return next(((pack, control) for pack, control in rules if control.id == name.upper()), None)


def lines(pack: Pack, control: Control, language: Language) -> list[str]:
    """For people to read: title, text, then where it comes from and what it takes."""
    words = _WORDS[language]
    rows = [
        ("asked", _asked(pack, language)),
        ("kind", _told(_KINDS[control.kind], language)),
        ("evidence", control.evidence),
        ("offices", _told(offices.named(control.parameters.get("offices", ())), language)),
        ("reading", _told(_READINGS[control.reading], language)),
        ("source", control.source),
        ("dated", control.dated.isoformat()),
        ("until", "" if control.valid_until is None else control.valid_until.isoformat()),
        ("seen", _told(_SEEN[control.seen], language)),
        ("reviewed", f"{pack.reviewed_by or words['nobody']}; {words['advice']}"),
    ]
    return [
        f"{control.id}  {getattr(control.title, language)}",
        f"  {getattr(control.text, language)}",
        *(f"  {words[name]}: {text}" for name, text in rows if text),
    ]


def to_json(pack: Pack, control: Control) -> dict[str, Any]:
    """All of it, in both languages."""
    told = {"kind": _KINDS[control.kind], "reading": _READINGS[control.reading], "seen": _SEEN[control.seen]}
    return {
        "pack": pack.pack,
        "pack_sha256": pack.sha256,
        "reviewed_by": pack.reviewed_by,
        "jurisdictions": list(pack.jurisdictions),
        "title": control.title.model_dump(),
        "text": control.text.model_dump(),
        "source": control.source,
        "dated": control.dated.isoformat(),
        "valid_until": None if control.valid_until is None else control.valid_until.isoformat(),
        "kind": control.kind,
        "evidence": control.evidence,
        "offices": list(control.parameters.get("offices", ())),
        "reading": control.reading,
        "seen": control.seen,
        "told": {name: each.to_json() for name, each in told.items()},
        "not_legal_advice": True,
    }


def _asked(pack: Pack, language: Language) -> str:
    title: str = getattr(pack.title, language)
    return f"{title} ({', '.join(pack.jurisdictions)})" if pack.jurisdictions else title


def _told(told: Told, language: Language) -> str:
    return told.zh if language == "zh" else told.en


_KINDS: Mapping[str, Told] = {
    "automatic": Told("software decides it from the evidence", "由软件依据证据判定"),
    "hybrid": Told(
        "software checks that a document is there, its scope, dates and hash; a person answers for the rest",
        "软件核对文件是否存在及其范围、日期与哈希；内容由人负责",
    ),
    "attest-only": Told(
        "only a person can say; software checks that a statement is there, in force and by the right office",
        "只能由人声明；软件仅核对声明是否存在、有效并由相应部门签署",
    ),
}
_READINGS: Mapping[str, Told] = {
    "both": Told("R1 and R2", "R1 与 R2"),
    "R1": Told(
        "R1 alone: not asked where R2 may be claimed, that an update is not personal data for its recipient",
        "仅 R1：可以主张 R2（更新对接收方而言不是个人数据）时不适用",
    ),
}
_SEEN: Mapping[str, Told] = {
    "C": Told(
        "its text, or a summary by an authority or a law firm, was seen when the pack was written; what "
        "is marked [M] is from memory",
        "编写规则包时已查看其文本或官方、律所的摘要；标有 [M] 的条款号凭记忆",
    ),
    "M": Told("from memory: look it up before relying on it", "凭记忆编写：使用前请核对原文"),
}
_WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "asked": "asked of",
        "kind": "decided",
        "evidence": "evidence",
        "offices": "to be signed by",
        "reading": "reading",
        "source": "source",
        "dated": "in force or published",
        "until": "holds until",
        "seen": "text",
        "reviewed": "reviewed by",
        "nobody": "no lawyer yet",
        "advice": "this is not legal advice",
    },
    "zh": {
        "asked": "适用于",
        "kind": "判定方式",
        "evidence": "证据",
        "offices": "签署人",
        "reading": "解读",
        "source": "依据",
        "dated": "生效或公布日期",
        "until": "有效期至",
        "seen": "文本",
        "reviewed": "审阅人",
        "nobody": "尚无律师审阅",
        "advice": "不构成法律意见",
    },
}


def table(pack: Pack) -> str:
    """The pack's controls as a table in Markdown, as docs/compliance.md has it."""
    rows = [
        f"| {each.id} | {each.title.en} | {each.kind} | {each.source}"
        f"{'' if each.valid_until is None else f' (until {each.valid_until})'} | {each.seen} | "
        f"{'R1, R2' if each.reading == 'both' else each.reading} |"
        for each in pack.controls
    ]
    return "\n".join(
        ["| id | what it asks | kind | source | text | reading |", "|---|---|---|---|---|---|", *rows]
    )
