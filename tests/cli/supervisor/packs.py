"""Packs to show: the run of `tests.federation.ledger.world`, with one party abroad and several forms."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from federation import files
from federation.governance.grant import Evidence, Grant, GrantLimits, Transfer
from federation.governance.guard.verdict import Judge
from federation.governance.terms import Form, Mechanism
from federation.ids import AGGREGATOR
from tests.federation.ledger import world
from tests.federation.ledger.world import ROLES, START, RoleInRun, World, frame, identity

NOW = START + dt.timedelta(days=1)
PLACES = {"bank": "CN", "platform": "CN", "public": "SG", "aggregator": "CN"}
FORMS = {
    "logistic/residual": Form.ENCRYPTED_UPDATE,
    "logistic/gradient": Form.MASKED_UPDATE,
    "round/progress": Form.CONTROL,
}
SHA = "5" * 64


def abroad(rounds: int = 3, messages: int = 6) -> World:
    """A run in which `public` is in Singapore and data crosses to and from China."""
    with _crossing():
        return world.made(rounds, messages)


def pack_files(made: World) -> dict[str, bytes]:
    """Role -> the file of its pack."""
    with _crossing():
        return {name: made.pack_file(name) for name in ROLES}


def written(folder: Path, found: dict[str, bytes]) -> list[Path]:
    """The packs' files, as NAME.zip in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.zip" for name in found]
    for path in paths:
        path.write_bytes(found[path.stem])
    return paths


@contextmanager
def _crossing() -> Iterator[None]:
    plain = RoleInRun.grant.fget
    assert plain is not None
    with (
        patch.object(world, "members", _members),
        patch.object(world, "_FORMS", tuple(FORMS.values())),
        patch.object(RoleInRun, "context", _context),
        patch.object(RoleInRun, "send", _send),
        patch.object(RoleInRun, "grant", property(lambda role: _grant(plain(role)))),
    ):
        yield


def _members() -> bytes:
    return files.canonical_json(
        {name: {"key": identity(name).public.key.hex(), "place": PLACES[name]} for name in ROLES}
    )


def _mechanism(origin: str, destination: str) -> Mechanism:
    return Mechanism.CN_CONTRACT if origin == "CN" else Mechanism.SG_CONTRACT


def _grant(grant: Grant) -> Grant:
    here = PLACES[grant.owner]
    evidence = Evidence(title="Standard contract 2026-114", sha256=SHA)
    ways = sorted({PLACES[name] for name in grant.to} - {here})
    transfers = tuple(
        Transfer(
            origin=here,
            destination=there,
            mechanism=_mechanism(here, there),
            evidence=evidence,
            valid_until=dt.date(2027, 6, 30),
        )
        for there in ways
    )
    limits = GrantLimits(max_runs=4, max_rounds=40, max_egress_bytes=900_000, max_epsilon=3.0)
    to = {name: each.model_copy(update={"place": PLACES[name]}) for name, each in grant.to.items()}
    return grant.model_copy(update={"transfers": transfers, "limits": limits, "to": to})


def _context(role: RoleInRun, kind: str, to: str) -> dict[str, str | bool]:
    plain = _PLAIN(role, kind, to)
    if role.name == AGGREGATOR:
        return plain
    origin, destination = PLACES[role.name], PLACES[to]
    mechanism = "" if origin == destination else _mechanism(origin, destination).value
    return {
        **plain,
        "form": FORMS[kind].value,
        "origin": origin,
        "destination": destination,
        "mechanism": mechanism,
    }


_PLAIN = RoleInRun.context


def _send(role: RoleInRun, judge: Judge, kind: str, to: str, size: int) -> None:
    verdict = role.verdicts.setdefault(
        kind + to, judge.decide(role.name, "feature", role.context(kind, to)).line
    )
    previous = hashlib.sha256(role.frames[-1]).hexdigest() if role.frames else bytes(32).hex()
    role.frames.append(
        frame(
            previous,
            type=kind,
            to=to,
            size=size * 17,
            sha256=hashlib.sha256(f"{role.name}{role.number}".encode()).hexdigest(),
            purpose=world.PURPOSE,
            form=str(role.context(kind, to)["form"]),
            grants=role.grants,
            lineage=role.lineage,
            verdict=hashlib.sha256(verdict).hexdigest(),
            number=role.number,
        )
    )
    role.number += 1
