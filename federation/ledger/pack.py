"""The evidence pack: what one role can show of one run, in one file that needs no key and no data to check.

    pack.dsse.json            what is in the pack (`Statement`), signed by the role: DSSE over canonical JSON
    log.jsonl                 the role's whole ledger, one entry a line (`federation.ledger.entries`)
    checkpoints/SIZE.note     its own checkpoints, with the cosignatures of the others
    witnessed/NAME-SIZE.note  checkpoints of others that this role has co-signed
    witnessed/NAME-SIZE.fork  one that it refused to co-sign: with the last it did, it proves the fork
    guard.jsonl               the run's journal: one line for every message that left, never its content
    plan.json                 the plan, canonical
    members.json              who took part: name -> {"key": identity key in hexadecimal, "place": "CN"}
    policy.cedar              by what rules the guard decided; the same text for every run of one version
    entities.jsonl            on what facts: one line for each attempt, canonical JSON of Cedar's form
    verdicts.jsonl            each distinct request and its decision, one a line
    grants/ID.dsse.json, revocations/ID.dsse.json
    manifest.sha256           the digest of the manifest that the grants are about; of its text nothing
    canaries.json             the opening of the canaries
    cosignatures/NAME.json    added afterwards by a witness of its own, such as a regulator (`cosigning`)

The file is a zip archive whose members are stored, not compressed: a pack is as large as what is in it, and
nothing can swell while it is read. It has one byte form, so whatever else is in the file is found. Opens with
any zip program.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crypto import dsse
from crypto.codes import Code
from crypto.identity import Identity
from crypto.merkle import leaf_hash
from federation import files
from federation.errors import UsageError
from federation.ledger import archive
from federation.ledger.archive import (
    ALWAYS,
    STATEMENT,
    allowed,
    archived,
    damaged,
    document,
    members,
)

VERSION = "isthmus.pack/v1"
PACK_TYPE = "application/vnd.isthmus.pack+json"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a role signs of its pack: whose it is, of which run, and the SHA-256 of each file.

    log: `leaf_marks` of log.jsonl. They tell where it was changed since; that it was, its SHA-256 tells.
    """

    party: str
    federation: str
    run: str
    log: str
    made_at: str
    software: Mapping[str, str]
    files: Mapping[str, str]

    def canonical(self) -> bytes:
        """The signed form."""
        return files.canonical_json(
            {
                "pack": VERSION,
                "party": self.party,
                "federation": self.federation,
                "run": self.run,
                "log": self.log,
                "made_at": self.made_at,
                "software": dict(self.software),
                "files": dict(self.files),
            }
        )

    @staticmethod
    def parse(payload: bytes, file: str) -> Statement:
        """What `canonical` wrote, and only that; `UsageError` naming `file` otherwise."""
        fields = document(payload, file)
        try:
            parsed = Statement(**{name: value for name, value in fields.items() if name != "pack"})
            dt.datetime.strptime(parsed.made_at, "%Y-%m-%dT%H:%M:%S%z")
            texts = (parsed.party, parsed.federation, parsed.run, parsed.log)
            named = (*parsed.software.values(), *parsed.files.values())
            good = all(isinstance(text, str) for text in (*texts, *named)) and parsed.canonical() == payload
        except (TypeError, ValueError, AttributeError):
            good, parsed = False, _NOTHING
        if not good:
            raise damaged(f"{file}: it does not say what a pack's statement says")
        return parsed


_NOTHING = Statement("", "", "", "", "", {}, {})


@dataclass(frozen=True, slots=True)
class Sources:
    """What goes into a pack: the role's identity signs it, at `made_at` (`2026-11-27T09:00:00Z`).

    files: by their names in the pack, without the statement and without cosignatures.
    """

    identity: Identity
    party: str
    federation: str
    run: str
    made_at: str
    software: Mapping[str, str]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack as it was read. Its form was checked; whether what it says is true, `federation.ledger.verify`.

    name: for people, of the file it came from. statement: what the role says, its signature not yet checked.
    """

    name: str
    statement: Statement
    files: Mapping[str, bytes]

    @property
    def party(self) -> str:
        """The role whose pack it says it is."""
        return self.statement.party

    @property
    def run(self) -> str:
        """The run that it is about."""
        return self.statement.run

    def lines(self, name: str) -> list[bytes]:
        """The lines of a file, without their ends; none where the pack has no such file."""
        return split(self.files.get(name, b""))

    def document(self, name: str) -> dict[str, Any]:
        """A file that is one JSON object; `UsageError` naming it where it is missing or none."""
        if name not in self.files:
            raise damaged(f"{name} is missing", self.name)
        return document(self.files[name], name)

    def under(self, folder: str) -> dict[str, bytes]:
        """The files of one folder: name without the folder -> content."""
        start = f"{folder}/"
        return {name.removeprefix(start): data for name, data in self.files.items() if name.startswith(start)}


def build(source: Sources) -> bytes:
    """The pack's file. The same sources give the same bytes. `UsageError` for what a pack does not hold."""
    for name in source.files:
        if name == STATEMENT or name.startswith("cosignatures/") or not allowed(name):
            raise UsageError(
                f"a pack has no file {name!r}",
                advice="Build the pack from a role's folder.",
                code=Code.PACK_MALFORMED,
            )
    statement = Statement(
        source.party,
        source.federation,
        source.run,
        leaf_marks(split(source.files.get("log.jsonl", b""))),
        source.made_at,
        source.software,
        {name: hashlib.sha256(data).hexdigest() for name, data in source.files.items()},
    )
    sealed = dsse.seal(PACK_TYPE, statement.canonical(), source.identity)
    return archived({**source.files, STATEMENT: sealed})


def with_cosignature(pack: Pack, name: str, cosignature: bytes) -> bytes:
    """The file of the same pack and a witness's cosignature; what the role signed stays as it is."""
    return archived({**pack.files, cosignature_file(name): cosignature})


def cosignature_file(name: str) -> str:
    """Where the cosignature of a witness called `name` lies; `UsageError` for what can be no name."""
    file = f"cosignatures/{name}.json"
    if not allowed(file):
        raise UsageError(
            f"{name!r} can be no witness's name", advice="Use lower-case letters, digits and hyphens."
        )
    return file


def read(path: Path) -> Pack:
    """The pack in a file; `UsageError` naming the file for anything that is not laid out as one."""
    return parse(archive.read(path), str(path))


def parse(data: bytes, name: str) -> Pack:
    """The pack in the bytes of a file called `name`; `UsageError` as `read`."""
    found = members(data, name)
    for required in ALWAYS:
        if required not in found:
            raise damaged(f"{required} is missing", name)
    if archived(found) != data:
        raise damaged("there is something in the file beside the pack, or it was packed again", name)
    try:
        payload = dsse.unverified(found[STATEMENT], PACK_TYPE)
    except dsse.EnvelopeMalformed as error:
        raise damaged(f"{STATEMENT}: {error.what}", name) from None
    try:
        return Pack(name, Statement.parse(payload, STATEMENT), found)
    except UsageError as error:
        raise damaged(error.what, name) from None


def split(data: bytes) -> list[bytes]:
    """The lines of a file that ends with a line's end."""
    return data.split(b"\n")[:-1]


def leaf_marks(lines: Iterable[bytes]) -> str:
    """16 hexadecimal digits for each line, of its RFC 6962 leaf hash, in one text."""
    return "".join(leaf_hash(line)[:8].hex() for line in lines)
