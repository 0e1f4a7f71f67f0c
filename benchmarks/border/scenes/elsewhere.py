"""Borders without China, and one country with sole traders."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.border.firms import horizontal
from benchmarks.border.papers import Holder, Setting, Way
from benchmarks.border.scenes.common import (
    BANK,
    PERSONS,
    PLATFORM,
    REGISTRY,
    TRADERS,
    aggregator,
    logistic,
)
from federation.compliance.verdicts import Told
from federation.governance.terms import Mechanism

_ADEQUATE = Way(Mechanism.EU_ADEQUACY)

S4 = Setting(
    "S4",
    Told("Germany with the United Kingdom", "德国与英国"),
    Told(
        "A bank in Germany and a registry in the United Kingdom: adequacy both ways, and the test of data "
        "protection that the United Kingdom asks for since 5 February 2026.",
        "德国的银行与英国的登记机构：双向充分性认定，以及英国自 2026 年 2 月 5 日起要求的数据保护测试。",
    ),
    logistic("bank", "registry"),
    {
        "bank": Holder("DE", BANK, persons={"DE": (9_000, 0)}, kinds=PERSONS),
        "registry": Holder("GB", REGISTRY, persons={"GB": (4_000, 0)}, kinds=PERSONS),
    },
    aggregator("DE"),
    ways={("DE", "GB"): _ADEQUATE, ("GB", "DE"): Way(Mechanism.UK_ADEQUACY)},
)
S5 = Setting(
    "S5",
    Told("Germany with a certified platform in the United States", "德国与美国已认证平台"),
    Told(
        "A bank in Germany and a platform in the United States that is certified under the Data Privacy "
        "Framework.",
        "德国的银行与已加入《数据隐私框架》的美国平台。",
    ),
    logistic("bank", "platform"),
    {
        "bank": Holder("DE", BANK, persons={"DE": (9_000, 0)}, kinds=PERSONS),
        "platform": Holder("US", PLATFORM, dpf="yes"),
    },
    aggregator("DE"),
    ways={("DE", "US"): Way(Mechanism.EU_DPF), ("US", "DE"): Way(Mechanism.NONE_NEEDED)},
)
S5B = replace(
    S5,
    id="S5b",
    title=Told("Germany with a platform that is not certified", "德国与美国未认证平台"),
    about=Told(
        "As S5, but the platform is not certified: clauses and an assessment are needed, and the grant has "
        "neither.",
        "与 S5 相同，但平台未获认证：需要标准合同条款与评估，而授权书两者皆无。",
    ),
    holders={**S5.holders, "platform": replace(S5.holders["platform"], dpf="no")},
    expected=("EU-TRANSFER",),
)
S6 = Setting(
    "S6",
    Told("Singapore with Malaysia", "新加坡与马来西亚"),
    Told(
        "A bank in Malaysia, whose assessment of Singapore is less than three years old, and a registry in "
        "Singapore, whose contract names Malaysia.",
        "马来西亚的银行（对新加坡的评估未满三年）与新加坡的登记机构（合同载明马来西亚）。",
    ),
    logistic("bank", "registry"),
    {
        "bank": Holder("MY", BANK, persons={"MY": (7_000, 0)}, kinds=PERSONS),
        "registry": Holder("SG", REGISTRY, persons={"SG": (3_000, 0)}, kinds=PERSONS),
    },
    aggregator("MY"),
    ways={
        ("MY", "SG"): Way(Mechanism.MY_ADEQUATE),
        ("SG", "MY"): Way(Mechanism.SG_CONTRACT, names=("MY",)),
    },
)
S7 = Setting(
    "S7",
    Told("Brazil with Germany", "巴西与德国"),
    Told(
        "A bank in Brazil and a platform in Germany, under the adequacy that each found of the other.",
        "巴西的银行与德国的平台，依据双方于 2026 年互认的充分性认定。",
    ),
    logistic("bank", "platform"),
    {
        "bank": Holder("BR", BANK, persons={"BR": (15_000, 0)}, kinds=PERSONS),
        "platform": Holder("DE", PLATFORM, persons={"DE": (2_000, 0)}, kinds=TRADERS),
    },
    aggregator("BR"),
    ways={("BR", "DE"): Way(Mechanism.BR_ADEQUACY), ("DE", "BR"): _ADEQUATE},
)
S8 = Setting(
    "S8",
    Told("Bulk data of persons in the United States, with Hong Kong", "美国人大批量数据与香港"),
    Told(
        "A lender in the United States with financial data of 12,000 persons, and a party in Hong Kong: "
        "stopped, encrypted or not (28 CFR 202.206).",
        "美国贷款机构持有 12,000 名美国人的财务数据，合作方在香港：无论是否加密一律禁止（28 CFR 202.206）。",
    ),
    logistic("lender", "platform"),
    {
        "lender": Holder("US", BANK, persons={"US": (12_000, 0)}, kinds=PERSONS),
        "platform": Holder("HK", PLATFORM),
    },
    aggregator("US"),
    ways={("US", "HK"): Way(Mechanism.NONE_NEEDED), ("HK", "US"): Way(Mechanism.HK_RMC)},
    expected=("US-DSP",),
)
S10 = Setting(
    "S10",
    Told("Sole traders, and decisions drawn from scores", "个体工商户与依据评分的决定"),
    Told(
        "Three banks in Germany train one model on firms among which are sole traders, and lend by its "
        "scores. Nobody signed yet that a person can step in.",
        "德国三家银行对包含个体经营者的企业联合建模，并据评分放贷；人工干预途径尚无人签署。",
    ),
    lambda seed: horizontal(seed, 3),
    {f"bank-{place}": Holder("DE", BANK, persons={"DE": (900, 0)}, kinds=TRADERS) for place in range(3)},
    aggregator("DE"),
    unsigned=("EU-ART22",),
)
S12 = replace(
    S4,
    id="S12",
    title=Told("A grant is taken back in the middle of a run", "运行中撤回授权"),
    about=Told(
        "As S4; in the middle of training the registry revokes its grant. It stops within a round, and the "
        "evidence shows when and why.",
        "与 S4 相同；训练中途登记机构撤回授权。运行在一轮之内停止，证据载明时间与原因。",
    ),
    firms=logistic("bank", "registry", iterations=8),
)
S12B = replace(
    S12,
    id="S12b",
    title=Told("A grant ends in the middle of a run", "授权在运行中到期"),
    about=Told(
        "As S12, but the grant's last day passes while the run goes on.",
        "与 S12 相同，但授权在运行期间到期。",
    ),
)
