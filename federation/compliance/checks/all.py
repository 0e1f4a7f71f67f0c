"""Fills the registry: whoever imports this module has every check."""

from __future__ import annotations

from federation.compliance.checks import (
    CHECKS,
    attested,
    cn,
    cn_credit,
    evidence,
    gba,
    keys,
    leakage,
    minimise,
    rights,
)

__all__ = [
    "CHECKS",
    "attested",
    "cn",
    "cn_credit",
    "evidence",
    "gba",
    "keys",
    "leakage",
    "minimise",
    "rights",
]
