"""Facts and rules to verdicts. No clock, file or network: the same case gives the same bytes everywhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from federation.compliance.catalogue import Catalogue, Control, Pack, asked, catalogue
from federation.compliance.checks.all import CHECKS
from federation.compliance.facts import Case
from federation.compliance.verdicts import Answer, Judgement, Reading, Ruling, Told, Verdict, worst

#: Where these pass, and an officer signed `_SIGNED`, it may be claimed that an update is not personal data.
_LEAKAGE = ("T-LEAK-", "T-KEY-", "T-COHORT")
_SIGNED = "EU-PERSONAL"


def judge(case: Case, rules: Catalogue | None = None) -> Judgement:
    """Every control of the catalogue (the shipped one, unless given) on the case, under both readings."""
    rules = catalogue() if rules is None else rules
    conservative = tuple(ruling for pack, control in rules for ruling in _rulings(case, pack, control))
    claimable, why = _claimable(conservative)
    lifted = {control.id for _, control in rules if control.reading == "R1"} if claimable else set()
    relative = tuple(_lifted(ruling) if ruling.control in lifted else ruling for ruling in conservative)
    readings: Mapping[Reading, tuple[Ruling, ...]] = {"R1": conservative, "R2": relative}
    return Judgement(
        case.name,
        case.digest,
        case.date.isoformat(),
        {pack.pack: pack.sha256 for pack in rules.packs},
        readings,
        claimable,
        why,
    )


def examples(rules: Catalogue) -> Iterator[tuple[Control, str, Verdict, Verdict]]:
    """Each control's two cases: which, the verdict that it must come to, and the one that it comes to."""
    for pack, control in rules:
        for name, example in (("allow", control.allow), ("refuse", control.refuse)):
            case = rules.case(example)
            came = worst(ruling.verdict for ruling in _rulings(case, pack, control))
            yield control, name, example.verdict, came


def applies(pack: Pack, case: Case) -> bool:
    """Whether a pack's law may be asked at all: some data, party or border of the case is in its places."""
    if not pack.jurisdictions:
        return True
    places = {party.jurisdiction for party in case.parties.values()}
    places |= {place for data in case.data.values() for place in (*data.collected_in, *data.persons)}
    return bool(places & set(pack.jurisdictions))


def _rulings(case: Case, pack: Pack, control: Control) -> Iterator[Ruling]:
    for answer in _answers(case, pack, control):
        yield Ruling(
            control.id,
            pack.pack,
            control.kind,
            answer.border,
            answer.party,
            answer.verdict,
            answer.told,
            from_memory=control.seen == "M",
        )


def _answers(case: Case, pack: Pack, control: Control) -> Sequence[Answer]:
    if not applies(pack, case):
        title = pack.title
        return [
            Answer(
                Verdict.NOT_APPLICABLE,
                Told(f"Nothing of this case is in {title.en}.", f"本案例与{title.zh}无关。"),
            )
        ]
    answers = CHECKS[control.check](case, asked(pack, control))
    expired = control.valid_until is not None and case.date > control.valid_until
    return [_expired(answer, control.valid_until) if expired else answer for answer in answers]


def _expired(answer: Answer, until: dt.date | None) -> Answer:
    """A rule past its date decides nothing, whatever it said before."""
    if answer.verdict is Verdict.NOT_APPLICABLE:
        return answer
    told = Told(
        f"The rule as written here held until {until}: a lawyer must look at what replaced it.",
        f"此处的规则有效期至 {until}：须由律师核对其后的新规定。",
    )
    return Answer(Verdict.UNKNOWN, told, answer.border, answer.party)


def _claimable(rulings: Sequence[Ruling]) -> tuple[bool, Told]:
    """Whether R2 may be claimed, and why."""
    short = [
        ruling.control
        for ruling in rulings
        if ruling.control.startswith(_LEAKAGE)
        and ruling.verdict is not Verdict.PASS
        and ruling.verdict is not Verdict.NOT_APPLICABLE
    ]
    passed = any(
        ruling.control.startswith("T-LEAK-") and ruling.verdict is Verdict.PASS for ruling in rulings
    )
    signed = any(ruling.control == _SIGNED and ruling.verdict is Verdict.PASS for ruling in rulings)
    if short or not passed:
        named = ", ".join(dict.fromkeys(short)) or "T-LEAK-*"
        return False, Told(f"R2 cannot be claimed: not passed are {named}.", f"不能主张 R2：{named} 未通过。")
    if not signed:
        return False, Told(
            f"R2 cannot be claimed: no data protection officer signed {_SIGNED}.",
            f"不能主张 R2：数据保护官未签署 {_SIGNED}。",
        )
    return True, Told(
        "R2 may be claimed: leakage, key and cohort controls pass, and an officer signed.",
        "可以主张 R2：泄露、密钥与群体规模控制均通过，且数据保护官已签署。",
    )


def _lifted(ruling: Ruling) -> Ruling:
    if ruling.verdict is Verdict.NOT_APPLICABLE:
        return ruling
    told = Told(
        "Under this reading the update is not personal data for its recipient.",
        "按此解读，更新内容对接收方而言不是个人数据。",
    )
    return Ruling(
        ruling.control,
        ruling.pack,
        ruling.kind,
        ruling.border,
        ruling.party,
        Verdict.NOT_APPLICABLE,
        told,
        ruling.from_memory,
        lifted=True,
    )
