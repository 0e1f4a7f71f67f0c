"""Fills the registry: whoever imports this module has every check."""

from __future__ import annotations

from federation.compliance.checks import CHECKS, attested, evidence

__all__ = ["CHECKS", "attested", "evidence"]
