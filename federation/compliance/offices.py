"""Who signs a statement: the offices that rule packs name. A closed list, so that none is misspelt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from federation.compliance.verdicts import Told

#: Id of an office, as `facts.Statement.office` has it -> what it is called.
OFFICES: Mapping[str, Told] = {
    "dpo": Told("data protection officer", "数据保护官"),
    "personal-information": Told("person in charge of personal information protection", "个人信息保护负责人"),
    "data-classification": Told("officer for data classification", "数据分类分级负责人"),
    "data-security": Told("person in charge of data security", "数据安全负责人"),
    "legal": Told("head of legal", "法务负责人"),
    "compliance": Told("compliance officer", "合规负责人"),
    "credit": Told("whoever answers for lending decisions", "信贷决策负责人"),
    "audit": Told("internal audit", "内部审计"),
    "management": Told("the institution's management", "机构管理层"),
}


def named(offices: Iterable[str]) -> Told:
    """The offices in words."""
    found = [OFFICES[office] for office in offices]
    return Told(" or ".join(each.en for each in found), "或".join(each.zh for each in found))
