"""What a draft proposes for one column: its use, its grades, the forms in which something of it may leave.

A proposal says its reason in words. No draft proposes important or core: these are named by a sector's
catalogue or by an authority's notice (GB/T 43697-2024), which no program can read from a table.
"""

from __future__ import annotations

import re

from federation.governance.manifest import FieldFacts, Grades
from federation.governance.terms import Form, National, Nfra, PartyKind, Personal, Use
from parties.dataset import DatasetConfig
from parties.governance.inspect.kinds import GRADING, Grading, Kind, personal_by_title, plain
from parties.governance.inspect.looking import ColumnFacts
from parties.governance.inspect.scanner import Found

#: How something of an outcome or a feature leaves in training: sealed, masked, noised, or as a sum over many.
_TRAINED = (Form.ENCRYPTED_UPDATE, Form.MASKED_UPDATE, Form.DP_UPDATE, Form.AGGREGATE)
#: Why a feature that is not about persons may also leave as yes or no for each row.
_SIDES = (
    "predicate: which side of a split its rows fall, needed by boosted trees and reason codes; take it out "
    "of egress where no partner may learn that of single firms"
)
#: Kinds that stand for an organisation: the only identifiers that may be matched as tokens.
_ORGANISATION = (Kind.CREDIT_CODE, Kind.LEI, Kind.FIRM_NAME)

#: Codes among which some begin with 92 (GB 32100: individual businesses).
_SOLE_TRADERS = Grading(
    GRADING[Kind.CREDIT_CODE].words,
    Personal.PERSONAL,
    3,
    Nfra.SENSITIVE_GENERAL,
    "a code that begins with 92 is that of a natural person in business (PIPL art. 4)",
)

_CREDIT = re.compile(
    r"逾期|违约|授信|贷款|负债|担保|征信|overdue|overdraft|leverage|default|delinquen|credit|loan|debt|arrears|repay|collateral|guarant"
)
_MONEY = re.compile(
    r"余额|现金|存款|收入|利润|资产|金额|销售|税|balance|cash|deposit|turnover|revenue|sales|income|profit|asset|"
    r"amount|payment|receivable|payable|equity|tax|invoice|price|cost|gross|ebit"
)


def propose(facts: ColumnFacts, config: DatasetConfig, kind: PartyKind) -> FieldFacts:
    """The draft's facts of one column of a party of this kind."""
    personal, level, nfra, reasons = _graded(facts, config)
    use, why = _use(facts, config, personal)
    egress = _egress(use, facts, config)
    if use is Use.KEY and not egress:
        why = "the key identifies persons, so no token of it leaves until the owner permits it"
    if use is Use.FEATURE and personal is Personal.NONE:
        egress, why = (*egress, Form.PREDICATE), _SIDES
    return FieldFacts(
        use=use,
        type=facts.type,
        grades=Grades(
            gbt43697=National.GENERAL,
            jrt0197=level,
            nfra=nfra if kind is PartyKind.BANK else None,
            miit=National.GENERAL if kind in (PartyKind.PLATFORM, PartyKind.SUPPLIER) else None,
        ),
        personal=personal,
        egress=egress,
        unit=config.units.get(facts.name, ""),
        category=_category(facts, config),
        reasons=(*reasons, why) if why else reasons,
    )


def _graded(facts: ColumnFacts, config: DatasetConfig) -> tuple[Personal, int, Nfra, tuple[str, ...]]:
    """Personal, JR/T level and NFRA grade, and the sentences that say why."""
    if facts.found:
        gradings = [_SOLE_TRADERS if found.sole_traders else GRADING[found.kind] for found in facts.found]
        strictest = max(gradings, key=lambda each: (each.jrt0197, list(Personal).index(each.personal)))
        return strictest.personal, strictest.jrt0197, strictest.nfra, tuple(map(told, facts.found))
    personal = personal_by_title(facts.name)
    if personal is Personal.SENSITIVE:
        why = "the title speaks of what PIPL art. 28 calls sensitive: JR/T 0197 level 4"
        return personal, 4, Nfra.SENSITIVE_GENERAL, (why,)
    if personal is Personal.PERSONAL:
        why = "the title speaks of a person's circumstances (PIPL art. 4): JR/T 0197 level 3"
        return personal, 3, Nfra.SENSITIVE_GENERAL, (why,)
    if _category(facts, config).startswith("finance"):
        why = "a firm's credit or money: JR/T 0197 level 3"
        return personal, 3, Nfra.SENSITIVE_GENERAL, (why,)
    return personal, 2, Nfra.OTHER_GENERAL, ("a firm's business: JR/T 0197 level 2",)


