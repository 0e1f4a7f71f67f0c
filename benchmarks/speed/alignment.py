"""What alignment costs: n identifiers at each of several parties, over real sessions in one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.errors import Mismeasured
from benchmarks.progress import Say, silent
from benchmarks.speed.measuring import Figures, Meter, cast, medians, peak_memory_mb, timed
from crypto.identity import Identity
from crypto.pool import Pool
from crypto.private import Private
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.messages.alignment import RingTags
from federation.protocols.matching import common_rows
from federation.rehearsal import Part, rehearse, seat_everyone
from federation.session import Session
from parties.alignment import align

Sets = Mapping[PartyId, Sequence[bytes]]
#: The rows of its own set that one seat was given; the aggregator has none.
Found = list[bytes] | None

_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHJKLMNPQRTUWXY", dtype="S1")  # GB 32100-2015
_LENGTH = 18
#: The seats share two cores and the interpreter: a hop takes longer than it would on its own machine.
_PATIENCE = 1800.0


def measure(
    count: int = 100_000, parties: int = 3, repeat: int = 3, *, seed: int = 0, say: Say = silent
) -> Figures:
    """Align `count` identifiers at each of `parties` parties, `repeat` times; the medians.

    cpu_s holds each role's processor seconds, its worker processes included; process_cpu_s what the whole
    process and its workers spent; bytes what left all seats, by message type; plaintext_cpu_s an
    intersection of Python sets of the same identifiers. Half of each party's identifiers are common to all.

    Raises `Mismeasured` when a party was not given the right rows in the common order.
    """
    sets = identifiers(count, list(cast(parties))[:-1], np.random.default_rng(seed))
    runs = []
    for number in range(1, repeat + 1):
        say(f"repetition {number} of {repeat}")
        runs.append(_once(sets, RunId(f"speed-{number}")))
    return {"n": count, "parties": parties, "repeat": repeat, **medians(runs)}


def identifiers(count: int, parties: Sequence[PartyId], generator: np.random.Generator) -> Sets:
    """`count` distinct identifiers of 18 characters for each party, half of them common to all."""
    shared = count // 2
    own = count - shared
    drawn = _distinct(shared + own * len(parties), generator)
    sets = {}
    for i, party in enumerate(parties):
        rows = drawn[:shared] + drawn[shared + i * own : shared + (i + 1) * own]
        sets[party] = [rows[j] for j in generator.permutation(count)]
    return sets


def _distinct(count: int, generator: np.random.Generator) -> list[bytes]:
    letters = generator.choice(_ALPHABET, size=(count, _LENGTH))
    drawn: list[bytes] = letters.view(f"S{_LENGTH}").ravel().tolist()
    if len(set(drawn)) < count:
        raise Mismeasured("the generator drew one identifier twice", advice="Give another --seed.")
    return drawn


def _once(sets: Sets, run: RunId) -> Figures:
    roles = cast(len(sets))
    identities = {seat: Identity.generate() for seat in roles}
    seating = seat_everyone(roles, identities, run=run, patience=_PATIENCE)
    pools = {party: Pool() for party in sets}
    parts: dict[PartyId, Part[Found]] = {party: _party(sets[party], pools[party]) for party in sets}
    with Meter() as meter:
        try:
            done = rehearse(seating, identities, {**parts, AGGREGATOR: _match})
            workers = [pid for pool in pools.values() for pid in pool.process_ids]
            worker_memory = peak_memory_mb(*workers) if workers else 0.0
        finally:
            for pool in pools.values():
                pool.close()
    cpu = {
        seat: done.cpu_seconds[seat] + (pools[seat].cpu_seconds if seat in pools else 0.0) for seat in roles
    }
    meter.check(cpu)
    common, plain = timed(lambda: set.intersection(*map(set, sets.values())))
    _check(done.results, common)
    sizes = done.bytes_by_type()
    return {
        "intersection": len(common),
        "cpu_s": cpu,
        "process_cpu_s": meter.cpu_seconds,
        "plaintext_cpu_s": plain,
        "bytes": sizes,
        "bytes_total": sum(sizes.values()),
        "peak_memory_mb": peak_memory_mb(),
        "workers_peak_memory_mb": worker_memory,
    }


def _party(ids: Sequence[bytes], pool: Pool) -> Part[Found]:
    def play(session: Session) -> Found:
        rows = align(session, Private(ids), 1, pool).open_locally()
        return [ids[row] for row in rows]

    return play


def _match(session: Session) -> Found:
    tags = {}
    for party in session.seating.parties:
        told = session.receive(party, RingTags)
        tags[told.owner] = told.tags
    for party, rows in common_rows(tags, 1).items():
        session.send(party, rows)
    return None


def _check(found: Mapping[PartyId, Found], common: set[bytes]) -> None:
    orders = [rows for rows in found.values() if rows is not None]
    if any(rows != orders[0] for rows in orders) or set(orders[0]) != common:
        raise Mismeasured("alignment did not give every party the common rows in one order")
