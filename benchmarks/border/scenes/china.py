"""China with itself and with others."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.border.papers import FILED, Holder, Setting, Way
from benchmarks.border.scenes.common import (
    BANK,
    NATIONAL,
    PLATFORM,
    REGISTRY,
    SUPPLIER,
    TRADERS,
    aggregator,
    logistic,
    trees,
)
from federation.compliance.facts import Cumulated, Party
from federation.compliance.verdicts import Told
from federation.governance.terms import Mechanism, PartyKind

_CN_CONTRACT = Way(Mechanism.CN_CONTRACT, filed=FILED)
_GBA = Way(Mechanism.GBA_CONTRACT, filed=FILED)
_SCC = Way(Mechanism.EU_SCC)

S1 = Setting(
    "S1",
    Told("One country: China", "同一法域：中国"),
    Told(
        "A bank and a platform in China. No border: grades, rights and the duties of banks are asked.",
        "中国境内的一家银行与一家平台，不涉及跨境：只考察分级、数据权利与银行监管义务。",
    ),
    logistic("bank", "platform"),
    {
        "bank": Holder("CN", BANK, "CN-SH", persons={"CN": (20_000, 0)}, kinds=TRADERS),
        "platform": Holder("CN", PLATFORM, "CN-ZJ"),
    },
    aggregator("CN", "CN-SH"),
    expected=(NATIONAL,),
)
S2 = Setting(
    "S2",
    Told("China with Singapore and Germany, inward only", "中国与新加坡、德国，信息仅向内流动"),
    Told(
        "A bank and a platform in China, a registry in Singapore, a supplier platform in Germany. Labels, "
        "aggregator and every key are in China; what comes from abroad comes in encrypted.",
        "中国的银行与平台、新加坡的登记机构、德国的供应商平台。标签、聚合方与全部密钥均在中国；境外信息以加密形式流入。",
    ),
    logistic("bank", "platform", "registry", "supplier"),
    {
        "bank": Holder("CN", BANK, "CN-SH", persons={"CN": (120_000, 0)}, kinds=TRADERS),
        "platform": Holder("CN", PLATFORM, "CN-ZJ"),
        "registry": Holder("SG", REGISTRY),
        "supplier": Holder("DE", SUPPLIER),
    },
    aggregator("CN", "CN-SH"),
    ways={
        ("CN", "SG"): _CN_CONTRACT,
        ("CN", "DE"): _CN_CONTRACT,
        ("SG", "CN"): Way(Mechanism.SG_CONTRACT, names=("CN", "DE")),
        ("SG", "DE"): Way(Mechanism.SG_CONTRACT, names=("CN", "DE")),
        ("DE", "CN"): _SCC,
        ("DE", "SG"): _SCC,
    },
    abroad={"CN": Cumulated(personal=120_000, sensitive=0)},
    expected=(NATIONAL,),
)
S2B = replace(
    S2,
    id="S2b",
    title=Told("The same with the aggregator in Singapore", "同上，聚合方设在新加坡"),
    about=Told(
        "As S2, but the aggregator is in Singapore, and the owners took encrypted updates as nothing "
        "provided: no mechanism stands in their grants.",
        "与 S2 相同，但聚合方设在新加坡；数据所有者认为加密更新不构成提供，授权书中没有出境机制。",
    ),
    aggregator=aggregator("SG"),
    ways={**S2.ways, ("CN", "SG"): Way(Mechanism.NONE_NEEDED)},
    expected=("CN-CREDIT", "CN-MECH", NATIONAL),
)
S3 = Setting(
    "S3",
    Told("Shenzhen with Hong Kong, Greater Bay Area contract", "深圳与香港，粤港澳大湾区标准合同"),
    Told(
        "A bank in Shenzhen and one in Hong Kong under the Greater Bay Area's standard contract, both ways; "
        "the label party alone has a key.",
        "深圳与香港的两家银行依据大湾区标准合同双向流动；仅标签方持有密钥。",
    ),
    trees("bank", "partner"),
    {
        "bank": Holder("CN", BANK, "CN-SZ", persons={"CN": (30_000, 0)}, kinds=TRADERS),
        "partner": Holder("HK", BANK, persons={"HK": (8_000, 0)}, kinds=TRADERS),
    },
    aggregator("CN", "CN-SZ"),
    ways={("CN", "HK"): _GBA, ("HK", "CN"): _GBA},
    abroad={"CN": Cumulated(personal=30_000, sensitive=0)},
    expected=(NATIONAL,),
)
S3B = replace(
    S3,
    id="S3b",
    title=Told("The same with a German observer", "同上，另有一名德国观察方"),
    about=Told(
        "As S3, and an auditor in Germany is to witness the logs: a way out of the Greater Bay Area.",
        "与 S3 相同，另由德国审计机构见证日志：信息由此流出大湾区。",
    ),
    others={
        "observer": Party(
            seat="witness",
            jurisdiction="DE",
            kind=PartyKind.AUDITOR,
            ciio="no",
            us_covered_person="no",
        )
    },
    expected=("GBA-SC", NATIONAL),
)
S9 = Setting(
    "S9",
    Told("Important data of an industrial platform", "工业平台的重要数据"),
    Told(
        "An industrial platform in China whose data an authority notified as important, and a bank in "
        "Singapore; a standard contract, and no security assessment.",
        "中国工业平台的数据被主管部门告知为重要数据，合作方为新加坡银行；仅有标准合同而无安全评估。",
    ),
    logistic("bank", "platform"),
    {"bank": Holder("SG", BANK), "platform": Holder("CN", PLATFORM, "CN-JS", important=True)},
    aggregator("CN", "CN-JS"),
    ways={("CN", "SG"): _CN_CONTRACT, ("SG", "CN"): Way(Mechanism.SG_CONTRACT, names=("CN",))},
    expected=("CN-IMPORTANT", NATIONAL),
)
S11 = Setting(
    "S11",
    Told("Four runs in one year", "一年四次运行"),
    Told(
        "The last of four runs in a year of a bank and a platform in China with a registry in Singapore: "
        "persons count once over all of them, against the thresholds of 2024.",
        "中国银行与平台同新加坡登记机构一年内第四次运行：自然人跨次合并计一次，对照 2024 年门槛。",
    ),
    logistic("bank", "platform", "registry"),
    {
        "bank": Holder("CN", BANK, "CN-SH", persons={"CN": (99_999, 0)}, kinds=TRADERS),
        "platform": Holder("CN", PLATFORM, "CN-ZJ"),
        "registry": Holder("SG", REGISTRY),
    },
    aggregator("CN", "CN-SH"),
    ways={
        ("CN", "SG"): Way(Mechanism.CN_UNDER_100K),
        ("SG", "CN"): Way(Mechanism.SG_CONTRACT, names=("CN",)),
    },
    abroad={"CN": Cumulated(personal=99_999, sensitive=0)},
    expected=(NATIONAL,),
)
