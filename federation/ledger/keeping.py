"""What a role keeps of a run beside its ledger and its journal, so that it can be shown later.

    rounds/RUN/members.json       who took part: name -> identity key, place
    rounds/RUN/policy.cedar, entities.jsonl, verdicts.jsonl
                                  what the guard decided by, and what it decided
    rounds/RUN/canaries.json      attempt -> the seed that was opened

Each file is there before, or as soon as, what it is about is in the ledger. At a party the guard's own files
are written by `parties.governance.evidence`, line by line as it decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from crypto.identity import PublicIdentity
from federation import files
from federation.ids import PartyId
from federation.ledger.pack import split

MEMBERS, CANARIES = "members.json", "canaries.json"
POLICY, ENTITIES, VERDICTS = "policy.cedar", "entities.jsonl", "verdicts.jsonl"


def keep_members(
    folder: Path, identities: Mapping[PartyId, PublicIdentity], places: Mapping[PartyId, str]
) -> None:
    """Who takes part in an attempt, this role included, with those of earlier attempts.

    `folder`: the run's. places: ISO 3166-1 alpha-2; who is not in it is at no place that is known here.
    """
    now: dict[str, object] = {
        name: {"key": identity.key.hex(), "place": places.get(name, "")}
        for name, identity in identities.items()
    }
    _add(folder / MEMBERS, now)


def keep_decided(folder: Path, policy: str, entities: bytes, verdicts: Iterable[bytes]) -> None:
    """What the guard of an attempt decided by and what it decided, with those of earlier attempts."""
    files.write_private(folder / POLICY, policy.encode())
    _add_lines(folder / ENTITIES, [entities])
    _add_lines(folder / VERDICTS, verdicts)


def keep_seed(folder: Path, attempt: int, seed: bytes) -> None:
    """The seed (32 bytes) of an attempt's canaries, when it is opened."""
    _add(folder / CANARIES, {str(attempt): {"seed": seed.hex()}})


def ground_digest(policy: bytes, entities: bytes) -> str:
    """SHA-256 over the digests of policy text and entities: what an attempt's verdicts are decided by.

    It is the `verdict` of the attempt's `plan` entry, so that both are settled before anything leaves.
    """
    return hashlib.sha256(hashlib.sha256(policy).digest() + hashlib.sha256(entities).digest()).hexdigest()


def kept(folder: Path) -> dict[str, bytes]:
    """What is kept of a run, by its names in a pack."""
    names = (MEMBERS, POLICY, ENTITIES, VERDICTS, CANARIES)
    return {name: files.read(folder / name) for name in names if (folder / name).exists()}


def _add(file: Path, fields: Mapping[str, object]) -> None:
    before = files.read_json(file) if file.exists() else {}
    files.write_private(file, files.canonical_json({**before, **fields}))


def _add_lines(file: Path, lines: Iterable[bytes]) -> None:
    before = split(files.read(file)) if file.exists() else []
    files.write_private(file, b"".join(line + b"\n" for line in dict.fromkeys([*before, *lines])))
