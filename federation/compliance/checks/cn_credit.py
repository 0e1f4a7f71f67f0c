"""Credit information, consent and the financial guide: what China asks of a bank's data beside the papers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from federation.compliance.checks import check
from federation.compliance.checks.attested import STATED, attested
from federation.compliance.checks.saying import fails, listed, no_question, passes, to_attest, unknown
from federation.compliance.checks.scope import exports, owners
from federation.compliance.facts import Case
from federation.compliance.verdicts import Answer
from federation.governance.terms import Regime, SubjectKind


@check("credit-at-home", reads=())
def credit_at_home(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Credit information collected in the places is sorted, stored and processed there.

    So label holder, aggregator, every key that opens something, and the data itself are there. Users abroad
    get enterprise information alone, for trade, investment and the like.
    """
    home = parameters["places"]
    whose = owners(case, home, "credit")
    if not whose:
        return [no_question("No credit information collected in China.", "没有在中国境内采集的信用信息。")]
    found = [*_placed(case, home), *_kept(case, home, whose), *_abroad(case, home, whose)]
    return found or [
        passes(
            "Label holder, aggregator, keys and data are in China.",
            "标签方、聚合方、密钥与数据均在中国境内。",
        )
    ]


def _placed(case: Case, home: Sequence[str]) -> Iterator[Answer]:
    for name, party in sorted(case.parties.items()):
        roles = {
            "label holder": ("标签方", party.seat == "label"),
            "aggregator": ("聚合方", party.seat == "aggregator"),
            "key that opens updates": ("可打开更新的密钥", party.opens),
        }
        if party.jurisdiction in home:
            continue
        for role, (role_zh, has) in roles.items():
            if has:
                yield fails(
                    f"The {role} is in {party.jurisdiction} ({name}); with credit information of China it "
                    "must be in China.",
                    f"{role_zh}位于 {party.jurisdiction}（{name}）；涉及境内信用信息时须在中国境内。",
                    party=name,
                )


def _kept(case: Case, home: Sequence[str], whose: Sequence[str]) -> Iterator[Answer]:
    for name in whose:
        data = case.data[name]
        for what, zh, places in (
            ("stored", "存储", data.store),
            ("processed", "处理", data.process),
            ("its keys are kept", "密钥存放", data.keys),
        ):
            outside = [place for place in places if place not in home]
            if outside:
                yield fails(
                    f"Credit information of {name}: {what} in {listed(outside)}.",
                    f"{name} 的信用信息在 {listed(outside, 'zh')} {zh}。",
                    party=name,
                )


def _abroad(case: Case, home: Sequence[str], whose: Sequence[str]) -> Iterator[Answer]:
    """Who gets something of it abroad: for what purpose, and whether it could read about a person."""
    for border, of in exports(case, home, "credit").items():
        for name in (each for each in of if each in whose):
            if not case.enterprise_purpose:
                yield fails(
                    f"{border}: users abroad may have credit information of {name} only for trade, "
                    "investment and the like with enterprises.",
                    f"{border}：境外使用者只能为贸易、投融资等目的使用 {name} 的企业信用信息。",
                    border=border,
                    party=name,
                )
            kinds = {SubjectKind.NATURAL_PERSON, SubjectKind.MINOR} & {*case.data[name].kinds}
            opened = any(
                flow.opened and name in flow.of
                for flow in case.flows
                if case.parties[flow.receiver].jurisdiction == border.destination
            )
            if kinds and opened:
                yield fails(
                    f"{border}: credit information about persons of {name} could be read abroad.",
                    f"{border}：{name} 的个人信用信息可在境外被读取。",
                    border=border,
                    party=name,
                )


@check("separate-consent", reads=("regime",))
def separate_consent(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Consent as the ground for giving personal information abroad is separate, and a register shows it.

    regime: under which law the ground must be named.
    """
    regime = Regime(parameters["regime"]).value
    found = []
    for border, whose in exports(case, parameters["places"], "persons").items():
        for owner in whose:
            about: dict[str, Any] = {"border": border, "party": owner}
            bases = [basis for basis in case.bases if (basis.owner, basis.regime) == (owner, regime)]
            consents = [basis for basis in bases if basis.consent]
            if not bases:
                found.append(
                    unknown(
                        f"The grant of {owner} names no ground under {regime}.",
                        f"{owner} 的授权书未载明 {regime} 下的合法性基础。",
                        **about,
                    )
                )
            elif any(not basis.separate_consent for basis in consents):
                found.append(
                    fails(
                        f"{owner} relies on consent that is not separate for giving it abroad.",
                        f"{owner} 以同意为基础，但未就出境取得单独同意。",
                        **about,
                    )
                )
            elif any(basis.document is None for basis in consents):
                found.append(
                    to_attest(
                        f"{owner} says that there is separate consent; no register shows it.",
                        f"{owner} 称已取得单独同意，但没有登记册证明。",
                        **about,
                    )
                )
            elif consents:
                found.append(
                    passes(f"Separate consent is recorded at {owner}.", f"{owner} 已记录单独同意。", **about)
                )
    return found or [
        no_question("Consent is not the ground of anything that goes abroad.", "出境不以同意为基础。")
    ]


@check("field-scene", reads=STATED)
def field_scene(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Financial data that goes abroad holds no column beyond its declared scene, and somebody signed for it.

    The lists of fields are the guide's: a person compares and signs (parameters of `attested`, each border).
    """
    ways = exports(case, parameters["places"], "financial")
    beyond = {
        owner: case.data[owner].beyond_scene
        for owner in sorted({owner for whose in ways.values() for owner in whose})
        if case.data[owner].beyond_scene
    }
    return [
        fails(
            f"Columns of {owner} are not in the list of its scene: {listed(columns)}.",
            f"{owner} 的字段不在所申报场景的清单内：{listed(columns, 'zh')}。",
            party=owner,
        )
        for owner, columns in beyond.items()
    ] or attested(case, {**parameters, "each": "border", "when": "financial"})
