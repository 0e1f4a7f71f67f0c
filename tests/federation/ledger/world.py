"""A federation on paper: ledgers, guard logs and packs of a run that never was, made by the product's forms.

Every role's ledger, checkpoints and guard log hang together as after a real run; the keys are at hand, so a
test can play the insider who changes something and signs it again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto import dsse, note
from crypto.identity import Identity
from crypto.merkle import Tree, leaf_hash
from crypto.note import Checkpoint
from federation import files
from federation.governance.grant import (
    GRANT_TYPE,
    REVOCATION_TYPE,
    Evidence,
    Grant,
    LegalBasis,
    Recipient,
    Revocation,
)
from federation.governance.guard import policy as policies
from federation.governance.guard.verdict import Judge
from federation.governance.terms import Form, Operation, Regime
from federation.ids import AGGREGATOR
from federation.ledger import archive
from federation.ledger import pack as packs
from federation.ledger.checks.canaries import commitment
from federation.ledger.entries import entry
from federation.ledger.keeping import ground_digest
from federation.ledger.pack import Pack, Sources
from federation.ledger.reading import origin

FEDERATION = "lakeside"
RUN = "20261127t090000-sme-credit"
PARTIES = ("bank", "platform", "public")
ROLES = (*PARTIES, AGGREGATOR)
START = dt.datetime(2026, 11, 27, 9, 0, tzinfo=dt.UTC)
PURPOSE = "credit-scoring"
TYPES = ("logistic/residual", "logistic/gradient", "round/progress")
#: In what forms the fields that parties use may leave.
_FORMS = (Form.CONTROL, Form.ENCRYPTED_UPDATE, Form.AGGREGATE)
PLAN = files.canonical_json({"name": "sme-credit", "purpose": PURPOSE, "parties": list(PARTIES)})


def identity(name: str) -> Identity:
    """The same key for the same name in every test: signatures are reproducible."""
    return Identity(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()))


#: What ledger `owner` shows to `holder`, of its own lines.
Shown: TypeAlias = Callable[[str, str, list[bytes]], list[bytes]]


@dataclass
class RoleInRun:
    """What one role writes down. `lines` is its ledger, `frames` its guard log."""

    name: str
    lines: list[bytes] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    notes: dict[int, str] = field(default_factory=dict)
    witnessed: dict[tuple[str, int], str] = field(default_factory=dict)
    verdicts: dict[str, bytes] = field(default_factory=dict)
    number: int = 0

    @property
    def identity(self) -> Identity:
        return identity(self.name)

    @property
    def seed(self) -> bytes:
        return hashlib.sha256(b"canaries of " + self.name.encode()).digest()

    @property
    def manifest(self) -> str:
        return hashlib.sha256(b"manifest of " + self.name.encode()).hexdigest()

    @property
    def grant(self) -> Grant:
        basis = LegalBasis(
            regime=next(iter(Regime)),
            basis="company data",
            evidence=Evidence(title="opinion", sha256="0" * 64),
        )
        return Grant(
            grant="isthmus.grant/v1",
            id=f"{self.name}-grant",
            federation=FEDERATION,
            owner=self.name,
            dataset="data",
            manifest_sha256=self.manifest,
            to={
                name: Recipient(place="CN", fingerprint=dsse.key_id(identity(name).public))
                for name in ROLES
                if name != self.name
            },
            purpose=PURPOSE,
            operations=(Operation.PSI, Operation.TRAIN_VERTICAL),
            fields=("*",),
            legal_basis=(basis,),
            valid_from=START - dt.timedelta(days=30),
            valid_until=START + dt.timedelta(days=30),
        )

    @property
    def grant_file(self) -> bytes:
        return dsse.seal(GRANT_TYPE, self.grant.canonical(), self.identity)

    @property
    def grants(self) -> list[str]:
        return [] if self.name == AGGREGATOR else [self.grant.id]

    @property
    def entities(self) -> bytes:
        """What the guard of this role decides on: at a party, what its grant says."""
        aggregator = self.name == AGGREGATOR
        forms = sorted(form.value for form in (policies.AGGREGATOR_FORMS if aggregator else _FORMS))
        granted = [
            {"to": to, "operation": operation.value}
            for to in ROLES
            if to != self.name
            for operation in (Operation if aggregator else self.grant.operations)
        ]
        return files.canonical_json(
            [
                policies.entity("Party", self.name, types=sorted(TYPES), purposes=[PURPOSE]),
                policies.entity(
                    "Lineage", "feature", forms=forms, grade="general", personal="none", granted=granted
                ),
            ]
        )

    @property
    def policy(self) -> str:
        """By what its guard decides."""
        return policies.TEXT

    @property
    def form(self) -> Form:
        """In what form its messages leave."""
        return Form.AGGREGATE if self.name == AGGREGATOR else Form.ENCRYPTED_UPDATE

    def named_grants(self, to: str) -> list[str]:
        """Under which grants a message to that role leaves, as its guard log says."""
        return self.grants

    @property
    def lineage(self) -> str:
        """What its messages are bound to: its columns; the aggregator has none."""
        if self.name == AGGREGATOR:
            return bytes(32).hex()
        return policies.lineage_digest("data", self.manifest, ["turnover"]).hex()

    def context(self, kind: str, to: str) -> dict[str, str | bool]:
        """What a request says of one message."""
        place = "" if self.name == AGGREGATOR else "CN"
        return {
            "type": kind,
            "form": self.form.value,
            "operation": Operation.TRAIN_VERTICAL.value,
            "purpose": PURPOSE,
            "to": to,
            "origin": place,
            "destination": place,
            "mechanism": "",
            "within_size": True,
            "expected": True,
            "canonical": True,
            "no_canary": True,
            "within_bytes": True,
            "in_force": True,
        }

    def log(self, kind: str, at: dt.datetime, **fields: str | int | list[str]) -> None:
        self.lines.append(entry(kind, f"{at:%Y-%m-%dT%H:%M:%SZ}", **fields))

    def root(self, size: int | None = None) -> bytes:
        return Tree(map(leaf_hash, self.lines)).root(size)

    def send(self, judge: Judge, kind: str, to: str, size: int) -> None:
        """Write down one message that the guard allowed."""
        verdict = self.verdicts.get(kind + to)
        if verdict is None:
            verdict = judge.decide(self.name, "feature", self.context(kind, to)).line
            self.verdicts[kind + to] = verdict
        previous = hashlib.sha256(self.frames[-1]).hexdigest() if self.frames else bytes(32).hex()
        self.frames.append(
            frame(
                previous,
                type=kind,
                to=to,
                size=size,
                sha256=hashlib.sha256(f"{self.name}{self.number}".encode()).hexdigest(),
                purpose=PURPOSE,
                form=self.form.value,
                grants=self.named_grants(to),
                lineage=self.lineage,
                verdict=hashlib.sha256(verdict).hexdigest(),
                number=self.number,
            )
        )
        self.number += 1


def frame(previous: str, **fields: object) -> bytes:
    """A line of a guard log, as `federation.journal.FileJournal` writes it."""
    return json.dumps({"previous": previous, **fields}, ensure_ascii=True).encode()


@dataclass
class World:
    """All roles of a run."""

    roles: dict[str, RoleInRun]
    now: dt.datetime

    def files(self, name: str) -> dict[str, bytes]:
        """What goes into the role's pack."""
        role = self.roles[name]
        found = {
            "log.jsonl": joined(role.lines),
            "guard.jsonl": joined(role.frames),
            "plan.json": PLAN,
            "members.json": members(),
            "policy.cedar": role.policy.encode(),
            "entities.jsonl": joined([role.entities]),
            "verdicts.jsonl": joined(list(role.verdicts.values())),
        }
        found |= {f"checkpoints/{size}.note": text.encode() for size, text in role.notes.items()}
        found |= {
            f"witnessed/{other}-{size}.note": text.encode() for (other, size), text in role.witnessed.items()
        }
        if name != AGGREGATOR:
            found["manifest.sha256"] = role.manifest.encode() + b"\n"
            found[f"grants/{role.grant.id}.dsse.json"] = role.grant_file
            found["canaries.json"] = files.canonical_json({"1": {"seed": role.seed.hex()}})
        return found

    def pack_file(self, name: str, changed: Mapping[str, bytes] | None = None) -> bytes:
        """The role's pack; with `changed` files where its owner changed them before signing."""
        return sealed(name, {**self.files(name), **(changed or {})}, self.now)

    def pack(self, name: str, changed: Mapping[str, bytes] | None = None) -> Pack:
        return packs.parse(self.pack_file(name, changed), f"{name}.zip")


