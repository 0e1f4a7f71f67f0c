"""The words that manifests, grants, messages and the ledger share. Every list is closed.

Grades stand side by side, as the regulations have them: GB/T 43697-2024 (all sectors), JR/T 0197-2020
(finance, 1 to 5), NFRA 2024 No. 24 (banks and insurers) and MIIT (industry). The strictest decides.
"""

from __future__ import annotations

import enum


class Use(enum.Enum):
    """What a field is for. `NEVER`: it is in the table, and no part of it leaves in any form."""

    KEY = "key"
    FEATURE = "feature"
    LABEL = "label"
    WEIGHT = "weight"
    STRATUM = "stratum"
    NEVER = "never"


class Form(enum.Enum):
    """In what form something of a field may leave its party. `CONTROL` carries nothing of any field."""

    CONTROL = "control"
    PSI_TOKEN = "psi-token"  # noqa: S105 - a form, not a secret
    ENCRYPTED_UPDATE = "encrypted-update"
    MASKED_UPDATE = "masked-update"
    DP_UPDATE = "dp-update"
    AGGREGATE = "aggregate"
    PREDICATE = "predicate"


class Operation(enum.Enum):
    """What a grant may allow."""

    PSI = "psi"
    TRAIN_VERTICAL = "train-vertical"
    TRAIN_HORIZONTAL = "train-horizontal"
    EVALUATE = "evaluate"
    SCORE = "score"
    EXPORT = "export"
    VALUE = "value"
    CONFIRM = "confirm"
    AUDIT = "audit"


class Personal(enum.Enum):
    """Whether a field is about natural persons (PIPL articles 4, 28; GDPR articles 4, 9)."""

    NONE = "none"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


class National(enum.Enum):
    """GB/T 43697-2024; MIIT uses the same three."""

    GENERAL = "general"
    IMPORTANT = "important"
    CORE = "core"


class Nfra(enum.Enum):
    """NFRA Order 2024 No. 24: general data is split once more."""

    OTHER_GENERAL = "other-general"
    SENSITIVE_GENERAL = "sensitive-general"
    IMPORTANT = "important"
    CORE = "core"


class SubjectKind(enum.Enum):
    """Whom the rows are about. One sole trader or person turns the personal-data rules on."""

    LEGAL_PERSON = "legal-person"
    SOLE_TRADER = "sole-trader"
    NATURAL_PERSON = "natural-person"
    MINOR = "minor"


class PartyKind(enum.Enum):
    """What sort of institution a party is."""

    BANK = "bank"
    PLATFORM = "platform"
    REGISTRY = "registry"
    SUPPLIER = "supplier"
    AGGREGATOR = "aggregator"
    AUDITOR = "auditor"
    REGULATOR = "regulator"


class RightBasis(enum.Enum):
    """On what one of the three rights of the Twenty Data Measures (2022) rests."""

    OWN_COLLECTION = "own-collection"
    CONTRACT = "contract"
    STATUTE = "statute"
    PUBLIC_AUTHORISATION = "public-authorisation"
    CONSENT = "consent"
    REGISTRATION = "registration"


class Regime(enum.Enum):
    """The law that a legal basis is given under."""

    PIPL = "PIPL"
    GDPR = "GDPR"
    UK_GDPR = "UK-GDPR"
    PDPA_SG = "PDPA-SG"
    PDPO_HK = "PDPO-HK"
    PDPA_MY = "PDPA-MY"
    LGPD = "LGPD"
    US_DSP = "US-DSP"
    NOT_PERSONAL = "not-personal"


class Mechanism(enum.Enum):
    """How a transfer across one border is made lawful."""

    NONE_NEEDED = "none-needed"
    CN_ASSESSMENT = "cn-security-assessment"
    CN_CONTRACT = "cn-standard-contract"
    CN_CERTIFICATION = "cn-certification"
    CN_UNDER_100K = "cn-exempt-under-100k"
    CN_OTHER = "cn-exempt-other"
    GBA_CONTRACT = "gba-standard-contract"
    FTZ_LIST = "ftz-negative-list"
    EU_ADEQUACY = "eu-adequacy"
    EU_SCC = "eu-scc"
    EU_BCR = "eu-bcr"
    EU_DPF = "eu-dpf"
    UK_ADEQUACY = "uk-adequacy"
    UK_IDTA = "uk-idta"
    UK_ADDENDUM = "uk-addendum"
    SG_CONTRACT = "sg-contract"
    SG_BCR = "sg-bcr"
    SG_CBPR = "sg-cbpr"
    HK_RMC = "hk-rmc"
    MY_SIMILAR_LAW = "my-s129-similar-law"
    MY_ADEQUATE = "my-s129-adequate"
    MY_CONSENT = "my-s129-consent"
    BR_ADEQUACY = "br-adequacy"
    BR_SCC = "br-scc"
