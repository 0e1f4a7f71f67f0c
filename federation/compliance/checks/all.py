"""Fills the registry: whoever imports this module has every check."""

from __future__ import annotations

from federation.compliance.checks import (
    CHECKS,
    READS,
    attested,
    cn,
    cn_credit,
    eu,
    evidence,
    gba,
    keys,
    leakage,
    minimise,
    rights,
    transfers,
    us,
)

__all__ = [
    "CHECKS",
    "READS",
    "attested",
    "cn",
    "cn_credit",
    "eu",
    "evidence",
    "gba",
    "keys",
    "leakage",
    "minimise",
    "rights",
    "transfers",
    "us",
]
