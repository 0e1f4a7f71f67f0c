"""One member's update from a protected sum: by whom, with whom, and from what.

Between two, the sum less one's own is the other's. Among more, the aggregator and a member that works with it
have an upload, the group's key and the masks that the member shares: what is left is the mask that the victim
shares with an honest member. With all others against it no sum protects anybody: minimum parties count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from benchmarks.attacks.drawn import key_of, repeatable
from benchmarks.attacks.figures import Control, Estimate, Floats, Found, likeness
from benchmarks.attacks.setting import Setting
from benchmarks.leakage.views import Overheard
from crypto.controls import SharedKeyCkks
from crypto.identity import Identity
from crypto.masks import PairwiseMasks
from crypto.private import Private
from crypto.sealed import MaskSeed, Words64
from crypto.summation import ring
from crypto.summation.protection import GroupKey, Protection, SealedVector
from crypto.summation.schemes import protection
from crypto.summation.stream import KeyStream
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.message import Message, Role
from federation.messages.sum import OwnMask, SumKey, Upload
from federation.rehearsal import Part, rehearse, seat_everyone
from federation.secure_sum.adder import Adder
from federation.secure_sum.draws import lanes_of
from federation.secure_sum.member import SecureSum
from federation.session import Session

VICTIM, HONEST, COLLUDER = PartyId("bank-a"), PartyId("bank-b"), PartyId("bank-c")
MEMBERS = (VICTIM, HONEST, COLLUDER)
PROTECTIONS = ("he", "mask")
#: Where nothing is left of an update, its correlation with noise: below this all but surely from 1,000 on.
CHANCE = 0.15
_CLIP, _LABEL, _PATIENCE = 1.0, "attacks|1", 120.0


@dataclass(frozen=True, slots=True, repr=False)
class SumRun:
    """A sum that was played: what the aggregator was sent, what the colluding member has, what came out.

    uploads: at the aggregator, by member. key, seeds: the group's key and everybody's own masks, at every
    member. pairwise: what each two members share, of which a colluder has its own. total (n,): the sum.
    """

    scheme: Protection
    uploads: Mapping[PartyId, SealedVector]
    key: GroupKey
    seeds: Mapping[PartyId, MaskSeed]
    pairwise: Mapping[frozenset[PartyId], bytes]
    total: Floats


def play(name: str, updates: Mapping[PartyId, Floats], seed: int, clip: float = _CLIP) -> SumRun:
    """One sum of the members' updates (n,) under protection `name`, over the product's sessions."""
    members = tuple(updates)
    heard: dict[PartyId, list[Message]] = {}

    def member(session: Session) -> Floats:
        overheard = Overheard(session)
        heard[session.me] = overheard.messages
        sums = SecureSum(overheard, members, protection(name), seed=key_of(seed, "rounding", session.me))
        return sums.total(_LABEL, Private(updates[session.me]), clip)

    def aggregator(session: Session) -> Floats:
        overheard = Overheard(session)
        heard[AGGREGATOR] = overheard.messages
        adder = Adder(overheard, protection(name))
        for each in members:
            adder.take(each, overheard.receive(each, Upload))
        return np.zeros(0)

    roles = {**dict.fromkeys(members, Role.MEMBER), AGGREGATOR: Role.AGGREGATOR}
    identities = {seat: Identity.generate() for seat in roles}
    seating = seat_everyone(roles, identities, run=RunId("attacks"), patience=_PATIENCE)
    parts: dict[PartyId, Part[Floats]] = {**dict.fromkeys(members, member), AGGREGATOR: aggregator}
    with repeatable(seed):
        done = rehearse(seating, identities, parts)
    uploads = [each for each in heard[AGGREGATOR] if isinstance(each, Upload)]
    key = next(each.key for each in heard[members[0]] if isinstance(each, SumKey))
    # What each member sent the others once the sum was fixed.
    seeds = {each: next(told.seed for told in heard[each] if isinstance(told, OwnMask)) for each in members}
    return SumRun(
        protection(name),
        dict(zip(members, (each.vector for each in uploads), strict=True)),
        key,
        seeds,
        {frozenset(two): key_of(seed, *sorted(map(str, two))) for two in combinations(members, 2)},
        done.results[members[-1]],
    )


def attack(setting: Setting) -> Iterator[Found]:
    """The victim's update: between two, at the aggregator, and at aggregator and member together."""
    length = setting.size.coordinates
    generator = np.random.default_rng(setting.seed)
    updates = {each: generator.normal(0, 0.2, length).clip(-1, 1) for each in MEMBERS}
    for name in PROTECTIONS:
        setting.say(f"adding up under {name}")
        run = play(name, updates, setting.seed)
        yield _differencing(setting, name, run, updates)
        yield _collusion(setting, name, run, updates)


