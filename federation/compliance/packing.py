"""A judged run in one file: the case, the judgement, and the evidence of every role that they rest on.

    border.dsse.json            what is in the file (`Statement`), signed by a role: DSSE over canonical JSON
    case.json                   the facts, canonical (`federation.compliance.facts.Case`)
    judgement.json              the verdicts, canonical, with the SHA-256 of every rule pack
    packs/ROLE.zip              each role's evidence pack (`federation.ledger.pack`), as it made it
    captures/ROLE.jsonl         what a capture saw leave that role, one frame a line, where there was one
    attestations/NAME.dsse.json what persons signed

The archive is of the same form as a role's pack: stored, sorted, one byte form. `rederiving` checks it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crypto import dsse
from crypto.identity import Identity, PublicIdentity
from federation import files
from federation.compliance.facts import Case, Shown
from federation.compliance.verdicts import Judgement
from federation.errors import UsageError
from federation.ids import PartyId
from federation.ledger import archive
from federation.ledger import pack as packs
from federation.ledger.archive import JUDGED, archived, damaged, document, members
from federation.ledger.pack import Pack
from federation.transport.capture import Frame

VERSION = "isthmus.border/v1"
BORDER_TYPE = "application/vnd.isthmus.border+json"
STATEMENT, CASE, JUDGEMENT = JUDGED, "case.json", "judgement.json"
_NAME = r"[a-z0-9][a-z0-9-]{0,62}"
_ALLOWED = re.compile(
    rf"border\.dsse\.json|case\.json|judgement\.json"
    rf"|packs/{_NAME}\.zip|captures/{_NAME}\.jsonl|attestations/{_NAME}\.dsse\.json"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """What the maker signs.

    by, key: the role, and its identity's public key in hexadecimal. trusted: role -> the fingerprint under
    which the evidence was verified. channel: whether every session was mutual TLS, as the capture saw it.
    rules: rule pack -> SHA-256. files: name -> SHA-256 of everything else in the archive.
    """

    by: str
    key: str
    made_at: str
    case: str
    channel: Shown
    trusted: Mapping[str, str]
    rules: Mapping[str, str]
    files: Mapping[str, str]

    def canonical(self) -> bytes:
        """The signed form."""
        return files.canonical_json({"border": VERSION, **asdict(self)})

    @staticmethod
    def parse(payload: bytes) -> Statement:
        """What `canonical` wrote, and only that; `UsageError` otherwise."""
        fields = document(payload, STATEMENT)
        try:
            found = Statement(**{name: value for name, value in fields.items() if name != "border"})
            PublicIdentity(bytes.fromhex(found.key))
            texts = (found.by, found.made_at, found.case, found.channel)
            tables = (found.trusted, found.rules, found.files)
            words = [*texts, *(word for table in tables for word in table.values())]
            good = all(isinstance(word, str) for word in words) and found.canonical() == payload
        except (TypeError, ValueError, AttributeError, UsageError):
            good, found = False, _NOTHING
        if not good:
            raise damaged(f"{STATEMENT}: it does not say what such a statement says")
        return found


_NOTHING = Statement("", "", "", "", "unknown", {}, {}, {})


@dataclass(frozen=True, slots=True)
class Sources:
    """What goes into the file: `identity`, that of the role `by`, signs it at `now`.

    packs: role -> its evidence pack's bytes; none of a run that was refused before it began. frames: role ->
    what the capture saw of it; None where there was none. trusted: as `federation.ledger.verify` was given.
    """

    identity: Identity
    by: str
    now: dt.datetime
    case: Case
    judgement: Judgement
    packs: Mapping[str, bytes] = field(default_factory=dict)
    frames: Mapping[str, Sequence[Frame]] | None = None
    trusted: Mapping[str, str] = field(default_factory=dict)
    channel: Shown = "unknown"
    attestations: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BorderPack:
    """The file as it was read: its form was checked, whether it is true `rederiving.rederived` tells.

    envelope: the signed statement. judgement: the stored object. frames: None where nobody captured.
    """

    name: str
    statement: Statement
    case: Case
    judgement: Mapping[str, Any]
    packs: tuple[Pack, ...]
    frames: Mapping[str, tuple[Frame, ...]] | None
    files: Mapping[str, bytes]


def build(source: Sources) -> bytes:
    """The file. The same sources give the same bytes. `UsageError` for a name that no such file has."""
    found = {CASE: source.case.canonical(), JUDGEMENT: source.judgement.canonical()}
    found |= {f"packs/{role}.zip": data for role, data in source.packs.items()}
    found |= {f"captures/{role}.jsonl": _lines(seen) for role, seen in (source.frames or {}).items()}
    found |= {f"attestations/{name}.dsse.json": data for name, data in source.attestations.items()}
    for name in found:
        if not _may_hold(name):
            raise UsageError(f"such a pack has no file {name!r}", advice="Use lower-case letters and digits.")
    statement = Statement(
        source.by,
        source.identity.public.key.hex(),
        f"{source.now.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
        source.case.digest,
        source.channel,
        dict(source.trusted),
        dict(source.judgement.packs),
        {name: hashlib.sha256(data).hexdigest() for name, data in found.items()},
    )
    return archived({**found, STATEMENT: dsse.seal(BORDER_TYPE, statement.canonical(), source.identity)})


def read(path: Path) -> BorderPack:
    """The judged run in a file; `UsageError` naming the file for anything that is not laid out as one."""
    return parse(archive.read(path), str(path))


def parse(data: bytes, name: str) -> BorderPack:
    """The judged run in the bytes of a file called `name`; `UsageError` as `read`."""
    found = members(data, name, _may_hold)
    for required in (STATEMENT, CASE, JUDGEMENT):
        if required not in found:
            raise damaged(f"{required} is missing", name)
    if archived(found) != data:
        raise damaged("there is something in the file beside the pack, or it was packed again", name)
    try:
        statement = Statement.parse(dsse.unverified(found[STATEMENT], BORDER_TYPE))
        inner = [each for each in sorted(found) if each.startswith("packs/")]
        return BorderPack(
            name,
            statement,
            _case(found[CASE]),
            document(found[JUDGEMENT], JUDGEMENT),
            tuple(packs.parse(found[each], each) for each in inner),
            _captures(found),
            found,
        )
    except dsse.EnvelopeMalformed as error:
        raise damaged(f"{STATEMENT}: {error.what}", name) from None
    except UsageError as error:
        within = f"{error.file}: " if error.file else ""
        raise damaged(f"{within}{error.what}", name) from None


def _may_hold(name: str) -> bool:
    return _ALLOWED.fullmatch(name) is not None


def _case(data: bytes) -> Case:
    try:
        found = Case.model_validate_json(data)
    except (ValidationError, ValueError, RecursionError):
        raise damaged(f"{CASE} is no case of this version") from None
    if found.canonical() != data:
        raise damaged(f"{CASE} is not in its one byte form")
    return found


def _lines(seen: Sequence[Frame]) -> bytes:
    return b"".join(files.canonical_json(asdict(frame)) + b"\n" for frame in seen)


def _captures(found: Mapping[str, bytes]) -> dict[str, tuple[Frame, ...]] | None:
    captures = {
        name.removeprefix("captures/").removesuffix(".jsonl"): tuple(
            _frame(line, name) for line in packs.split(data)
        )
        for name, data in found.items()
        if name.startswith("captures/")
    }
    return captures or None


def _frame(line: bytes, name: str) -> Frame:
    try:
        fields = json.loads(line)
        found = Frame(PartyId(str(fields["to"])), int(fields["size"]), str(fields["sha256"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise damaged(f"{name} has a line that is no frame") from None
    if files.canonical_json(asdict(found)) != line:
        raise damaged(f"{name} has a line that is no frame")
    return found