def told(found: Found) -> str:
    """A finding and what follows from it, as a sentence for the owner."""
    grading = _SOLE_TRADERS if found.sole_traders else GRADING[found.kind]
    if found.sole_traders:
        return (
            f"{found.cells} cells are {grading.words}, {found.sole_traders} of them of sole traders; "
            f"{grading.why}: JR/T 0197 level {grading.jrt0197}, personal"
        )
    of = {
        "whole": f"{percent(found.share)} of the filled cells are {grading.words}",
        "inside": f"{grading.words} stand inside {found.cells} cells",
        "title": f"the title says {grading.words}, and the cells do not speak against it",
    }[found.how]
    after = {
        Personal.NONE: "not personal",
        Personal.PERSONAL: "personal, no egress",
        Personal.SENSITIVE: "sensitive personal, no egress",
    }[grading.personal]
    return f"{of}; {grading.why}: JR/T 0197 level {grading.jrt0197}, {after}"


def percent(share: float) -> str:
    """A share as people read it; what is not all is never told as 100 %, what is not none never as 0 %."""
    if 0 < share < 0.01:
        return "less than 1 %"
    return f"{min(99, round(share * 100)) if share < 1 else 100} %"


def _use(facts: ColumnFacts, config: DatasetConfig, personal: Personal) -> tuple[Use, str]:
    """The use, and why where that is not plain."""
    name = facts.name
    if name == config.key:
        return Use.KEY, ""
    if name == config.label:
        return Use.LABEL, "it is the outcome"
    if name in (config.group, config.time, config.accepted):
        return Use.STRATUM, (
            "rows are split by it; it is no feature. predicate: which rows train is told to the partners and "
            "may follow from it"
        )
    if any(kind not in _ORGANISATION for kind in facts.kinds):
        return Use.NEVER, ""
    if facts.found:
        return Use.NEVER, "it identifies single firms and is not the key"
    if personal is Personal.SENSITIVE:
        return Use.NEVER, "sensitive personal information is no feature unless the owner says so"
    if name in (*config.exclude, *config.dates):
        return Use.NEVER, "party.toml says that it is no feature"
    if facts.type in ("text", "date") and (facts.levels > config.max_levels or facts.type == "text"):
        return Use.NEVER, f"{facts.levels} different {facts.type}s describe single firms"
    if facts.filled == 0:
        return Use.NEVER, "every cell is empty"
    return Use.FEATURE, ""


def _egress(use: Use, facts: ColumnFacts, config: DatasetConfig) -> tuple[Form, ...]:
    if use is Use.KEY:
        return (Form.PSI_TOKEN,) if all(kind in _ORGANISATION for kind in facts.kinds) else ()
    if use is Use.STRATUM and facts.name != config.accepted:
        personal = any(kind not in _ORGANISATION for kind in facts.kinds)
        return () if personal else (Form.AGGREGATE, Form.PREDICATE)
    return () if use is Use.NEVER else _TRAINED


def _category(facts: ColumnFacts, config: DatasetConfig) -> str:
    """A taxonomy path, by the finding or by the title."""
    if facts.found:
        firm = all(kind in _ORGANISATION for kind in facts.kinds)
        return f"identity/{'enterprise' if firm else 'person'}"
    title = plain(facts.name)
    if personal_by_title(facts.name) is not Personal.NONE:
        return "person"
    if facts.name in (config.label, config.accepted) or _CREDIT.search(title):
        return "finance/credit"
    if _MONEY.search(title):
        return "finance/account"
    return "identity/enterprise" if facts.name == config.key else "business"
