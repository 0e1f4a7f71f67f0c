"""Where the papers of somebody's own plan are: manifests, grants and what persons signed.

Beside the plan of a demo lie the parties' folders; elsewhere they are named. A grant of a party whose folder
is here was signed by it; of one that came by itself nobody here has the key, and that is told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crypto import dsse
from crypto.identity import PublicIdentity
from federation import files
from federation.compliance.attestation import Trust, statements
from federation.compliance.facts import Statement
from federation.errors import IsthmusError, UsageError
from federation.governance import manifest as manifests
from federation.governance.grant import GRANT_TYPE, Grant
from federation.governance.manifest import Manifest
from federation.ids import PartyId
from federation.plan import Plan
from parties.governance.shelf import Shelf
from parties.home import PartyHome

_MANIFEST, _GRANT, _ATTESTATION = "*.manifest.toml", "*.dsse.json", "*.attestation.json"


@dataclass(frozen=True, slots=True)
class Places:
    """Where somebody says that papers are; nothing said: beside the plan."""

    homes: tuple[Path, ...] = ()
    manifests: Path | None = None
    grants: tuple[Path, ...] = ()
    attestations: Path | None = None


@dataclass
class Papers:
    """What was found for a plan. `notes`: sentences on what was left out, and what could not be checked."""

    manifests: dict[PartyId, Manifest] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    statements: tuple[Statement, ...] = ()
    keys: dict[str, PublicIdentity] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def papers(plan: Plan, plan_file: Path, places: Places, now: dt.datetime) -> Papers:
    """What there is for the plan. Raises an error that names the file for a paper that is none.

    A party without a manifest is a note: its facts are unknown then.
    """
    found = Papers()
    for home in places.homes or tuple(_beside(plan_file)):
        _of_home(plan, PartyHome.open(home), found)
    if places.manifests is not None:
        for path in _listed(places.manifests, _MANIFEST, "--manifests"):
            _take(plan, manifests.load(path), found)
    for path in places.grants:
        for file in _listed(path, _GRANT, "--grants"):
            found.grants.append(_unchecked(file, found))
    found.grants = [grant for grant in found.grants if _in_force(plan, grant, now, found)]
    if places.attestations is not None:
        envelopes = [
            files.read(file) for file in _listed(places.attestations, _ATTESTATION, "--attestations")
        ]
        found.statements = statements(envelopes, Trust(found.keys), {plan.digest.hex()})
        beside = len(envelopes) - len(found.statements)
        if beside:
            found.notes.append(f"{beside} of {len(envelopes)} attestations are about another plan")
        unsound = sorted({f"{each.control} of {each.party}" for each in found.statements if not each.sound})
        if unsound:
            found.notes.append(f"no key that is known here signed {', '.join(unsound)}")
    for name in plan.parties:
        if PartyId(name) not in found.manifests:
            found.notes.append(
                f"{name} has no manifest here, so what it brings is unknown: give its folder with --home, or "
                "its manifest with --manifests"
            )
    return found


def _beside(plan_file: Path) -> Iterator[Path]:
    """The parties' folders beside a plan, as a demo lays them out."""
    for folder in sorted((plan_file.parent / "parties").glob("*/")):
        if (folder / "governance").is_dir() and PartyHome(folder).of_party:
            yield folder


def _of_home(plan: Plan, home: PartyHome, found: Papers) -> None:
    name, shelf = home.name(), Shelf(home)
    if name not in plan.parties:
        found.notes.append(f"{name} is no party of this plan; its folder was left out")
        return
    found.keys[name] = home.identity().public
    dataset = plan.parties[name].dataset
    if shelf.manifest_file(dataset).exists():
        _take(plan, shelf.manifest(dataset), found)
    for kept in shelf.grants():
        if kept.revocation is not None:
            found.notes.append(f"grant {kept.grant.id} of {name} is revoked, and was left out")
        elif kept.grant.dataset == dataset:
            found.grants.append(kept.grant)


def _take(plan: Plan, manifest: Manifest, found: Papers) -> None:
    name = PartyId(manifest.party.id)
    if name not in plan.parties or manifest.dataset.id != plan.parties[name].dataset:
        found.notes.append(f"the manifest of {manifest.dataset.id} of {name} is not for this plan")
        return
    found.manifests[name] = manifest


def _listed(path: Path, pattern: str, option: str) -> list[Path]:
    """The file itself, or those of a folder; `UsageError` naming the option where there is none."""
    if path.is_file():
        return [path]
    found = sorted(path.glob(pattern))
    if not found:
        raise UsageError(
            f"there is no {pattern} here",
            file=str(path),
            field=option,
            advice="Name the folder that has them, or leave the option out.",
        )
    return found


def _unchecked(file: Path, found: Papers) -> Grant:
    """A grant that came by itself: its signature is checked where its owner's folder is here too."""
    envelope = files.read(file)
    try:
        grant = Grant.model_validate_json(dsse.unverified(envelope, GRANT_TYPE))
        if grant.owner in found.keys:
            dsse.unseal(envelope, GRANT_TYPE, found.keys[grant.owner])
    except (IsthmusError, ValueError) as error:
        what = error.what if isinstance(error, IsthmusError) else "it is no grant of this version"
        raise UsageError(
            what, file=str(file), field="--grants", advice="Ask its owner for the file again."
        ) from None
    if grant.owner not in found.keys:
        found.notes.append(
            f"nobody's key for grant {grant.id} of {grant.owner} is here: its signature is unchecked"
        )
    return grant


def _in_force(plan: Plan, grant: Grant, now: dt.datetime, found: Papers) -> bool:
    """Whether a grant is for this plan and in force; what is left out is told."""
    why = None
    if grant.owner not in plan.parties or grant.purpose != plan.purpose:
        why = f"is for {grant.purpose}" if grant.owner in plan.parties else "is of nobody in this plan"
    elif not grant.valid_from <= now <= grant.valid_until:
        why = f"is in force from {grant.valid_from:%Y-%m-%d} to {grant.valid_until:%Y-%m-%d}"
    if why:
        found.notes.append(f"grant {grant.id} of {grant.owner} {why}, and was left out")
    return why is None


def known(found: Papers) -> Mapping[str, Sequence[str]]:
    """What was found, by name, for people."""
    return {
        "manifests": sorted(found.manifests),
        "grants": [f"{grant.owner}/{grant.id}" for grant in found.grants],
        "attestations": [f"{each.party}/{each.control}" for each in found.statements],
    }