def sealed(
    name: str, contents: Mapping[str, bytes], now: dt.datetime = START + dt.timedelta(hours=3)
) -> bytes:
    """A pack of these files, signed by the role."""
    return packs.build(
        Sources(
            identity(name),
            name,
            FEDERATION,
            RUN,
            f"{now:%Y-%m-%dT%H:%M:%SZ}",
            {"isthmus": "0.1.0", "python": "3.11"},
            contents,
        )
    )


def resealed(pack: Pack, contents: Mapping[str, bytes], signer: str | None = None) -> Pack:
    """The pack with other contents, signed again: what an insider can always do."""
    return packs.parse(sealed(signer or pack.party, contents), pack.name)


def contents(pack: Pack) -> dict[str, bytes]:
    """What a pack's maker put into it."""
    return {name: data for name, data in pack.files.items() if name != archive.STATEMENT}


def members() -> bytes:
    return files.canonical_json(
        {name: {"key": identity(name).public.key.hex(), "place": "CN"} for name in ROLES}
    )


def fingerprints() -> dict[str, str]:
    """What a reader was told by each role itself."""
    return {name: identity(name).public.fingerprint for name in ROLES}


def came_from(frames: list[bytes], to: str) -> list[bytes]:
    """The SHA-256 of each message of a guard log that one role received."""
    told = [json.loads(line) for line in frames]
    return [bytes.fromhex(each["sha256"]) for each in told if each["to"] == to]