def _differencing(setting: Setting, name: str, run: SumRun, updates: Mapping[PartyId, Floats]) -> Found:
    """A member takes its own update off the sum: between two that is the other's."""
    pair = updates[VICTIM] + updates[COLLUDER]
    two = likeness(pair - updates[COLLUDER], updates[VICTIM])
    rest = run.total - updates[COLLUDER]
    # Of one of two honest members the rest is half: as like it as any two independent updates' sum is.
    product, expected = likeness(rest, updates[VICTIM]), 1 / np.sqrt(2)
    nothing = likeness(rest, updates[COLLUDER])
    return Found(
        "sums",
        f"sum less one's own, {name}",
        "T-COHORT",
        "a member, of the sum of three",
        "cosine",
        two if setting.weakened else product,
        float(expected),
        float(expected) + 0.05,
        setting.seed,
        Control(two.value, two.value > 0.9999, "a plain sum of two: the other's update"),
        _chance(nothing, "its own update, which was taken off"),
        "the sum that every member gets, less the attacker's own update; of three members two are left",
        setting.weakened,
    )


def _collusion(setting: Setting, name: str, run: SumRun, updates: Mapping[PartyId, Floats]) -> Found:
    truth = updates[VICTIM]
    shared = SharedKeyCkks()
    common = likeness(shared.decrypt(shared.encrypt(truth))[: len(truth)], truth)
    alone = likeness(opened(run, VICTIM, (COLLUDER,), len(truth)), truth)
    nothing = likeness(opened(run, VICTIM, (COLLUDER,), len(truth)), updates[HONEST])
    everybody = likeness(opened(run, VICTIM, (COLLUDER, HONEST), len(truth)), truth)
    ok = common.value > 0.999 and everybody.value > 0.999
    return Found(
        "sums",
        f"aggregator and all members but two, {name}",
        "T-KEY-THRESH",
        "aggregator and a member, of an upload before it is in a sum",
        "cosine",
        common if setting.weakened else alone,
        0.0,
        CHANCE,
        setting.seed,
        Control(
            min(common.value, everybody.value),
            ok,
            "one CKKS key for all: any member opens any upload; here, with the last honest member too",
        ),
        _chance(nothing, "the update of another member"),
        "an upload opened by the group's key, less the victim's own mask and the one shared by the colluder",
        setting.weakened,
    )


def opened(run: SumRun, victim: PartyId, colluders: tuple[PartyId, ...], length: int) -> Floats:
    """The victim's values (n,), with all that aggregator and colluders can take off its upload.

    The upload is the aggregator's, the group's key and the victim's own mask are every member's once a sum
    was opened, and of the masks with other members each colluder has its own.
    """
    scheme, name = run.scheme, f"sum|{MEMBERS}|{_LABEL}"
    lanes = lanes_of(scheme, len(MEMBERS))
    count = lanes.words(length)
    total = scheme.add([run.uploads[victim]], [1] if scheme.weighs else None)
    words = scheme.open(run.key, name, total, count).open_locally()
    own = KeyStream(run.seeds[victim].data, f"own mask|{name}")
    words = ring.masked(words, scheme.modulus, minus=[own])
    for colluder in colluders:
        words = ring.add(words, _shared(run, colluder, victim, count, name), scheme.modulus)
    bits, most = lanes.lane_bits, np.uint64((1 << lanes.lane_bits) - 1)
    values = np.concatenate([words >> np.uint64(k * bits) & most for k in range(lanes.lanes)])
    return np.asarray(values[:length].astype(np.float64) - float(most) / 2)


def _shared(run: SumRun, colluder: PartyId, victim: PartyId, count: int, name: str) -> Words64:
    """What the colluder adds to its own words for the victim, who adds the opposite."""
    masks = PairwiseMasks(colluder, {victim: run.pairwise[frozenset((victim, colluder))]})
    return masks.residues(name, frozenset({victim}), count, run.scheme.modulus)


def _chance(found: Estimate, told: str) -> Control:
    return Control(found.value, found.value < CHANCE, told)
