"""pins.json: fingerprints of other parties that somebody at this party has compared with them."""

from __future__ import annotations

from pathlib import Path

from crypto.codes import Code
from crypto.identity import normal_fingerprint
from federation import files
from federation.errors import IdentityRefused
from federation.ids import PartyId


def pins(file: Path) -> dict[str, str]:
    """Party -> fingerprint; none where there is no file. `UsageError` for a damaged one."""
    if not file.exists():
        return {}
    advice = (
        f"Restore {file} from a backup; or delete it and compare fingerprints anew, with "
        "`isthmus party trust PARTNER FINGERPRINT` for each partner."
    )
    found = files.read_json(file, advice)
    with files.intact(file, advice):
        return {str(name): str(value) for name, value in found.items()}


def pin(file: Path, party: PartyId, fingerprint: str) -> None:
    """Add a fingerprint. `IdentityRefused` where another one of `party` is pinned: remove it first."""
    known = pins(file)
    files.write_json(file, {**known, party: check(file, party, fingerprint)})


def check(file: Path, party: PartyId, fingerprint: str) -> str:
    """What `pin` refuses; the fingerprint in its normal form."""
    normal, known = normal_fingerprint(fingerprint), pins(file)
    if known.get(party, normal) != normal:
        raise IdentityRefused(
            f"{party} is pinned to another fingerprint",
            party=party,
            file=str(file),
            advice=f"Ask {party} why its identity changed; only then delete its line there.",
            code=Code.FINGERPRINT_DIFFERS,
        )
    return normal
