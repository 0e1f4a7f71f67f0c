"""The protections by the names that a plan gives them."""

from __future__ import annotations

from crypto.summation.ckks import WeighedSum
from crypto.summation.he import EncryptedSum
from crypto.summation.pad import PaddedSum
from crypto.summation.protection import Protection


def protection(name: str, *, seeded: bool = False) -> Protection:
    """The protection of that name: "he", "mask" or "ckks"; with "he", `seeded` halves what a member sends."""
    if seeded and name != "he":
        raise ValueError(f"{name} has no seeded form")
    if name == "he":
        return EncryptedSum(seeded=seeded)
    if name == "mask":
        return PaddedSum()
    if name == "ckks":
        return WeighedSum()
    raise ValueError("a protection is he, mask or ckks")