def joined(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def made(
    rounds: int = 3,
    messages: int = 4,
    *,
    between: Callable[[World], None] | None = None,
    insider: type[RoleInRun] = RoleInRun,
    shown: Shown = lambda owner, holder, lines: lines,
) -> World:
    """A run of so many rounds, in each of which a party sends so many messages.

    `insider`: bank's program. `shown`: what ledger a role shows to another instead of its own.
    """
    world = World({name: (insider if name == "bank" else RoleInRun)(name) for name in ROLES}, START)
    judges = {name: Judge(role.policy, role.entities) for name, role in world.roles.items()}
    for role in world.roles.values():
        _open(role)
    _witness(world, shown)
    for number in range(1, rounds + 1):
        world.now += dt.timedelta(seconds=30)
        for role in world.roles.values():
            others = [name for name in ROLES if name != role.name]
            for step in range(messages):
                kind = TYPES[step % len(TYPES)]
                role.send(judges[role.name], kind, others[step % len(others)], 1000 + step)
            root = Tree(map(leaf_hash, role.frames)).root().hex()
            role.log("round", world.now, run=RUN, attempt=1, number=number, lines=len(role.frames), root=root)
        if between is not None:
            between(world)
    for role in world.roles.values():
        _close(world, role, world.now + dt.timedelta(seconds=5))
    world.now += dt.timedelta(seconds=10)
    _witness(world, shown)
    return replace(world, now=world.now + dt.timedelta(minutes=5))


def revocation(role: RoleInRun, at: dt.datetime) -> bytes:
    """The owner takes its grant back."""
    taken = Revocation(revocation="isthmus.revocation/v1", grant_id=role.grant.id, at=at)
    return dsse.seal(REVOCATION_TYPE, taken.canonical(), role.identity)


def noted(role: RoleInRun, lines: list[bytes], size: int, cosigners: tuple[str, ...], at: int) -> str:
    """A checkpoint over the first `size` of these lines, signed by the role and co-signed."""
    root = Tree(map(leaf_hash, lines)).root(size)
    whose = origin(FEDERATION, role.name)
    text = note.sign(Checkpoint(whose, size, root), role.identity, whose)
    for other in cosigners:
        text = note.with_cosignature(text, note.cosign(text, identity(other), other, at))
    return text


def _open(role: RoleInRun) -> None:
    role.log("start", START - dt.timedelta(hours=1))
    if role.name != AGGREGATOR:
        role.log("manifest", START - dt.timedelta(minutes=40), dataset="data", sha256=role.manifest)
        digest = hashlib.sha256(role.grant_file).hexdigest()
        role.log("grant", START - dt.timedelta(minutes=30), grant=role.grant.id, sha256=digest)
    role.log(
        "plan",
        START,
        run=RUN,
        attempt=1,
        plan=hashlib.sha256(PLAN).hexdigest(),
        order=hashlib.sha256(b"order").hexdigest(),
        verdict=ground_digest(role.policy.encode(), role.entities),
        grants=role.grants,
        manifest=role.manifest,
        commitment=commitment(role.seed, role.manifest),
    )


def _close(world: World, role: RoleInRun, at: dt.datetime) -> None:
    fields = {"run": RUN, "attempt": 1}
    role.log("model", at, **fields, sha256=hashlib.sha256(role.name.encode()).hexdigest())
    if role.name != AGGREGATOR:
        role.log("opening", at, **fields, sha256=hashlib.sha256(role.seed).hexdigest(), hits=0)
    for other in ROLES:
        if other != role.name:
            came = came_from(world.roles[other].frames, role.name)
            digest = hashlib.sha256(b"".join(came)).hexdigest()
            role.log("received", at, **fields, party=other, count=len(came), digest=digest)
    role.log(
        "close",
        at,
        **fields,
        lines=len(role.frames),
        root=Tree(map(leaf_hash, role.frames)).root().hex(),
        bytes=sum(json.loads(line)["size"] for line in role.frames),
        state="finished",
    )


def _witness(world: World, shown: Shown) -> None:
    """Each role co-signs each other's checkpoint, as `federation.ledger.checkpoint.exchange` does."""
    at = int(world.now.timestamp())
    before = {name: list(role.lines) for name, role in world.roles.items()}
    for name, role in world.roles.items():
        others = tuple(other for other in ROLES if other != name)
        role.notes[len(role.lines)] = noted(role, role.lines, len(role.lines), others, at)
    for name, role in world.roles.items():
        for other in ROLES:
            if other != name:
                lines = shown(other, name, before[other])
                size, root = len(lines), Tree(map(leaf_hash, lines)).root().hex()
                role.log("witness", world.now, party=other, size=size, root=root)
                role.witnessed[other, size] = noted(world.roles[other], lines, size, (name,), at)
