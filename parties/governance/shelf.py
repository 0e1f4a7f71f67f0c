"""Where a party keeps manifests, grants and revocations. All of it is its own: nothing in here comes by wire.

governance/DATASET.manifest.toml      edited by the owner
governance/grants/ID.dsse.json        signed by this party's identity
governance/revocations/ID.dsse.json   likewise; the file's being there is enough to stop a run
governance/reasons/ID.txt             why it was revoked, for this party's own people: in no evidence pack

A grant is never changed: it is revoked, and another one is made.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from crypto.codes import Code
from crypto.errors import IsthmusError
from federation import files
from federation.errors import GrantRefused, UsageError
from federation.governance import manifest as manifests
from federation.governance import signing
from federation.governance.grant import Grant, Revocation
from federation.governance.manifest import Manifest
from federation.ledger.entries import parsed
from parties.home import PartyHome

_ENDING = ".dsse.json"
_DATASET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")
_Signed = TypeVar("_Signed", Grant, Revocation)


@dataclass(frozen=True, slots=True)
class Kept:
    """A signed file and what it says. `sha256` is of the file."""

    grant: Grant
    sha256: str
    revocation: Revocation | None
    reason: str = ""


class Shelf:
    """The folder governance/ of one party. Opening it reads nothing."""

    def __init__(self, home: PartyHome) -> None:
        self._home = home
        self.folder = home.folder / "governance"

    # -- manifests ---------------------------------------------------------------------------------

    def manifest_file(self, dataset: str) -> Path:
        """Where the manifest of `dataset` lies; `UsageError` for a name that is no file's."""
        if not _DATASET.fullmatch(dataset):
            raise UsageError(
                f"the dataset's name {dataset!r} can be no file's",
                party=self._home.name(),
                field=f"datasets.{dataset}",
                advice="Rename the dataset in party.toml: letters, digits, dots, hyphens, underscores.",
            )
        return self.folder / f"{dataset}.manifest.toml"

    def manifest(self, dataset: str) -> Manifest:
        """Today's manifest of `dataset`. `GrantRefused` where there is none or it is another's."""
        file, party = self.manifest_file(dataset), self._home.name()
        if not file.exists():
            raise GrantRefused(
                "G-MANIFEST",
                "this dataset has no manifest",
                party=party,
                file=str(file),
                field=f"datasets.{dataset}",
                advice=f"Draft one with `isthmus data inspect --dataset {dataset}`, and read it.",
            )
        found = manifests.load(file)
        if found.party.id != party or found.dataset.id != dataset:
            raise GrantRefused(
                "G-MANIFEST",
                f"this is the manifest of the dataset {found.dataset.id} of {found.party.id}",
                party=party,
                file=str(file),
                field=f"datasets.{dataset}",
                advice="Correct party.id and dataset.id in it, if it is meant for this dataset.",
            )
        return found

    # -- grants ------------------------------------------------------------------------------------

    def grants(self) -> tuple[Kept, ...]:
        """Every grant, by id. `GrantRefused` naming the file where one is not what this party signed."""
        return tuple(self._kept(path) for path in sorted(self._files("grants")))

    def grant(self, grant_id: str) -> Kept:
        """One grant; `UsageError` when there is none of this name."""
        path = self._path("grants", grant_id)
        if not path.exists():
            known = ", ".join(file.name.removesuffix(_ENDING) for file in sorted(self._files("grants")))
            raise UsageError(
                f"there is no grant {grant_id}",
                party=self._home.name(),
                file=str(path.parent),
                advice=f"Name one of these: {known}." if known else "Make one with `isthmus grant new`.",
                code=Code.NO_GRANT,
            )
        return self._kept(path)

    def put(self, grant: Grant) -> Kept:
        """Sign a grant and keep it, once the ledger says so. `UsageError` where there is one of its id."""
        path = self.unused(grant)
        envelope = signing.sealed_grant(grant, self._home.identity())
        ledger = self._home.ledger()
        told = {"dataset": grant.dataset, "sha256": grant.manifest_sha256}
        if told not in [_manifest_told(line) for line in ledger.entries()]:
            ledger.append("manifest", **told)
        ledger.append("grant", grant=grant.id, sha256=signing.digest(envelope))
        ledger.sync()
        files.write(path, envelope)
        return Kept(grant, signing.digest(envelope), None)

    def unused(self, grant: Grant) -> Path:
        """The file that a grant would be kept in; what `put` refuses."""
        path = self._path("grants", grant.id)
        if path.exists() or self._path("revocations", grant.id).exists():
            raise UsageError(
                f"there is a grant {grant.id} already",
                party=self._home.name(),
                file=str(path),
                advice="Give another --id; revoke the old one if the new one is to replace it.",
                code=Code.GRANT_EXISTS,
            )
        return path

    def revoke(self, grant_id: str, reason: str, now: dt.datetime) -> Kept:
        """Take a grant back. A run that needs it stops before its next message. Twice is a `UsageError`."""
        kept, path = self.in_force(grant_id), self._path("revocations", grant_id)
        revocation = Revocation(
            revocation="isthmus.revocation/v1",
            grant_id=grant_id,
            at=now.replace(microsecond=0),
        )
        envelope = signing.sealed_revocation(revocation, self._home.identity())
        files.write(path, envelope)  # Before the ledger: it takes effect now.
        if reason:
            files.write_private(self._reason_file(grant_id), reason.encode())
        ledger = self._home.ledger()
        ledger.append("revocation", grant=grant_id, sha256=signing.digest(envelope))
        ledger.sync()
        return Kept(kept.grant, signing.digest(envelope), revocation, reason)

    def in_force(self, grant_id: str) -> Kept:
        """A grant that was not taken back; what `revoke` refuses."""
        kept = self.grant(grant_id)
        path = self._path("revocations", grant_id)
        if kept.revocation is not None:
            raise UsageError(
                f"grant {grant_id} is revoked already",
                party=self._home.name(),
                file=str(path),
                advice="There is nothing to do: nothing leaves under it.",
                code=Code.GRANT_REVOKED_ALREADY,
            )
        return kept

    def grant_file(self, grant_id: str) -> Path:
        """The signed grant."""
        return self._path("grants", grant_id)

    def revocation_file(self, grant_id: str) -> Path:
        """The signed revocation, where there is one."""
        return self._path("revocations", grant_id)

    def _kept(self, path: Path) -> Kept:
        owner = self._home.identity().public
        name = path.name.removesuffix(_ENDING)
        with _about(path, self._home.name()):
            envelope = files.read(path)
            grant = _named(signing.opened_grant(envelope, owner), name)
        taken_back = self._path("revocations", name)
        revocation = None
        if taken_back.exists():
            with _about(taken_back, self._home.name()):
                found = signing.opened_revocation(files.read(taken_back), owner)
                revocation = _named(found, name)
        return Kept(grant, signing.digest(envelope), revocation, self._reason(name))

    def _reason(self, grant_id: str) -> str:
        """Why the grant was revoked, as its owner said it; nothing where that was not said."""
        file = self._reason_file(grant_id)
        return files.read(file).decode("utf-8", "replace") if file.exists() else ""

    def _reason_file(self, grant_id: str) -> Path:
        return self.folder / "reasons" / f"{grant_id}.txt"

    def _files(self, kind: str) -> Iterator[Path]:
        return (self.folder / kind).glob(f"[!.]*{_ENDING}")

    def _path(self, kind: str, grant_id: str) -> Path:
        if not _ID.fullmatch(grant_id):
            raise UsageError(
                f"{grant_id!r} can be no grant's name",
                party=self._home.name(),
                advice="Lower-case letters, digits and hyphens, 3 to 63 of them; see `isthmus grant list`.",
            )
        return self.folder / kind / f"{grant_id}{_ENDING}"


def _manifest_told(line: bytes) -> dict[str, str]:
    """Dataset and digest of a ledger's entry that a manifest came into force; nothing of another one."""
    fields = parsed(line)
    return {name: fields[name] for name in ("dataset", "sha256")} if fields["kind"] == "manifest" else {}


def _named(signed: _Signed, name: str) -> _Signed:
    """What was read from the file of this name; a grant under another name would count twice."""
    found = signed.id if isinstance(signed, Grant) else signed.grant_id
    if found != name:
        raise GrantRefused(
            "G-GRANT", f"the file is named {name}, and is about {found}", advice="Give it its own name again."
        )
    return signed


@contextlib.contextmanager
def _about(path: Path, party: str) -> Iterator[None]:
    """What is refused of a signed file is told with the file, as a refusal of the grants."""
    try:
        yield
    except IsthmusError as error:
        again = "make another with `isthmus grant new`"
        if path.parent.name == "revocations":
            again = "move the grant of that name away too: it was to be revoked"
        raise GrantRefused(
            "G-GRANT",
            error.what.removeprefix("G-GRANT: "),
            party=party,
            file=str(path),
            advice=f"Keep the file as evidence, out of that folder; restore it from a backup, or {again}.",
        ) from None
